"""A program takes the place of another while it runs: nothing stands still, nothing is lost, nothing is counted twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from runs import lines, made, quiet

from pipeline import api
from pipeline.agent.agent import Agent
from pipeline.api import Columns
from pipeline.errors import ConfigurationError, InternalError
from pipeline.plan.graph import Graph, Port, Stage
from pipeline.testing.life import Crash
from pipeline.testing.loop import run
from pipeline.testing.world import SimEnv, World
from plugins import Chunks, ChunksOptions, Parcels, ParcelsOptions, Records, RecordsOptions

LINES = lines(200)


class Counted(Chunks):
    """Counts what is asked of it."""

    def __init__(self, options: ChunksOptions) -> None:
        super().__init__(options)
        self.asked: list[str] = []

    async def open(self, ctx: api.Context) -> None:
        self.asked.append("open")
        ctx.metrics.count("counted.opened")
        ctx.metrics.table("counted.asked", lambda: [{"asked": len(self.asked)}])
        await super().open(ctx)

    async def close(self) -> None:
        self.asked.append("close")

    def read(self, progress: Mapping[str, api.Position]) -> AsyncIterator[api.Batch]:
        self.asked.append("read")
        return super().read(progress)


class Stubborn(Parcels):
    """Never ends a delivery, and takes three seconds to give one up."""

    async def deliver(self, segment: api.Segment) -> api.Result:
        try:
            await self._ctx.clock.sleep(1e6)
        finally:
            await self._ctx.clock.sleep(3.0)
        return api.Result()


class Shut(Parcels):
    """Cannot be opened."""

    name = "shut"

    def __init__(self, error: Exception) -> None:
        super().__init__(ParcelsOptions())
        self.error = error

    async def open(self, ctx: api.Context) -> None:
        raise self.error


def graph(folder: Path, target: str, mark: str = "1", source: Counted | None = None) -> Graph:
    """`source log = chunks(in.log)  sink copy = log -> records(target)`; another `mark` makes it another source."""
    source = source or Counted(ChunksOptions(path=str(folder / "in.log")))
    log = Stage("log", "source", input=source, plugin="chunks", columns={"": Columns({})}, fingerprint=mark)
    output = Records(RecordsOptions(path=target))
    sink = Stage("copy", "sink", upstream=(Port("log"),), output=output, plugin="records", fingerprint=target)
    return Graph("copy.pipe", {"log": log, "copy": sink}, frozenset({Port("log")}))


class Slow(Counted):
    """Takes three seconds to let go of what it reads."""

    async def read(self, progress: Mapping[str, api.Position]) -> AsyncIterator[api.Batch]:
        try:
            async for batch in Chunks.read(self, progress):
                yield batch
        finally:
            await self._ctx.clock.sleep(3.0)


def source_of(program: Graph) -> Counted:
    source = program.stages["log"].input
    assert isinstance(source, Counted)
    return source


def live(world: World, env: SimEnv, first: Graph, reload: Callable[[Agent], Awaitable[None]]) -> None:
    """One life: the first program, and what `reload` does to it."""

    async def life() -> None:
        running = quiet(world, env, first)
        reloading = asyncio.ensure_future(reload(running))
        try:
            await running.run()
            await reloading
        finally:
            reloading.cancel()

    run(life())


def after(seconds: float, env: SimEnv, following: Graph) -> Callable[[Agent], Awaitable[None]]:
    async def reload(running: Agent) -> None:
        await env.clock.sleep(seconds)
        await running.reload(following)

    return reload


def split(folder: Path) -> tuple[bytes, bytes]:
    """What each program wrote."""
    first, second = ((folder / name) for name in ("a.log", "b.log"))
    return first.read_bytes(), second.read_bytes() if second.exists() else b""


def test_a_source_that_stays_is_read_on(tmp_path: Path) -> None:
    """It is opened, read and closed once, by whatever number of programs; what each wrote is joined without a seam."""
    world = made(tmp_path / "w", LINES)
    env, first = world.env(), graph(tmp_path / "w", "a.log")

    async def reload(running: Agent) -> None:
        for target in ("b.log", "a.log", "b.log"):
            await env.clock.sleep(0.7)
            await running.reload(graph(tmp_path / "w", target))

    live(world, env, first, reload)
    a, b = split(world.folder)
    assert len(a) > 1000
    assert len(b) > 1000
    assert sorted((a + b).splitlines()) == LINES.splitlines()
    assert source_of(first).asked == ["open", "read", "close"]


def test_a_source_that_changed_goes_on_where_the_one_before_was(tmp_path: Path) -> None:
    """The old one is closed; the new one starts at what was committed."""
    world = made(tmp_path / "w", LINES)
    env, first, second = world.env(), graph(tmp_path / "w", "a.log"), graph(tmp_path / "w", "b.log", mark="2")
    live(world, env, first, after(1.0, env, second))
    a, b = split(world.folder)
    assert b
    assert a + b == LINES
    assert source_of(first).asked == source_of(second).asked == ["open", "read", "close"]


def test_a_source_that_is_slow_to_stop_is_not_the_end(tmp_path: Path) -> None:
    """Commits go on while it stops, and the one that takes its place reads the rest."""
    world = made(tmp_path / "w", LINES)
    env, second = world.env(), graph(tmp_path / "w", "b.log", mark="2")
    first = graph(tmp_path / "w", "a.log", source=Slow(ChunksOptions(path=str(tmp_path / "w" / "in.log"))))
    live(world, env, first, after(1.0, env, second))
    a, b = split(world.folder)
    assert b
    assert a + b == LINES
    assert source_of(first).asked == ["open", "close"]


@pytest.mark.parametrize("mark", ["1", "2"], ids=["the same source", "another source"])
def test_a_crash_at_every_call_of_a_reload_loses_and_doubles_nothing(tmp_path: Path, mark: str) -> None:
    """The next life runs the second program: it completes what the first began."""
    world = made(tmp_path / "count", LINES)
    env = world.env()
    live(world, env, graph(world.folder, "a.log"), after(1.0, env, graph(world.folder, "b.log", mark)))
    total = env.points
    world.crash()
    assert total > 100
    for kill_at in range(1, total + 1):
        world = made(tmp_path / f"{kill_at}", LINES)
        env = world.env(kill_at)
        with pytest.raises(Crash):
            live(world, env, graph(world.folder, "a.log"), after(1.0, env, graph(world.folder, "b.log", mark)))
        world.crash()
        run(quiet(world, world.env(), graph(world.folder, "b.log", mark)).run())
        world.crash()
        a = (world.folder / "a.log").read_bytes() if (world.folder / "a.log").exists() else b""
        b = (world.folder / "b.log").read_bytes() if (world.folder / "b.log").exists() else b""
        assert a + b == LINES, f"killed at point {kill_at}"


@pytest.mark.parametrize(
    ("error", "raised", "told"),
    [
        (ConfigurationError("no such database"), ConfigurationError, "no such database"),
        (FileNotFoundError(2, "No such file", "x.mmdb"), ConfigurationError, "x.mmdb"),
        (ZeroDivisionError("division by zero"), InternalError, "ZeroDivisionError"),
    ],
    ids=["ours", "the system's", "a defect"],
)
def test_a_program_that_cannot_be_opened_leaves_the_old_one_running(
    tmp_path: Path, error: Exception, raised: type[Exception], told: str
) -> None:
    """Its error is the caller's; the sources that it would have taken over are not closed."""
    world = made(tmp_path / "w", LINES)
    env, first = world.env(), graph(tmp_path / "w", "a.log")
    second = graph(tmp_path / "w", "a.log")
    shut = replace(second.stages["copy"], output=Shut(error), fingerprint="shut")
    second = replace(second, stages={**second.stages, "copy": shut})

    async def reload(running: Agent) -> None:
        await env.clock.sleep(1.0)
        with pytest.raises(raised, match=told):
            await running.reload(second)

    live(world, env, first, reload)
    assert (world.folder / "a.log").read_bytes() == LINES
    assert source_of(first).asked == ["open", "read", "close"]


def test_a_name_keeps_its_kind_while_the_program_runs(tmp_path: Path) -> None:
    """Before anything of it was committed: the program that runs has counts of it that are on their way."""
    world = made(tmp_path / "w", LINES)
    env, first = world.env(), graph(tmp_path / "w", "a.log")
    second = graph(tmp_path / "w", "b.log", source=Counted(ChunksOptions(path=str(tmp_path / "w" / "in.log"))))
    stages = {"copy": replace(second.stages["log"], name="copy"), "log": replace(second.stages["copy"], name="log")}
    stages["log"] = replace(stages["log"], upstream=(Port("copy"),))
    second = replace(second, stages=stages, read=frozenset({Port("copy")}))

    async def reload(running: Agent) -> None:
        with pytest.raises(ConfigurationError, match="copy is a sink, and would be a source"):
            await running.reload(second)

    live(world, env, first, reload)
    assert (world.folder / "a.log").read_bytes() == LINES


def test_the_figures_are_those_of_the_program_that_runs(tmp_path: Path) -> None:
    """A stage that stays counts on, with the tables of what it has now; nothing stays of a program that was refused."""
    world = made(tmp_path / "w", LINES)
    env, first = world.env(), graph(tmp_path / "w", "a.log")
    refused = graph(tmp_path / "w", "a.log", mark="3")
    shut = Stage("shut", "sink", upstream=(Port("log"),), output=Shut(ConfigurationError("no")), plugin="shut")
    refused = replace(refused, stages={**refused.stages, "shut": shut})

    async def reload(running: Agent) -> None:
        await env.clock.sleep(1.0)
        assert await running.reload(graph(tmp_path / "w", "b.log", mark="2"))
        with pytest.raises(ConfigurationError, match="no"):
            await running.reload(refused)
        assert running.meters.keys() == {"log", "copy"}
        assert running.meters["log"].tables() == {"counted.asked": [{"asked": 2}]}
        assert running.meters["log"].values()["counted.opened"] == 3

    live(world, env, first, reload)


def test_a_program_that_comes_after_the_end_is_let_go(tmp_path: Path) -> None:
    """Nobody would run it: what was opened for it is closed."""
    world = made(tmp_path / "w", LINES)
    env, second = world.env(), graph(tmp_path / "w", "b.log", mark="2")

    async def life() -> None:
        ended = quiet(world, env, graph(tmp_path / "w", "a.log"))
        await ended.run()
        await ended.reload(second)

    run(life())
    assert source_of(second).asked == ["open", "close"]


def test_a_run_that_is_cancelled_while_a_program_takes_over_closes_all(tmp_path: Path) -> None:
    """Of both programs, each plugin once."""
    world = made(tmp_path / "w", LINES)
    env, first, second = world.env(), graph(tmp_path / "w", "a.log"), graph(tmp_path / "w", "b.log")
    slow = replace(first.stages["copy"], output=Stubborn(ParcelsOptions()))
    first = replace(first, stages={**first.stages, "copy": slow})

    async def life() -> None:
        running = quiet(world, env, first)
        ended = asyncio.ensure_future(running.run())
        await env.clock.sleep(2.0)
        await running.reload(second)
        await env.clock.sleep(1.0)
        ended.cancel()
        with pytest.raises(asyncio.CancelledError):
            await ended

    run(life())
    assert source_of(first).asked == ["open", "read", "close"]
