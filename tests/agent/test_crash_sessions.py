"""Sessions, exact under a crash at every call and a full disk: of two logs, out of order, with late events that join what was sent."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime
from pathlib import Path

import pytest
from runs import quiet

from pipeline.agent import committing, planning
from pipeline.agent.agent import Agent
from pipeline.cli.snapshot import snapshot
from pipeline.errors import DiskFullError
from pipeline.lang.spans import Source
from pipeline.plan.graph import Graph
from pipeline.plan.load import load
from pipeline.proof.balance import faults
from pipeline.testing.life import Crash
from pipeline.testing.loop import run
from pipeline.testing.world import SimEnv, World

PROGRAM = """
source log = file("{folder}/*.log")
transform parsed = log | grok('^%{{WORD:user}} %{{NUMBER:second:int}} %{{INT:size:int}}$')
  | set {{ @timestamp = time(second, 'unix') }}
transform visits = parsed | session(5s) by user {{ hits = count()  volume = sum(size)  best = top(1, size) }}
sink told = visits -> file("{folder}/visits.ndjson")
sink wrong = parsed.rejected -> file("{folder}/wrong.ndjson", metadata: [@raw])
"""

GAP = 5
BASE = 1_790_000_000

EVENTS = [("ab"[number // 2 % 2], BASE + 100 * (number // 16) + (number * 7 % 16) * 3, number) for number in range(48)]
"""Bursts of a hundred seconds, within each in an order of their own."""

LATE = [("a", BASE + 100 * burst + second, 1000 + burst) for burst in range(2) for second in (0, 17, 60)]
"""Events of bursts that are long over by then: they join sessions, or are some of their own."""


def texts(events: list[tuple[str, int, int]]) -> str:
    return "".join(f"{user} {second} {size}\n" for user, second, size in events)


def make(folder: Path) -> World:
    folder.mkdir()
    (folder / "one.log").write_text(texts(EVENTS[::2]) + "garbage\n" + texts(LATE))
    (folder / "two.log").write_text(texts(EVENTS[1::2]))
    return World(folder)


def wanted() -> list[tuple[str, int, int, int, int]]:
    """User, begin, end, hits and volume of each session, found event by event."""
    users: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for user, second, size in sorted([*EVENTS, *LATE]):
        users[user].append((second, size))
    found = []
    for user, some in users.items():
        for number, (second, size) in enumerate(some):
            if number == 0 or second - some[number - 1][0] > GAP:
                found.append([user, second, second, 0, 0])
            found[-1][2:] = [second, found[-1][3] + 1, found[-1][4] + size]
    return sorted(tuple(one) for one in found)  # type: ignore[misc]


def compiled(folder: Path) -> Graph:
    loaded = load(Source("sessions.pipe", PROGRAM.format(folder=folder)))
    assert loaded.graph is not None, loaded.diagnostics
    return loaded.graph


def live(world: World, env: SimEnv) -> Agent:
    agent = quiet(world, env, compiled(world.folder))
    run(agent.run())
    return agent


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def check(folder: Path) -> int:
    """The highest revision of each id is what it should be, or was taken back. Gives how many were taken back."""
    latest: dict[str, dict[str, object]] = {}
    for text in (folder / "visits.ndjson").read_text().splitlines():
        fact = json.loads(text)
        assert fact["revision"] == latest.get(fact["id"], {"revision": 0})["revision"] + 1  # type: ignore[operator]
        latest[fact["id"]] = fact
    kept = [fact for fact in latest.values() if not fact.get("retracted")]
    found = [
        (
            *(fact["user"], seconds(str(fact["window_start"])), seconds(str(fact["window_end"]))),
            *(fact["hits"], fact["volume"]),
        )
        for fact in kept
    ]
    assert sorted(found) == wanted()  # type: ignore[type-var]
    assert [json.loads(text)["@raw"] for text in (folder / "wrong.ndjson").read_text().splitlines()] == ["garbage"]
    with snapshot(folder / "state") as state:
        books = state.books()
        assert list(faults(books)) == []
        counts = books["ledger"]["visits"]
    assert (counts["in"], counts["windowed"]) == (len(EVENTS) + len(LATE), len(EVENTS) + len(LATE))
    return len(latest) - len(kept)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many batches, many commits, and states that are folded."""
    from pipeline_plugins.inputs.file import generation

    monkeypatch.setattr(generation, "CHUNK", 250)
    monkeypatch.setattr(committing, "GROUP", 1)
    monkeypatch.setattr(planning, "DELTAS", 2)


@pytest.mark.parametrize("share", range(4))
def test_a_crash_at_every_call_of_a_program_with_sessions(tmp_path: Path, share: int) -> None:
    """The next life sends what a life without a crash does: each session with all its events, each revision once."""
    world = make(tmp_path / "count")
    env = world.env()
    agent = live(world, env)
    world.crash()
    assert check(world.folder) > 0
    assert agent.report.commits >= 4
    for kill_at in range(1 + share, env.points + 1, 4):
        world = make(tmp_path / f"{kill_at}")
        with pytest.raises(Crash):
            live(world, world.env(kill_at))
        world.crash()
        live(world, world.env())
        world.crash()
        try:
            check(world.folder)
        except AssertionError as error:
            raise AssertionError(f"killed at point {kill_at} of {env.points}: {error}") from error


def test_a_disk_full_at_a_write_of_a_program_with_sessions(tmp_path: Path) -> None:
    """With space again the next life goes on with the sessions that were open."""
    world = make(tmp_path / "count")
    env = world.env()
    live(world, env)
    world.crash()
    for full_at in range(1, env.writes + 1, 3):
        world = make(tmp_path / f"{full_at}")
        with pytest.raises(DiskFullError):
            live(world, world.env(full_at=full_at))
        live(world, world.env())
        world.crash()
        check(world.folder)
