"""Windows over several runs: revisions while state is kept, extra parts afterwards, stamps from elsewhere."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from pipeline.agent.agent import Agent, Settings
from pipeline.agent.telemetry import Journal
from pipeline.lang.spans import Source
from pipeline.plan.load import load
from pipeline.testing.loop import run
from pipeline.testing.world import World

PROGRAM = """
source log = file("{folder}/in.log")
transform facts = log | grok('^%{{NUMBER:second:int}} %{{WORD:who}}$') | set {{ @timestamp = time(second, 'unix') }}
  | window(10s, lateness: 5s, keep: {keep}) {{ hits = count()  first = top(1, who) }}
sink out = facts -> file("{folder}/out.ndjson")
"""

BASE = 1_790_000_000
"""A multiple of ten, close to the simulated clock."""


class Runs:
    """One state, fed and run to the end again and again."""

    def __init__(self, folder: Path, keep: str = "1h") -> None:
        self.world = World(folder)
        self.folder = folder
        self.keep = keep

    def feed(self, *lines: tuple[int, str]) -> list[dict[str, object]]:
        """Append (second, who) lines, run with --once, and give the facts that this run published."""
        with (self.folder / "in.log").open("a") as file:
            file.writelines(f"{second} {who}\n" for second, who in lines)
        out = self.folder / "out.ndjson"
        before = out.stat().st_size if out.exists() else 0
        loaded = load(Source("w.pipe", PROGRAM.format(folder=self.folder, keep=self.keep)))
        assert loaded.graph is not None, loaded.diagnostics
        env = self.world.env()
        settings = Settings("w.pipe", self.folder / "state", self.folder, once=True)
        run(Agent(env, loaded.graph, settings, Journal(lambda line: None, env.clock)).run())
        self.world.crash()
        with out.open("rb") as file:
            file.seek(before)
            return [json.loads(line) for line in file.read().splitlines()]


def brief(facts: list[dict[str, object]]) -> list[tuple[object, ...]]:
    return [
        (
            str(fact["window_start"])[14:19],
            fact["metric"],
            fact["value"],
            fact["revision"],
            fact.get("part"),
            fact.get("partial"),
        )
        for fact in facts
    ]


def test_a_late_event_revises_a_window_that_was_sent(tmp_path: Path) -> None:
    """The same id again, with everything in it, as the next revision; other windows are left alone."""
    runs = Runs(tmp_path)
    first = runs.feed((BASE + 1, "a"), (BASE + 2, "b"), (BASE + 11, "a"))
    assert brief(first) == [
        ("13:20", "hits", 2, 1, None, None),
        ("13:20", "first", 1, 1, None, None),
        ("13:30", "hits", 1, 1, None, None),
        ("13:30", "first", 1, 1, None, None),
    ]
    again = runs.feed((BASE + 3, "b"))
    assert brief(again) == [("13:20", "hits", 3, 2, None, None), ("13:20", "first", 2, 2, None, None)]
    assert [fact["id"] for fact in again] == [fact["id"] for fact in first[:2]]
    assert again[1]["by"] == {"who": "b"}


def test_after_its_state_is_gone_a_window_gets_an_extra_part(tmp_path: Path) -> None:
    """Counts of parts add up; what cannot be added is marked partial; ids differ."""
    runs = Runs(tmp_path, keep="20s")
    first = runs.feed((BASE + 1, "a"), (BASE + 100, "a"))
    assert len(first) == 4
    assert len(runs.feed((BASE + 200, "a"))) == 2
    late = runs.feed((BASE + 2, "b"))
    assert brief(late) == [("13:20", "hits", 1, 1, 1, None), ("13:20", "first", 1, 1, 1, True)]
    assert {fact["id"] for fact in late[:2]}.isdisjoint(fact["id"] for fact in first)


def test_stamps_from_elsewhere_disturb_no_other_window(tmp_path: Path) -> None:
    """A line of 2099 and one of 1970 are counted in their own windows."""
    runs = Runs(tmp_path)
    facts = runs.feed((BASE + 1, "a"), (4_090_000_000, "x"), (7, "y"), (BASE + 2, "a"), (BASE + 3, "a"))
    hits = {fact["window_start"]: (fact["value"], fact["revision"]) for fact in facts if fact["metric"] == "hits"}
    assert hits == {"1970-01-01T00:00:00Z": (1, 1), "2026-09-21T14:13:20Z": (3, 1), "2099-08-09T23:06:40Z": (1, 1)}


def test_windows_are_sent_and_let_go_without_new_rows(tmp_path: Path) -> None:
    """In a quiet log elapsed time alone ends a window, and later its state; the meter tells how many are kept."""
    (tmp_path / "in.log").write_text(f"{BASE + 1} a\n{BASE + 2} b\n{BASE + 31} a\n")
    loaded = load(Source("w.pipe", PROGRAM.format(folder=tmp_path, keep="1m")))
    assert loaded.graph is not None, loaded.diagnostics
    env = World(tmp_path).env()
    agent = Agent(
        env, loaded.graph, Settings("w.pipe", tmp_path / "state", tmp_path), Journal(lambda line: None, env.clock)
    )
    held: list[float] = []

    async def quiet() -> None:
        running = asyncio.ensure_future(agent.run())
        for seconds in (5.0, 55.0, 120.0):
            await env.clock.sleep(seconds)
            held.append(agent.meters["facts"].values()["windows.held"])
        agent.stop()
        await running

    run(quiet())
    sent = [json.loads(line) for line in (tmp_path / "out.ndjson").read_text().splitlines()]
    assert [fact[1:4] for fact in brief(sent) if fact[1] == "hits"] == [("hits", 2, 1), ("hits", 1, 1)]
    assert held == [2, 2, 0]
    assert agent.report.sent == {"facts": 2}
