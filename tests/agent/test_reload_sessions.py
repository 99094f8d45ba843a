"""Sessions and another program: at a reload, and at a start."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from pipeline.agent.agent import Agent, Settings
from pipeline.agent.telemetry import Journal
from pipeline.lang.spans import Source
from pipeline.plan.graph import Graph
from pipeline.plan.load import load
from pipeline.testing.loop import run
from pipeline.testing.world import World

PROGRAM = """
source log = file("{folder}/in.log")
transform visits = log | grok('^%{{NUMBER:second:int}} %{{WORD:user}}$') | set {{ @timestamp = time(second, 'unix') }}
  | session({gap}, lateness: {lateness}) by user {{ hits = count() }}
sink out = visits -> file("{folder}/out.ndjson")
"""

BASE = 1_790_000_000
"""Close to the simulated clock."""


def compiled(folder: Path, gap: str = "10s", lateness: str = "0s") -> Graph:
    loaded = load(Source("s.pipe", PROGRAM.format(folder=folder, gap=gap, lateness=lateness)))
    assert loaded.graph is not None, loaded.diagnostics
    return loaded.graph


def lives(folder: Path, first: Graph, second: Graph, *, restart: bool = False) -> tuple[list[tuple[object, ...]], str]:
    """(hits, revision) of what was sent by the first program, a second after which there is the second one, for five minutes;
    and the log."""
    (folder / "in.log").write_text(f"{BASE + 1} a\n{BASE + 9} a\n")
    env = World(folder).env()
    said: list[str] = []
    settings = Settings("s.pipe", folder / "state", folder)

    async def life() -> None:
        agent = Agent(env, first, settings, Journal(said.append, env.clock))
        running = asyncio.ensure_future(agent.run())
        await env.clock.sleep(2.0)
        if restart:
            agent.stop()
            await running
            agent = Agent(env, second, settings, Journal(said.append, env.clock))
            running = asyncio.ensure_future(agent.run())
        else:
            assert await agent.reload(second)
        await env.clock.sleep(300.0)
        agent.stop()
        await running

    run(life())
    out = folder / "out.ndjson"
    facts = [json.loads(text) for text in out.read_text().splitlines()] if out.exists() else []
    return [(fact["hits"], fact["revision"]) for fact in facts], "\n".join(said)


def test_a_session_goes_on_where_another_program_waits_for_longer(tmp_path: Path) -> None:
    """`lateness` is not what a session means: it is sent once, when the new program says."""
    facts, _ = lives(tmp_path, compiled(tmp_path), compiled(tmp_path, lateness="1m"))
    assert facts == [(2, 1)]


def test_a_session_of_another_gap_is_sent_as_it_is(tmp_path: Path) -> None:
    """At a reload the old program sends what is open, once."""
    facts, _ = lives(tmp_path, compiled(tmp_path), compiled(tmp_path, gap="20s"))
    assert facts == [(2, 1)]


def test_open_sessions_are_dropped_at_a_start_with_another_gap_and_the_log_says_so(tmp_path: Path) -> None:
    """Nobody is there who could send them."""
    facts, said = lives(tmp_path, compiled(tmp_path), compiled(tmp_path, gap="20s"), restart=True)
    assert facts == []
    assert "open windows of the old one were dropped" in said
