"""A run that is cancelled at any turn of its event loop: no half commit, and the next run completes it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from runs import lines, made, quiet

from pipeline.agent.agent import Agent
from pipeline.api import Columns
from pipeline.plan.graph import Graph, Port, Stage
from pipeline.testing.loop import VirtualLoop, run
from pipeline.testing.world import SimEnv, World
from plugins import Chunks, ChunksOptions, Parcels, ParcelsOptions, Records, RecordsOptions

LINES = lines(60)


class Counting(VirtualLoop):
    """Cancels a task before its turn number `at`."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at
        self.turns = 0
        self.victim: asyncio.Task[None] | None = None

    def _run_once(self) -> None:
        self.turns += 1
        if self.turns == self.at and self.victim is not None:
            self.victim.cancel()
        super()._run_once()  # type: ignore[misc]


def cancelled(work: Coroutine[Any, Any, None], at: int) -> tuple[int, bool]:
    """Run the work, cancelled before turn `at`. Gives the turns that were made, and whether it was cut short."""
    loop = Counting(at)
    task = loop.victim = loop.create_task(work)
    try:
        loop.run_until_complete(asyncio.wait((task,)))
        assert task.cancelled() or task.exception() is None
        assert not asyncio.all_tasks(loop), "a task was left behind"
        return loop.turns, task.cancelled()
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def agent(world: World, env: SimEnv) -> tuple[Agent, Parcels]:
    """One file to another in place, and to a destination that is delivered to."""
    source = Chunks(ChunksOptions(path=str(world.folder / "in.log")))
    log = Stage("log", "source", input=source, plugin="chunks", columns={"": Columns({})})
    here = Stage("here", "sink", upstream=(Port("log"),), output=Records(RecordsOptions(path="out.log")))
    parcels = Parcels(ParcelsOptions())
    away = Stage("away", "sink", upstream=(Port("log"),), output=parcels)
    graph = Graph("copy.pipe", {"log": log, "here": here, "away": away}, frozenset({Port("log")}))
    return quiet(world, env, graph), parcels


def test_a_run_may_be_cancelled_at_every_turn_of_its_loop(tmp_path: Path) -> None:
    """No task stays behind, the state is not locked, and the next run leaves every line where it belongs, once."""
    world = made(tmp_path / "count", LINES)
    turns, cut = cancelled(agent(world, world.env())[0].run(), 0)
    assert not cut
    assert turns > 100
    world.crash()
    cuts = 0
    for at in range(1, turns):
        world = made(tmp_path / f"{at}", LINES)
        first, received = agent(world, world.env())
        cuts += cancelled(first.run(), at)[1]
        second, rest = agent(world, world.env())
        run(second.run())
        world.crash()
        assert (world.folder / "out.log").read_bytes() == LINES, f"cancelled at turn {at}"
        delivered = received.received + rest.received
        assert set(delivered.splitlines()) == set(LINES.splitlines()), f"cancelled at turn {at}"
        assert second.report.counts["away", "out"] == 60, f"cancelled at turn {at}"
    assert cuts > turns // 2
