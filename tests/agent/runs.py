"""One source and one sink, run in a simulated world."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.agent.agent import Agent, Settings
from pipeline.agent.telemetry import Journal
from pipeline.api import Columns, Input, Output
from pipeline.plan.graph import Graph, Port, Stage
from pipeline.testing.loop import run
from pipeline.testing.world import SimEnv, World


def lines(count: int) -> bytes:
    """Numbered lines of many lengths."""
    return b"".join(b"line %04d %s\n" % (number, b"x" * (number % 37)) for number in range(count))


def made(folder: Path, log: bytes) -> World:
    """A new world with this `in.log`."""
    folder.mkdir()
    (folder / "in.log").write_bytes(log)
    return World(folder)


def quiet(world: World, env: SimEnv, graph: Graph, *, once: bool = True) -> Agent:
    """An agent for this program, whose log nobody reads."""
    settings = Settings(graph.name, world.folder / "state", world.folder, once=once)
    return Agent(env, graph, settings, Journal(lambda line: None, env.clock))


@dataclass
class Runs:
    """Runs of one program on one state; `said` is what they logged."""

    folder: Path
    said: list[str] = field(default_factory=list)
    once: bool = True

    def __post_init__(self) -> None:
        self.world = World(self.folder)

    def agent(self, source: Input[Any], output: Output[Any], *, timeout: float = 1000.0) -> tuple[SimEnv, Agent]:
        """An agent in a new life of the world."""
        log = Stage("log", "source", input=source, plugin=source.name, columns={"": Columns({})})
        sink = Stage("away", "sink", upstream=(Port("log"),), output=output, plugin=output.name)
        graph = Graph("away.pipe", {"log": log, "away": sink}, frozenset({Port("log")}))
        env = self.world.env()
        settings = Settings("away.pipe", self.folder / "state", self.folder, once=self.once, timeout=timeout)
        return env, Agent(env, graph, settings, Journal(self.said.append, env.clock))

    def __call__(self, source: Input[Any], output: Output[Any], *, timeout: float = 1000.0) -> Agent:
        """A run to its end. Raises what the agent raises; the world goes on either way."""
        _, agent = self.agent(source, output, timeout=timeout)
        try:
            run(agent.run())
        finally:
            self.world.crash()
        return agent
