"""Filters with memory in a running program: what they hold is let go of in time, belongs to its partition, and is counted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import cast

import apsw
import polars as pl
import pytest
from runs import quiet

from pipeline import api
from pipeline.agent import folding
from pipeline.agent.agent import Agent, Settings
from pipeline.agent.telemetry import Journal
from pipeline.api import Batch, Columns, Context, Position
from pipeline.cli.snapshot import snapshot
from pipeline.columns.frames import dump
from pipeline.columns.frames import load as load_frames
from pipeline.env import Database
from pipeline.lang.spans import Source
from pipeline.plan.graph import Graph, Port, Stage, Step
from pipeline.plan.load import load
from pipeline.proof.balance import faults
from pipeline.store import Wanted
from pipeline.store.folds import Folds, Known
from pipeline.testing.loop import run
from pipeline.testing.world import SimEnv, World
from plugins import Given, Records, RecordsOptions

PROGRAM = """
source log = file("{folder}/in.log*")
transform whole = log | multiline({options})
transform facts = whole | window(1h) {{ n = count() }}
sink raw = whole -> file("{folder}/out.log", format: raw)
sink told = facts -> file("{folder}/facts.ndjson")
"""

Act = Callable[[SimEnv, Agent], Awaitable[None]]


class Lives:
    """One state and one log. `said` is what was logged."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.world = World(folder)
        self.said: list[str] = []

    def graph(self, options: str) -> Graph:
        loaded = load(Source("f.pipe", PROGRAM.format(folder=self.folder, options=options)))
        assert loaded.graph is not None, loaded.diagnostics
        return loaded.graph

    def add(self, data: bytes, name: str = "in.log") -> None:
        with (self.folder / name).open("ab") as file:
            file.write(data)

    def __call__(self, options: str, act: Act | None = None) -> Agent:
        """A run: to the end of the log, or for as long as `act` takes, and then a clean stop."""
        env = self.world.env()
        settings = Settings("f.pipe", self.folder / "state", self.folder, once=act is None)
        agent = Agent(env, self.graph(options), settings, Journal(self.said.append, env.clock))

        async def life() -> None:
            running = asyncio.ensure_future(agent.run())
            if act is not None:
                await act(env, agent)
                agent.stop()
            await running

        run(life())
        self.world.crash()
        with snapshot(self.folder / "state") as state:
            assert list(faults(state.books())) == []
        return agent

    @property
    def out(self) -> bytes:
        path = self.folder / "out.log"
        return path.read_bytes() if path.exists() else b""

    def account(self) -> dict[str, int]:
        """Outcomes of the stage, the same in the whole and in its only partition."""
        with snapshot(self.folder / "state") as state:
            books = state.books()
        kinds = {name: rows for name, rows in books["ledger"]["whole"].items() if rows}
        (account,) = books["accounts"]
        assert {name: rows for name, rows in account["counts"]["whole"].items() if rows} == kinds
        return kinds


def waits(seconds: float) -> Act:
    async def act(env: SimEnv, agent: Agent) -> None:
        await env.clock.sleep(seconds)

    return act


def test_what_is_held_is_let_go_at_the_end_of_the_input(tmp_path: Path) -> None:
    """Into outputs and windows, and a later run begins with nothing; all in the account of the partition."""
    lives = Lives(tmp_path)
    lives.add(b"# a\n1\n2\n# b\n3\n")
    lives("start: /^#/")
    assert lives.out == b"# a\n1\n2\n# b\n3\n"
    assert lives.account() == {"in": 5, "out": 2, "joined": 3}
    facts = [json.loads(text)["value"] for text in (tmp_path / "facts.ndjson").read_text().splitlines()]
    assert facts == [2]
    lives.add(b"4\n")
    lives("start: /^#/")
    assert lives.account() == {"in": 6, "out": 3, "joined": 3}


@pytest.mark.parametrize("options", ["start: /^#/", "continue: /^ /", "end: /x$/"])
def test_a_log_without_a_final_newline_is_written_as_it_is(tmp_path: Path, options: str) -> None:
    """Whether its last line began an event, went on with one, or completed it."""
    for log in (b"# a\n b\nc x", b"# a\n b", b"x\n# a", b"x"):
        folder = tmp_path / str(len(log))
        folder.mkdir()
        lives = Lives(folder)
        lives.add(log)
        lives(options)
        assert lives.out == log


class Refusing(api.Fold[RecordsOptions, tuple[pl.DataFrame, ...]]):
    """Holds all rows, and refuses those that are `bad` when it lets go of them."""

    name = "refusing"
    options_model = RecordsOptions
    example = ""

    def schema(self, columns: Columns) -> Columns:
        return columns

    def empty(self) -> tuple[pl.DataFrame, ...]:
        return ()

    def step(self, state: tuple[pl.DataFrame, ...], batch: Batch, now: int) -> tuple[tuple[pl.DataFrame, ...], Batch]:
        return (*state, batch.frame), batch.with_frame(batch.frame.clear())

    def finish(self, state: tuple[pl.DataFrame, ...]) -> tuple[tuple[pl.DataFrame, ...], Batch | None]:
        if not state:
            return (), None
        rows = Batch(pl.concat(state), {})
        return (), rows.reject(rows.frame["@raw"].cast(pl.String) == "bad", "too_late")

    def held(self, state: tuple[pl.DataFrame, ...]) -> int:
        return sum(frame.height for frame in state)

    def dump(self, state: tuple[pl.DataFrame, ...]) -> bytes:
        return dump(list(state))

    def load(self, data: bytes, version: int) -> tuple[pl.DataFrame, ...]:
        return tuple(load_frames(data))


def test_rows_that_a_fold_refuses_as_it_lets_go_of_them_are_rejected(tmp_path: Path) -> None:
    """They are dead letters, and counted as any that a filter rejects."""
    fold = Refusing(RecordsOptions(path=""))
    bare = {"": Columns({}), "rejected": Columns({})}
    step = Step("refusing", fold, Columns({}), "refusing()", 1, fold="refusing-1")
    given = Given(("p", None, 3, [b"good", b"bad", b"fine"]))
    log = Stage("log", "source", input=given, plugin=given.name, columns=bare)
    kept = Stage("kept", "transform", upstream=(Port("log"),), before=(step,), columns=bare)
    output = Records(RecordsOptions(path=str(tmp_path / "out.log")))
    out = Stage("out", "sink", upstream=(Port("kept"),), output=output, plugin=output.name)
    graph = Graph("p.pipe", {"log": log, "kept": kept, "out": out}, frozenset({Port("log"), Port("kept")}))
    world = World(tmp_path)
    agent = quiet(world, world.env(), graph)
    run(agent.run())
    assert (tmp_path / "out.log").read_bytes() == b"good\nfine\n"
    counts = {outcome: rows for (stage, outcome), rows in agent.report.counts.items() if stage == "kept" and rows}
    assert counts == {"in": 3, "out": 2, "rejected": 1}
    with snapshot(tmp_path / "state") as state:
        assert not list(faults(state.books()))
        assert [kind.reason for kind in state.dead.kinds(Wanted())] == ["too_late"]


def test_a_clean_stop_keeps_what_is_held(tmp_path: Path) -> None:
    """The next run adds to it."""
    lives = Lives(tmp_path)
    lives.add(b"# a\n1\n")
    lives("start: /^#/, timeout: 1h", waits(3))
    assert (lives.out, lives.account()) == (b"", {"in": 2, "held": 2})
    lives.add(b"2\n# b\n")
    lives("start: /^#/, timeout: 1h", waits(3))
    assert (lives.out, lives.account()) == (b"# a\n1\n2\n", {"in": 4, "out": 1, "joined": 2, "held": 1})


def test_rows_that_a_state_should_hold_are_missed(tmp_path: Path) -> None:
    """The ledger says how many there are, and of which stage."""
    lives = Lives(tmp_path)
    lives.add(b"# a\n1\n")
    lives("start: /^#/, timeout: 1h", waits(3))
    with apsw.Connection(str(tmp_path / "state" / "state.db")) as database:
        database.execute("UPDATE fold SET held = 1")
    database.close()
    with snapshot(tmp_path / "state") as state:
        (fault,) = faults(state.books())
    told = "whole took 2 rows that it has not given yet, its folds hold 1: 1 row missing"
    assert (fault.told, fault.stage, fault.missing) == (told, "whole", 1)


def test_time_lets_go_of_what_is_held(tmp_path: Path) -> None:
    """After the timeout, in a log to which nothing is written; a quiet log is not committed to after that."""
    lives = Lives(tmp_path)
    lives.add(b"# a\n1\n")
    seen: list[tuple[bytes, int]] = []

    async def act(env: SimEnv, agent: Agent) -> None:
        for seconds in (6, 9, 60):
            await env.clock.sleep(seconds)
            seen.append((lives.out, agent.report.commits))

    lives("start: /^#/, timeout: 10s", act)
    assert [out for out, _ in seen] == [b"", b"# a\n1\n", b"# a\n1\n"]
    assert seen[0][1] + 1 == seen[1][1] == seen[2][1]
    assert lives.account() == {"in": 2, "out": 1, "joined": 1}


def test_a_reload_keeps_a_fold_that_is_the_same(tmp_path: Path) -> None:
    """What another one holds is let go of by the old one, before the new one sees a line."""
    lives = Lives(tmp_path)
    lives.add(b"# a\n1\n")
    seen: list[bytes] = []

    async def act(env: SimEnv, agent: Agent) -> None:
        for options, line in (("start: /^#/, timeout: 1h", b"2\n"), ("start: /^##/, timeout: 1h", b"# 3\n")):
            await env.clock.sleep(3)
            await agent.reload(lives.graph(options))
            await env.clock.sleep(3)
            seen.append(lives.out)
            lives.add(line)
        await env.clock.sleep(5)

    lives("start: /^#/, timeout: 1h", act)
    assert seen == [b"", b"# a\n1\n2\n"]
    assert lives.account() == {"in": 4, "out": 1, "joined": 2, "held": 1}


def test_a_start_with_another_fold_drops_what_was_held(tmp_path: Path) -> None:
    """It is said, and counted as abandoned."""
    lives = Lives(tmp_path)
    lives.add(b"# a\n1\n")
    lives("start: /^#/, timeout: 1h", waits(3))
    lives("start: /^##/, timeout: 1h", waits(3))
    assert lives.account() == {"in": 2, "abandoned": 2}
    assert lives.said == [
        'pipe: warning: whole: the fold is another one now: rows that the old one held were dropped fold="multiline" rows=2'
    ]


def test_time_does_not_tick_for_a_partition_that_is_behind() -> None:
    """What was read, or can be, and is not in the commit may go on with what is held."""
    stored = Folds(cast("Database", None))
    stored.known["whole", "f", "p"] = Known("log", 10, 1)
    states = folding.Folding(stored)
    states.begin(9)
    early = states.ripe(())
    states.begin(10)
    assert (early, states.ripe({("log", "p")}), states.ripe({("log", "q")})) == (False, False, True)


def test_partitions_have_a_state_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines of two files that are written in turn are not joined, also where only one state is at hand."""
    monkeypatch.setattr(folding, "READY", 1)
    lives = Lives(tmp_path)
    (tmp_path / "in.log.a").write_bytes(b"# a with a long first line\n")
    (tmp_path / "in.log.b").write_bytes(b"# b with another long first line\n")

    async def act(env: SimEnv, agent: Agent) -> None:
        for name in ("in.log.a", "in.log.b", "in.log.a"):
            await env.clock.sleep(3)
            lives.add(b"more of %s\n" % name[-1:].encode(), name)
        await env.clock.sleep(20)

    lives("start: /^#/, timeout: 12s", act)
    a = b"# a with a long first line\nmore of a\nmore of a\n"
    b = b"# b with another long first line\nmore of b\n"
    assert lives.out in (a + b, b + a)


class Slowly(Given):
    """A batch each two seconds, and no end."""

    async def open(self, ctx: Context) -> None:
        self._ctx = ctx

    async def read(self, progress: Mapping[str, Position]) -> AsyncIterator[Batch]:
        async for batch in Given.read(self, progress):
            yield batch
            await self._ctx.clock.sleep(2)
        await asyncio.Event().wait()


def test_a_forgotten_partition_is_let_go_of_first(tmp_path: Path) -> None:
    """What is held of it comes out and is counted where it was; then nothing is kept of it."""
    (fold,) = (step for step in Lives(tmp_path).graph("start: /^#/, timeout: 1h").stages["whole"].before)
    output = Records(RecordsOptions(path="out.log"))
    sink = Stage("away", "sink", upstream=(Port("log"),), before=(fold,), output=output, plugin="records")

    def life(source: Slowly) -> None:
        log = Stage("log", "source", input=source, plugin="given", columns={"": Columns({})})
        graph = Graph("away.pipe", {"log": log, "away": sink}, frozenset({Port("log")}))
        world = World(tmp_path)
        env = world.env()
        agent = quiet(world, env, graph, once=False)

        async def work() -> None:
            running = asyncio.ensure_future(agent.run())
            await env.clock.sleep(5)
            agent.stop()
            await running

        run(work())
        world.crash()

    life(Slowly(("p", None, 2, [b"# a", b"1"])))
    with snapshot(tmp_path / "state") as state:
        assert state.books()["folds"] == {"away": 2}
    life(Slowly(("q", None, 1, [b"# b"]), ("q", 1, 2, [b"2"]), past=["p"]))
    assert (tmp_path / "out.log").read_bytes() == b"# a\n1\n"
    with snapshot(tmp_path / "state") as state:
        books = state.books()
    assert list(faults(books)) == []
    assert (books["folds"], books["ledger"]["away"]["held"]) == ({"away": 2}, 2)
