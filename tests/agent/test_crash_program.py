"""A whole program, exact under a crash at every call and a full disk at every write: grok, set, a window, rejected rows, files in three forms."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import zstandard
from runs import quiet

from pipeline.agent.agent import Agent
from pipeline.cli.snapshot import snapshot
from pipeline.errors import DiskFullError
from pipeline.lang.spans import Source
from pipeline.plan.graph import Graph
from pipeline.plan.load import load
from pipeline.proof.balance import faults
from pipeline.store import frames
from pipeline.testing.life import Crash
from pipeline.testing.loop import run
from pipeline.testing.world import SimEnv, World

PROGRAM = """
source log = file("{folder}/access.log*")
transform parsed = log | grok('^%{{IP:ip}} %{{NUMBER:second:int}} %{{WORD:verb}} %{{INT:size:int}}$')
  | set {{ @timestamp = time(second, 'unix') }}
transform facts = parsed | window(10s) {{ hits = count() by verb  volume = sum(size)  tops = top(2, ip) }}
sink published = facts -> file("{folder}/facts.ndjson")
sink archive = [parsed, parsed.rejected] -> file("{folder}/raw.log.zst", format: raw)
sink wrong = parsed.rejected -> file("{folder}/wrong.ndjson", metadata: [@raw])
"""


def line(number: int) -> str:
    if number % 23 == 0:
        return f"garbage {number}"
    verb = ("GET", "POST", "PUT")[number % 3]
    return f"10.0.0.{number % 7} {1_790_000_000 + number // 3} {verb} {number * 11}"


ROTATED = "".join(f"{line(number)}\n" for number in range(150)).encode()
LIVE = "".join(f"{line(number)}\n" for number in range(150, 300)).encode()


def wanted() -> dict[tuple[str, str, int], int]:
    """(metric, window, group) → value, counted one by one."""
    found: dict[tuple[str, str, int], int] = {}
    for number in range(300):
        parts = line(number).split()
        if parts[0] != "garbage":
            start = int(parts[1]) // 10 * 10
            found["hits", parts[2], start] = found.get(("hits", parts[2], start), 0) + 1
            found["volume", "", start] = found.get(("volume", "", start), 0) + int(parts[3])
    return found


def make(folder: Path) -> World:
    folder.mkdir()
    (folder / "access.log.1").write_bytes(ROTATED)
    (folder / "access.log").write_bytes(LIVE)
    return World(folder)


def compiled(folder: Path) -> Graph:
    loaded = load(Source("whole.pipe", PROGRAM.format(folder=folder)))
    assert loaded.graph is not None, loaded.diagnostics
    return loaded.graph


def live(world: World, env: SimEnv) -> Agent:
    agent = quiet(world, env, compiled(world.folder))
    run(agent.run())
    return agent


def check(folder: Path, agent: Agent) -> None:
    latest: dict[str, dict[str, object]] = {}
    seen = set()
    for text in (folder / "facts.ndjson").read_text().splitlines():
        fact = json.loads(text)
        assert (fact["id"], fact["revision"]) not in seen
        seen.add((fact["id"], fact["revision"]))
        if fact["id"] not in latest or latest[fact["id"]]["revision"] < fact["revision"]:  # type: ignore[operator]
            latest[fact["id"]] = fact
    found = {}
    for fact in latest.values():
        if fact["metric"] in ("hits", "volume"):
            start = int(str(fact["window_start"])[17:19]) + 60 * int(str(fact["window_start"])[14:16])
            group = fact["by"]["verb"] if fact["metric"] == "hits" else ""  # type: ignore[index]
            found[fact["metric"], group, start] = fact["value"]
    assert found == {(metric, group, start % 3600): value for (metric, group, start), value in wanted().items()}
    archive = (
        zstandard.ZstdDecompressor()
        .stream_reader((folder / "raw.log.zst").read_bytes(), read_across_frames=True)
        .read()
    )
    assert archive == ROTATED + LIVE
    wrong = [json.loads(text)["@raw"] for text in (folder / "wrong.ndjson").read_text().splitlines()]
    assert wrong == [line(number) for number in range(0, 300, 23)]
    counts = agent.report.counts
    assert (counts["log", "in"], counts["parsed", "out"], counts["parsed", "rejected"]) == (300, 286, 14)
    with snapshot(folder / "state") as state:
        assert list(faults(state.books())) == []


@pytest.mark.parametrize("share", range(4))
def test_a_crash_at_every_call_of_a_whole_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: int) -> None:
    """The next life publishes every fact once, archives every byte, and rejects every bad line once."""
    monkeypatch.setattr(frames, "FRAME", 2000)
    world = make(tmp_path / "count")
    env = world.env()
    check(world.folder, live(world, env))
    world.crash()
    assert env.points > 150
    for kill_at in range(1 + share, env.points + 1, 4):
        world = make(tmp_path / f"{kill_at}")
        with pytest.raises(Crash):
            live(world, world.env(kill_at))
        world.crash()
        agent = live(world, world.env())
        world.crash()
        try:
            check(world.folder, agent)
        except AssertionError as error:
            raise AssertionError(f"killed at point {kill_at} of {env.points}: {error}") from error


def test_a_disk_full_at_every_write_of_a_whole_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With space again the next life publishes every fact once, archives every byte, and rejects every bad line once."""
    monkeypatch.setattr(frames, "FRAME", 2000)
    world = make(tmp_path / "count")
    env = world.env()
    live(world, env)
    world.crash()
    assert env.writes > 20
    for full_at in range(1, env.writes + 1):
        world = make(tmp_path / f"{full_at}")
        with pytest.raises(DiskFullError):
            live(world, world.env(full_at=full_at))
        agent = live(world, world.env())
        world.crash()
        try:
            check(world.folder, agent)
        except AssertionError as error:
            raise AssertionError(f"full at write {full_at} of {env.writes}: {error}") from error
