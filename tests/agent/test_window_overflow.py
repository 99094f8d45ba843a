"""Windows with more groups than they may have, in a running agent: totals, crashes, and what is told."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from pathlib import Path

import pytest
from runs import quiet

from pipeline.agent import planning
from pipeline.agent.agent import Agent, Settings
from pipeline.agent.overflows import Overflows
from pipeline.agent.telemetry import Journal, NodeMeter
from pipeline.lang.spans import Source
from pipeline.plan.graph import Graph
from pipeline.plan.load import load
from pipeline.testing.life import Crash
from pipeline.testing.loop import run
from pipeline.testing.world import SimEnv, World

PROGRAM = """
source log = file("{folder}/in.log")
transform facts = log | grok('^%{{NUMBER:second:int}} %{{WORD:who}}$') | set {{ @timestamp = time(second, 'unix') }}
  | window(10s, groups: 3) {{ hits = count() by who  seconds = sum(second) by who  first = top(1, who) }}
sink out = facts -> file("{folder}/out.ndjson")
"""

BASE = 1_790_000_000

LINES = [(BASE + at // 30, f"w{random.Random(at).randrange(40)}") for at in range(600)]


def compiled(folder: Path) -> Graph:
    loaded = load(Source("w.pipe", PROGRAM.format(folder=folder)))
    assert loaded.graph is not None, loaded.diagnostics
    return loaded.graph


def made(folder: Path) -> World:
    folder.mkdir()
    (folder / "in.log").write_text("".join(f"{second} {who}\n" for second, who in LINES))
    return World(folder)


def live(world: World, env: SimEnv) -> None:
    run(quiet(world, env, compiled(world.folder)).run())


def totals(folder: Path) -> dict[tuple[str, str], int]:
    """Values over all groups by metric and window, of the facts as they were sent last."""
    facts = [json.loads(text) for text in (folder / "out.ndjson").read_text().splitlines()]
    latest = {fact["id"]: fact for fact in sorted(facts, key=lambda fact: fact["revision"])}
    found: dict[tuple[str, str], int] = defaultdict(int)
    groups: dict[tuple[str, str], set[str]] = defaultdict(set)
    for fact in latest.values():
        if fact["metric"] != "first":
            found[fact["metric"], fact["window_start"]] += fact["value"]
            groups[fact["metric"], fact["window_start"]].add(fact["by"]["who"])
    assert all(len(names) == 4 and "__other__" in names for names in groups.values())
    return dict(found)


def wanted() -> dict[tuple[str, str], int]:
    first = "2026-09-21T14:13:20Z", [second for second, _ in LINES if second < BASE + 10]
    second = "2026-09-21T14:13:30Z", [second for second, _ in LINES if second >= BASE + 10]
    return {
        (metric, start): total
        for start, seconds in (first, second)
        for metric, total in (("hits", len(seconds)), ("seconds", sum(seconds)))
    }


def test_a_crash_at_every_call_leaves_totals_exact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the state was cut down before, the next life sends the facts of all lines."""
    monkeypatch.setattr(planning, "WORTH", 0)
    world = made(tmp_path / "count")
    env = world.env()
    live(world, env)
    world.crash()
    assert totals(world.folder) == wanted()
    assert env.points > 50
    for kill_at in range(1, env.points + 1):
        world = made(tmp_path / f"{kill_at}")
        with pytest.raises(Crash):
            live(world, world.env(kill_at))
        world.crash()
        live(world, world.env())
        world.crash()
        assert totals(world.folder) == wanted(), f"killed at point {kill_at} of {env.points}"


def test_groups_keep_their_names_through_commits_and_restarts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was named first stays named, however much comes later; only the rest grows."""
    monkeypatch.setattr(planning, "WORTH", 0)
    world = World(tmp_path)
    out = tmp_path / "out.ndjson"
    values: list[dict[str, int]] = []
    for names in (["a", "b", "c"], ["a", "x", "y"], ["0", "z", "z", "b"]):
        with (tmp_path / "in.log").open("a") as file:
            file.writelines(f"{BASE + 1} {name}\n" for name in names)
        before = out.stat().st_size if out.exists() else 0
        live(world, world.env())
        world.crash()
        facts = [json.loads(text) for text in out.read_bytes()[before:].splitlines()]
        values.append({fact["by"]["who"]: fact["value"] for fact in facts if fact["metric"] == "hits"})
    assert values == [
        {"a": 1, "b": 1, "c": 1},
        {"a": 2, "b": 1, "c": 1, "__other__": 2},
        {"a": 2, "b": 2, "c": 1, "__other__": 5},
    ]


def test_an_overflow_is_logged_and_counted(tmp_path: Path) -> None:
    """Two windows are cut down: the meter says two, the log says it once."""
    world = made(tmp_path / "w")
    env = world.env()
    said: list[str] = []
    settings = Settings("w.pipe", world.folder / "state", world.folder, once=True)
    agent = Agent(env, compiled(world.folder), settings, Journal(said.append, env.clock))
    run(agent.run())
    assert agent.meters["facts"].values()["windows.overflowed"] == 2
    told = "more groups in a window than it may have: the rest is counted as __other__, rankings are partial"
    assert [line.split(" overflowed=")[0] for line in said] == [f"pipe: warning: facts: {told}"]


def test_an_overflow_is_told_once_an_hour_a_stage(tmp_path: Path) -> None:
    """Again after an hour, and of another stage at once; nothing is said where nothing was cut down."""
    env = World(tmp_path).env()
    said: list[str] = []
    overflows = Overflows(Journal(said.append, env.clock), env.clock)
    meters = {"a": NodeMeter(), "b": NodeMeter()}

    async def hours() -> list[int]:
        told = []
        for over in ({"a": 1}, {"a": 1, "b": 0}, {"b": 2}):
            overflows.heed(over, meters)
            told.append(len(said))
        await env.clock.sleep(3600)
        overflows.heed({"a": 1}, meters)
        return [*told, len(said)]

    assert run(hours()) == [1, 1, 2, 3]
    assert [meter.values() for meter in meters.values()] == [{"windows.overflowed": 3}, {"windows.overflowed": 2}]
