"""A destination that takes nothing: reading stops when too much waits for it, and goes on when it is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.agent import deliveries
from pipeline.agent.agent import Agent, Settings
from pipeline.agent.telemetry import Journal
from pipeline.api import Columns
from pipeline.plan.graph import Graph, Port, Stage
from pipeline.testing.loop import run
from pipeline.testing.world import World
from plugins import Chunks, ChunksOptions, Parcels, ParcelsOptions

LINES = b"".join(b"line %04d\n" % number for number in range(1000))


def test_reading_goes_on_once_the_outbox_has_room_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With 1 KB waiting for a closed destination reading stands still; when it opens, everything arrives, in order."""
    monkeypatch.setattr(deliveries, "SEGMENTS_AHEAD", 1000)
    (tmp_path / "in.log").write_bytes(LINES)
    source = Chunks(ChunksOptions(path=str(tmp_path / "in.log")))
    output = Parcels(ParcelsOptions(closed=300.0))
    log = Stage("log", "source", input=source, plugin="chunks", columns={"": Columns({})})
    sink = Stage("away", "sink", upstream=(Port("log"),), output=output, plugin="parcels")
    graph = Graph("away.pipe", {"log": log, "away": sink}, frozenset({Port("log")}))
    env = World(tmp_path).env()
    settings = Settings("away.pipe", tmp_path / "state", tmp_path, once=True, timeout=1000.0)
    agent = Agent(env, graph, settings, Journal(lambda line: None, env.clock))
    run(agent.run())
    assert output.received == LINES
