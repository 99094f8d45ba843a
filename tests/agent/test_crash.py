"""One file copied to one file, exact under a crash at every call into the world (T02)."""

from __future__ import annotations

from pathlib import Path

import pytest
import zstandard

from pipeline.agent.agent import Agent, Settings
from pipeline.agent.telemetry import Journal
from pipeline.api import Columns
from pipeline.plan.graph import Graph, Port, Stage
from pipeline.store import frames
from pipeline.testing.loop import run
from pipeline.testing.world import Crash, SimEnv, World
from plugins import Chunks, ChunksOptions, Records, RecordsOptions

LINES = b"".join(b"line %04d %s\n" % (number, b"x" * (number % 37)) for number in range(200))


def copy_program(target: str, compression: str = "none") -> Graph:
    """`source log = chunks(…)  sink copy = log -> records(…)`."""
    source = Stage(
        "log", "source", input=Chunks(ChunksOptions(path="in.log")), plugin="chunks", columns={"": Columns({})}
    )
    output = Records(RecordsOptions(path=target, compression=compression))
    sink = Stage("copy", "sink", upstream=(Port("log"),), output=output, plugin="records")
    return Graph("copy.pipe", {"log": source, "copy": sink}, frozenset({Port("log")}))


def live(world: World, env: SimEnv, graph: Graph) -> Agent:
    """One life of the agent, to the end of the input."""
    source = graph.stages["log"].input
    assert source is not None
    object.__setattr__(source.options, "path", str(world.folder / "in.log"))
    settings = Settings("copy.pipe", world.folder / "state", world.folder, once=True)
    agent = Agent(env, graph, settings, Journal(lambda line: None, env.clock))
    run(agent.run())
    return agent


def points_of(folder: Path, target: str, compression: str) -> int:
    folder.mkdir()
    (folder / "in.log").write_bytes(LINES)
    world = World(folder)
    env = world.env()
    live(world, env, copy_program(target, compression))
    world.crash()
    return env.points


@pytest.mark.parametrize(("target", "compression"), [("out.log", "none"), ("out.log.zst", "zstd")])
def test_a_crash_at_every_call_loses_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, compression: str
) -> None:
    """Whatever call is the last, the next life completes the copy to the same bytes."""
    monkeypatch.setattr(frames, "FRAME", 1500)
    total = points_of(tmp_path / "count", target, compression)
    assert total > 150
    for kill_at in range(1, total + 1):
        folder = tmp_path / f"{kill_at}"
        folder.mkdir()
        (folder / "in.log").write_bytes(LINES)
        world = World(folder)
        with pytest.raises(Crash):
            live(world, world.env(kill_at), copy_program(target, compression))
        world.crash()
        agent = live(world, world.env(), copy_program(target, compression))
        world.crash()
        copied = (folder / target).read_bytes()
        if compression == "zstd":
            copied = zstandard.ZstdDecompressor().stream_reader(copied, read_across_frames=True).read()
        assert copied == LINES, f"killed at point {kill_at}"
        assert agent.report.counts["log", "in"] == 200, f"killed at point {kill_at}"
        assert agent.report.counts["copy", "out"] == 200, f"killed at point {kill_at}"
