"""One file copied to one file, exact under a crash at every call into the world, and a full disk at every write."""

from __future__ import annotations

from pathlib import Path

import pytest
import zstandard
from runs import lines, made, quiet

from pipeline.agent.agent import Agent
from pipeline.api import Columns
from pipeline.cli.snapshot import snapshot
from pipeline.errors import DiskFullError
from pipeline.plan.graph import Graph, Port, Stage
from pipeline.proof.balance import faults
from pipeline.store import frames
from pipeline.testing.life import Crash
from pipeline.testing.loop import run
from pipeline.testing.world import SimEnv, World
from plugins import Chunks, ChunksOptions, Records, RecordsOptions

LINES = lines(200)


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
    agent = quiet(world, env, graph)
    run(agent.run())
    return agent


def whole_life(folder: Path, graph: Graph) -> SimEnv:
    """A life in which nothing happens, for its counts."""
    world = made(folder, LINES)
    env = world.env()
    live(world, env, graph)
    world.crash()
    return env


def check(world: World, target: str, compression: str, what: str) -> None:
    """One more life completes the copy to the same bytes."""
    agent = live(world, world.env(), copy_program(target, compression))
    world.crash()
    copied = (world.folder / target).read_bytes()
    if compression == "zstd":
        copied = zstandard.ZstdDecompressor().stream_reader(copied, read_across_frames=True).read()
    assert copied == LINES, what
    assert agent.report.counts["log", "in"] == 200, what
    assert agent.report.counts["copy", "out"] == 200, what
    with snapshot(world.folder / "state") as state:
        assert list(faults(state.books())) == [], what


TARGETS = pytest.mark.parametrize(("target", "compression"), [("out.log", "none"), ("out.log.zst", "zstd")])


@TARGETS
def test_a_crash_at_every_call_loses_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, compression: str
) -> None:
    """Whatever call is the last, the next life completes the copy to the same bytes."""
    monkeypatch.setattr(frames, "FRAME", 1500)
    total = whole_life(tmp_path / "count", copy_program(target, compression)).points
    assert total > 150
    for kill_at in range(1, total + 1):
        world = made(tmp_path / f"{kill_at}", LINES)
        with pytest.raises(Crash):
            live(world, world.env(kill_at), copy_program(target, compression))
        world.crash()
        check(world, target, compression, f"killed at point {kill_at}")


@TARGETS
def test_a_disk_full_at_every_write_loses_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, compression: str
) -> None:
    """Whatever write is the first to find no space, the agent says so, and with space the next life completes the copy."""
    monkeypatch.setattr(frames, "FRAME", 1500)
    total = whole_life(tmp_path / "count", copy_program(target, compression)).writes
    assert total > 20
    for full_at in range(1, total + 1):
        world = made(tmp_path / f"{full_at}", LINES)
        with pytest.raises(DiskFullError):
            live(world, world.env(full_at=full_at), copy_program(target, compression))
        check(world, target, compression, f"full at write {full_at}")
