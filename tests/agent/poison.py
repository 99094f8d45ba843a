"""A program with a filter that some records are too much for, run in a simulated world: source → filter → file."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import polars as pl

from pipeline import api
from pipeline.agent.agent import Agent, Settings
from pipeline.agent.space import Space
from pipeline.agent.telemetry import Journal
from pipeline.api import Columns, Filter, Input, Output
from pipeline.cli import session
from pipeline.cli.snapshot import snapshot
from pipeline.plan.graph import Graph, Port, Stage, Step
from pipeline.plan.load import Recipe
from pipeline.testing.life import Crash
from pipeline.testing.loop import run
from pipeline.testing.world import SimEnv, World
from plugins import Records, RecordsOptions


class TouchyOptions(api.Options):
    pass


class Touchy(Filter[TouchyOptions]):
    """Does to every record what it is told to; passes all on."""

    name = "touchy"
    options_model = TouchyOptions
    example = ""

    def __init__(self, touch: Callable[[bytes], object]) -> None:
        super().__init__(TouchyOptions())
        self.touch = touch
        self.touched: list[bytes] = []

    def schema(self, columns: Columns) -> Columns:
        return columns

    def apply(self, batch: api.Batch) -> api.Batch:
        for record in batch.frame["@raw"]:
            self.touched.append(record)
            self.touch(record)
        return batch


class Lives:
    """Runs of `log → touchy → out.log` on one state, in one world. `said` is what they logged."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.world = World(folder)
        self.said: list[str] = []

    @property
    def out(self) -> bytes:
        path = self.folder / "out.log"
        return path.read_bytes() if path.exists() else b""

    def agent(
        self, source: Input[Any], filter: Filter[Any], output: Output[Any] | None = None, *, read: bool = False
    ) -> tuple[SimEnv, Agent]:
        """An agent in a new life. With `read`, what the filter rejects goes to the output, too."""
        graph, env = self.graph(source, filter, output, read=read), self.world.env()
        return env, Agent(env, graph, self.settings, Journal(self.said.append, env.clock))

    @property
    def settings(self) -> Settings:
        return Settings("p.pipe", self.folder / "state", self.folder, once=True, timeout=1000.0)

    def graph(
        self, source: Input[Any], filter: Filter[Any], output: Output[Any] | None = None, *, read: bool = False
    ) -> Graph:
        output = output or Records(RecordsOptions(path=str(self.folder / "out.log")))
        bare = {"": Columns({}), "rejected": Columns({})}
        log = Stage("log", "source", input=source, plugin=source.name, columns=bare)
        step = Step(filter.name, filter, Columns({}), f"{filter.name}()", 1)
        parsed = Stage("parsed", "transform", upstream=(Port("log"),), before=(step,), columns=bare)
        ports = (Port("parsed"), *((Port("parsed", "rejected"),) if read else ()))
        out = Stage("out", "sink", upstream=ports, output=output, plugin=output.name)
        return Graph("p.pipe", {"log": log, "parsed": parsed, "out": out}, frozenset({Port("log"), *ports}))

    def __call__(
        self, source: Input[Any], filter: Filter[Any], output: Output[Any] | None = None, *, read: bool = False
    ) -> dict[tuple[str, str], int]:
        """A run to its end: the ledger. Raises what the agent raises; the world goes on either way."""
        env, agent = self.agent(source, filter, output, read=read)
        self.env = env
        try:
            run(agent.run())
        finally:
            self.world.crash()
        return agent.report.counts

    def session(self, source: Callable[[], Input[Any]], filter: Filter[Any], full: Callable[[SimEnv], None]) -> None:
        """One process to its end, which goes on after every disk without space. `full` is asked before each life of it. A life that
        waits for space, where others end, gets some after an hour."""
        env = self.world.env()

        def build() -> Graph:
            full(env)
            return self.graph(source(), filter)

        async def heal() -> None:
            while True:
                before = env.full_at
                await env.clock.sleep(3600.0)
                if env.full_at == before:
                    env.full_at = None

        async def over() -> None:
            healing = asyncio.ensure_future(heal())
            settings = replace(self.settings, timeout=1e6)
            space = Space(env, settings.folder, lambda level, text: None)
            with patch.object(session, "note", self.said.append):
                await session.Session(env, settings, space=space).run(
                    build(), (), cast("Recipe", Namespace(build=build))
                )
            healing.cancel()

        try:
            run(over())
        finally:
            self.world.crash()

    def until_done(
        self, source: Callable[[], Input[Any]], touch: Callable[[SimEnv, bytes], object], most: int = 40
    ) -> tuple[int, dict[tuple[str, str], int]]:
        """Start again after every crash, as a supervisor does: how many restarts that took (at most
        `most`), and the ledger."""
        for restarts in range(most):
            env, agent = self.agent(source(), Touchy(lambda record: touch(env, record)))  # noqa: B023 — used in this turn
            try:
                asyncio_run(agent)
                return restarts, agent.report.counts
            except Crash:
                continue
            finally:
                self.world.crash()
        return most, {}

    def letters(self) -> list[dict[str, Any]]:
        """The dead letters as they are shown, oldest first."""
        from pipeline.agent.answers import answer

        with snapshot(self.folder / "state") as state:
            found = answer(state, {"ask": "dlq", "limit": 10_000})["letters"]
        return sorted(found, key=lambda letter: [int(part) for part in letter["id"].split(".")])  # type: ignore[call-overload]

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """What the state says, when nobody runs on it."""
        import apsw

        with apsw.Connection(str(self.folder / "state" / "state.db")) as database:
            return list(database.execute(sql))


def asyncio_run(agent: Agent) -> None:
    run(asyncio.wait_for(agent.run(), 1e6))


def die(env: SimEnv) -> None:
    """End the process on the spot."""
    env.dead = True
    raise Crash("poison")


def soon_full(env: SimEnv, writes: int | None) -> None:
    """The disk has no space from the so-manieth write on, counted from here; with None it has space."""
    env.full_at = None if writes is None else env.writes + writes


def lines(count: int, first: int = 0) -> list[bytes]:
    return [b"line %06d" % number for number in range(first, first + count)]


def offsets(records: list[bytes]) -> pl.Series:
    return pl.Series(range(len(records)), dtype=pl.Int64)
