"""Filters with memory, exact under a crash at every call: what they remember is committed with the rows that it comes from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from runs import quiet

from pipeline.agent import committing
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
source log = file("{folder}/in.log*")
transform parsed = log | grok('^%{{INT:key:int}} %{{NUMBER:second:int}}$') | set {{ @timestamp = time(second, 'unix') }}
transform unique = parsed | dedupe(within: 10s, count: 5) by key | set {{ more = key + 1 }}
transform facts = unique | window(20s) {{ n = count() by more }}
sink rows = [unique, parsed.rejected] -> file("{folder}/rows.ndjson")
sink told = facts -> file("{folder}/facts.ndjson")
transform whole = log | multiline(start: /^[01] /, max_lines: 4)
sink joined = whole -> file("{folder}/joined.log", format: raw)
sink raw = parsed -> file("{folder}/raw.log", format: raw)
"""

LINES = [f"{number * number % 7} {1_790_000_000 + number // 3}" for number in range(66)]
CUT = 24
"""Lines of the older generation."""


def line(number: int) -> str:
    return f"garbage {number}" if number % 31 == 0 else LINES[number]


def wanted() -> list[tuple[int, int]]:
    """The rows that are let through of each generation, row by row."""
    found = []
    for part in (range(CUT), range(CUT, len(LINES))):
        known: dict[int, int] = {}
        for number in part:
            if number % 31:
                key, second = map(int, LINES[number].split())
                if key in known and second - known[key] < 10:
                    continue
                known.pop(key, None)
                known[key] = second
                if len(known) > 5:
                    del known[next(iter(known))]
                found.append((key, second))
    return found


def events() -> list[str]:
    """The lines of each generation, joined one by one."""
    found: list[list[str]] = []
    for part in (range(CUT), range(CUT, len(LINES))):
        for number in part:
            if number == part[0] or line(number)[:2] in ("0 ", "1 ") or len(found[-1]) == 4:
                found.append([])
            found[-1].append(line(number))
    return ["".join(f"{text}\n" for text in event) for event in found]


def make(folder: Path) -> World:
    folder.mkdir()
    (folder / "in.log.1").write_text("".join(f"{line(number)}\n" for number in range(CUT)))
    (folder / "in.log").write_text("".join(f"{line(number)}\n" for number in range(CUT, len(LINES))))
    return World(folder)


def compiled(folder: Path) -> Graph:
    loaded = load(Source("folds.pipe", PROGRAM.format(folder=folder)))
    assert loaded.graph is not None, loaded.diagnostics
    return loaded.graph


def live(world: World, env: SimEnv) -> Agent:
    agent = quiet(world, env, compiled(world.folder))
    run(agent.run())
    return agent


def check(folder: Path) -> None:
    """Every key once in its time, in the order of the source, and every row accounted for."""
    rows = [json.loads(text) for text in (folder / "rows.ndjson").read_text().splitlines()]
    assert [(row["key"], row["second"]) for row in rows if "key" in row] == wanted()
    assert all(row["more"] == row["key"] + 1 for row in rows if "key" in row)
    assert len(rows) - len(wanted()) == len(range(0, len(LINES), 31))
    latest = {}
    for text in (folder / "facts.ndjson").read_text().splitlines():
        fact = json.loads(text)
        latest[fact["id"]] = fact["value"]
    assert sum(latest.values()) == len(wanted())
    good = [line(number) for number in range(len(LINES)) if number % 31]
    assert (folder / "raw.log").read_text().splitlines() == good
    joined, wholes = (folder / "joined.log").read_text(), events()
    for event in wholes:
        assert joined.count(event) >= 1
    assert len(joined) == sum(map(len, wholes))
    with snapshot(folder / "state") as state:
        books = state.books()
        assert list(faults(books)) == []
        kinds, whole = books["ledger"]["unique"], books["ledger"]["whole"]
    assert (whole["in"], whole["out"], whole["held"]) == (len(LINES), len(wholes), 0)
    assert (kinds["in"], kinds["out"], kinds["filtered"]) == (len(good), len(wanted()), len(good) - len(wanted()))


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many batches and many commits."""
    from pipeline_plugins.inputs.file import generation

    monkeypatch.setattr(generation, "CHUNK", 300)
    monkeypatch.setattr(committing, "GROUP", 1)


@pytest.mark.parametrize("share", range(4))
def test_a_crash_at_every_call_of_a_program_with_folds(tmp_path: Path, share: int) -> None:
    """The next life lets through what a life without a crash does: nothing twice, nothing less."""
    world = make(tmp_path / "count")
    env = world.env()
    agent = live(world, env)
    world.crash()
    check(world.folder)
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


def test_a_disk_full_at_a_write_of_a_program_with_folds(tmp_path: Path) -> None:
    """With space again the next life goes on with what was remembered."""
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
