"""Joined streams, exact under a crash at every call: the table is committed with the rows that it is made of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from runs import quiet

from pipeline.agent import committing
from pipeline.agent.agent import Agent
from pipeline.cli.snapshot import snapshot
from pipeline.lang.spans import Source
from pipeline.plan.graph import Graph
from pipeline.plan.load import load
from pipeline.proof.balance import faults
from pipeline.testing.life import Crash
from pipeline.testing.loop import run
from pipeline.testing.world import SimEnv, World

PROGRAM = """
source access = file("{folder}/in.log*")
source users  = file("{folder}/users.log*")
transform told   = users | grok('^%{{WORD:id}} %{{NUMBER:at:int}} %{{WORD:plan}}$') | set {{ @timestamp = time(at, 'unix') }}
transform parsed = access | grok('^%{{WORD:user}} %{{NUMBER:second:int}}$') | set {{ @timestamp = time(second, 'unix') }}
transform known  = parsed | join(told, on: user, key: id, columns: plan)
transform facts  = known | window(20s) {{ n = count() by plan }}
sink rows   = known -> file("{folder}/rows.ndjson")
sink counts = facts -> file("{folder}/facts.ndjson")
sink bad    = [told.rejected, parsed.rejected] -> file("{folder}/bad.log", format: raw)
"""

BEGIN = 1_790_000_000
PEOPLE = ("ann", "bob", "eve")
PLANS = ("free", "pro", "trial")
EVENTS = [(PEOPLE[number * number % 3], BEGIN + number) for number in range(60)]
VERSIONS = [(PEOPLE[number % 2], BEGIN + 7 * number, PLANS[number % 3]) for number in range(8)]
CUT = 20
"""Events of the older generation."""


def wanted(user: str, second: int) -> str | None:
    """The plan of the last version up to then."""
    plans = [plan for id, at, plan in VERSIONS if id == user and at <= second]
    return plans[-1] if plans else None


def make(folder: Path) -> World:
    folder.mkdir()
    lines = [f"{user} {second}\n" for user, second in EVENTS]
    (folder / "in.log.1").write_text("".join(lines[:CUT]) + "garbage\n")
    (folder / "in.log").write_text("".join(lines[CUT:]))
    told = [f"{id} {at} {plan}\n" for id, at, plan in VERSIONS]
    (folder / "users.log.1").write_text("".join(told[:3]) + "more garbage\n")
    (folder / "users.log").write_text("".join(told[3:]))
    return World(folder)


def compiled(folder: Path) -> Graph:
    loaded = load(Source("joins.pipe", PROGRAM.format(folder=folder)))
    assert loaded.graph is not None, loaded.diagnostics
    return loaded.graph


def live(world: World, env: SimEnv) -> Agent:
    agent = quiet(world, env, compiled(world.folder))
    run(agent.run())
    return agent


def check(folder: Path) -> None:
    """Every event once, with the plan of its time, and every row of both streams accounted for."""
    rows = [json.loads(text) for text in (folder / "rows.ndjson").read_text().splitlines()]
    found = sorted((row["second"], row["user"], row.get("plan")) for row in rows)
    assert found == [(second, user, wanted(user, second)) for user, second in EVENTS]
    latest = {}
    for text in (folder / "facts.ndjson").read_text().splitlines():
        fact = json.loads(text)
        latest[fact["id"]] = fact["value"]
    assert sum(latest.values()) == len(EVENTS)
    assert sorted((folder / "bad.log").read_text().splitlines()) == ["garbage", "more garbage"]
    with snapshot(folder / "state") as state:
        books = state.books()
        assert list(faults(books)) == []
        kinds = books["ledger"]["known"]
    assert (kinds["in"], kinds["out"], kinds["joined"]) == (len(EVENTS) + len(VERSIONS), len(EVENTS), len(VERSIONS))


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many batches and many commits."""
    from pipeline_plugins.inputs.file import generation

    monkeypatch.setattr(generation, "CHUNK", 300)
    monkeypatch.setattr(committing, "GROUP", 1)


@pytest.mark.parametrize("share", range(4))
def test_a_crash_at_every_call_of_a_program_with_a_join(tmp_path: Path, share: int) -> None:
    """The next life gives each event what a life without a crash does."""
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
