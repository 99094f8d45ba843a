"""Joined streams in a running program: which table goes on where the program changes, and dead letters that meet it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

from pipeline.agent.agent import Agent, Settings
from pipeline.agent.letters import change
from pipeline.agent.telemetry import Journal
from pipeline.cli.desk import desk
from pipeline.cli.snapshot import snapshot
from pipeline.lang.spans import Source
from pipeline.plan.graph import Graph
from pipeline.plan.load import load
from pipeline.proof.balance import faults
from pipeline.testing.loop import run
from pipeline.testing.world import SimEnv, World

PROGRAM = """
source access = file("{folder}/in.log*")
source users  = file("{folder}/users.log*")
transform told   = users
  | grok('^%{{WORD:id}}{between}%{{WORD:plan}}{between}%{{WORD:team}}$')
  | set {{ id = null_if(id, 'nobody')  @timestamp = time(0, 'unix') }}
transform known  = access | grok('^%{{WORD:user}}$') | join(told, on: user, key: id, {options})
sink rows = known -> file("{folder}/rows.ndjson")
"""

Act = Callable[[SimEnv, Agent], Awaitable[None]]


class Lives:
    """One state, a log and a log of the table."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.world = World(folder)
        self.said: list[str] = []
        self.between = " "

    def graph(self, options: str) -> Graph:
        loaded = load(Source("j.pipe", PROGRAM.format(folder=self.folder, options=options, between=self.between)))
        assert loaded.graph is not None, loaded.diagnostics
        return loaded.graph

    def add(self, name: str, *lines: str) -> None:
        with (self.folder / name).open("a") as file:
            file.writelines(f"{line}\n" for line in lines)

    def __call__(self, options: str, act: Act | None = None) -> None:
        """A run: to the end of the logs, or for as long as `act` takes; then a kill of the machine."""
        env = self.world.env()
        settings = Settings("j.pipe", self.folder / "state", self.folder, once=act is None)
        agent = Agent(env, self.graph(options), settings, Journal(self.said.append, env.clock))

        async def life() -> None:
            running = asyncio.ensure_future(agent.run())
            if act is not None:
                await act(env, agent)
                agent.stop()
            await running

        run(life())
        self.world.crash()
        with snapshot(self.folder / "state") as state:
            assert list(faults(state.books())) == []

    def retry(self) -> None:
        with desk(self.folder / "state") as letters:
            assert change({"ask": "dlq_retry"})(letters)["letters"] == 1

    @property
    def rows(self) -> list[dict[str, object]]:
        path = self.folder / "rows.ndjson"
        found = [json.loads(text) for text in path.read_text().splitlines()] if path.exists() else []
        return [{name: value for name, value in row.items() if name[0] != "@"} for row in found]


def test_a_table_goes_on_where_only_what_is_asked_of_it_changes(tmp_path: Path) -> None:
    """At the next start with another program; with other columns it begins anew, as the table's rows are not read again."""
    lives = Lives(tmp_path)
    lives.add("users.log", "ann free red")
    lives.add("in.log", "ann")
    lives("columns: plan")
    lives.add("in.log", "ann")
    lives("columns: plan, version: latest, count: 5, into: told")
    lives.add("in.log", "ann")
    lives("columns: [plan, team]")
    assert lives.rows == [{"user": "ann", "plan": "free"}, {"user": "ann", "told": {"plan": "free"}}, {"user": "ann"}]


def test_a_table_goes_on_over_a_reload(tmp_path: Path) -> None:
    """Of what changed while it ran, the next program knows all."""
    lives = Lives(tmp_path)

    async def act(env: SimEnv, agent: Agent) -> None:
        await env.clock.sleep(3.0)
        lives.add("users.log", "ann pro red", "bob free red")
        await env.clock.sleep(3.0)
        await agent.reload(lives.graph("columns: plan, into: told"))
        lives.add("in.log", "ann", "bob", "eve")
        await env.clock.sleep(3.0)

    lives.add("users.log", "ann free red")
    lives.add("in.log", "ann")
    lives("columns: plan", act)
    assert lives.rows == [
        {"user": "ann", "plan": "free"},
        {"user": "ann", "told": {"plan": "pro"}},
        {"user": "bob", "told": {"plan": "free"}},
        {"user": "eve"},
    ]


def test_a_dead_letter_asks_the_table_again(tmp_path: Path) -> None:
    """Where it says something by now, the event goes on with it."""
    lives = Lives(tmp_path)
    lives.add("users.log", "ann free red")
    lives.add("in.log", "ann", "bob")
    lives("columns: plan, missing: reject")
    assert lives.rows == [{"user": "ann", "plan": "free"}]
    lives.add("users.log", "bob pro red")
    lives("columns: plan, missing: reject")
    lives.retry()
    lives("columns: plan, missing: reject")
    assert lives.rows == [{"user": "ann", "plan": "free"}, {"user": "bob", "plan": "pro"}]


def test_a_dead_letter_of_a_row_without_a_key_stays(tmp_path: Path) -> None:
    """It was for the table: put in where it was rejected it would be an event."""
    lives = Lives(tmp_path)
    lives.add("users.log", "nobody free red")
    lives.add("in.log", "ann")
    lives("columns: plan")
    lives.retry()
    lives("columns: plan")
    assert lives.rows == [{"user": "ann"}]
    assert any("they were for a table of the stage" in line for line in lives.said)


def test_a_dead_letter_may_come_into_the_table(tmp_path: Path) -> None:
    """One that a stage above the table rejected, once that can read it."""
    lives = Lives(tmp_path)
    lives.add("users.log", "ann-free-red")
    lives.add("in.log", "ann")
    lives("columns: plan")
    lives.between = "-"
    lives.retry()
    lives("columns: plan")
    lives.add("in.log", "ann")
    lives("columns: plan")
    assert lives.rows == [{"user": "ann"}, {"user": "ann", "plan": "free"}]
