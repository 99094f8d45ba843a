"""Windows when a program takes the place of another: they go on, or are sent as they are. None is dropped."""

from __future__ import annotations

import asyncio
import errno
import json
from pathlib import Path
from typing import Any

import pytest
from runs import quiet

from pipeline.agent.agent import Agent, Settings
from pipeline.agent.space import Space
from pipeline.cli.session import Session
from pipeline.lang.spans import Source
from pipeline.plan.graph import Graph
from pipeline.plan.load import Loaded, load
from pipeline.store import Store
from pipeline.testing.loop import run
from pipeline.testing.world import World

COUNTING = """
source log = file("{folder}/in.log")
transform parsed = log | grok('^%{{INT:second:int}} %{{WORD:verb}}$') | set {{ @timestamp = time(second, 'unix') }}
transform facts = parsed | window(10s) {{ {metric} }}
sink published = facts -> file("{folder}/{out}")
"""
HITS = "hits = count() by verb"


def counting(folder: Path, metric: str = HITS, out: str = "facts.ndjson") -> Graph:
    graph = read(folder, metric, out).graph
    assert graph is not None
    return graph


def read(folder: Path, metric: str = HITS, out: str = "facts.ndjson") -> Loaded:
    loaded = load(Source("counting.pipe", COUNTING.format(folder=folder, metric=metric, out=out)))
    assert loaded.graph is not None, loaded.diagnostics
    return loaded


def counted(world: World, *programs: Graph) -> None:
    """Three lines of one window for each program, all read before the next takes over."""
    log = world.folder / "in.log"
    log.touch()
    env = world.env()

    async def life() -> None:
        running = quiet(world, env, programs[0], once=False)
        ended = asyncio.ensure_future(running.run())
        for number, program in enumerate(programs):
            if number:
                await running.reload(program)
            with log.open("ab") as file:
                file.write(b"1790000000 GET\n1790000001 GET\n1790000002 POST\n")
            while await committed(running) < log.stat().st_size:
                await env.clock.sleep(0.1)
        running.stop()
        await ended

    run(life())
    world.crash()
    run(quiet(world, world.env(), programs[-1]).run())


async def committed(running: Agent) -> int:
    """Bytes of the log that are durable."""
    if not running.started.is_set():
        return 0
    progress = await running.locked(running.store.contents.progress)
    return sum(position["offset"] for position in progress.get("log", {}).values() if isinstance(position, dict))


def facts(path: Path) -> list[tuple[int, str, int]]:
    """(revision, verb, value) of every line."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return sorted((row["revision"], row["by"]["verb"], row["value"]) for row in rows)


def test_a_window_goes_on_where_the_query_did_not_change(tmp_path: Path) -> None:
    """Only the sink is another one: what both programs counted is one fact."""
    counted(World(tmp_path), counting(tmp_path), counting(tmp_path, out="other.ndjson"))
    assert not (tmp_path / "facts.ndjson").exists()
    assert facts(tmp_path / "other.ndjson") == [(1, "GET", 4), (1, "POST", 2)]


def test_a_window_of_another_query_is_sent_as_it_is(tmp_path: Path) -> None:
    """The facts of the two add up to what was read: nothing was dropped, nothing counted twice."""
    counted(World(tmp_path), counting(tmp_path), counting(tmp_path, HITS + " where verb == 'GET'"))
    assert facts(tmp_path / "facts.ndjson") == [(1, "GET", 2), (1, "GET", 2), (1, "POST", 1)]


def test_a_window_that_is_gone_is_sent_as_it_is(tmp_path: Path) -> None:
    """The program has no such stage any more."""
    bare = load(Source("counting.pipe", f'source log = file("{tmp_path}/in.log")\nsink out = log -> null()'))
    assert bare.graph is not None, bare.diagnostics
    counted(World(tmp_path), counting(tmp_path), bare.graph)
    assert facts(tmp_path / "facts.ndjson") == [(1, "GET", 2), (1, "POST", 1)]


def test_a_window_whose_query_comes_back_is_an_extra_part(tmp_path: Path) -> None:
    """No two facts of other values have the same id and revision: a reader that keeps one row an id would lose one of them."""
    other = HITS + " where verb == 'GET'"
    counted(World(tmp_path), counting(tmp_path), counting(tmp_path, other), counting(tmp_path))
    rows = [json.loads(line) for line in (tmp_path / "facts.ndjson").read_text().splitlines()]
    named = [(row["id"], row["revision"]) for row in rows]
    assert len(named) == len(set(named))


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_disk_that_is_full_as_a_program_takes_over_drops_no_window(
    tmp_path: Path, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before or after the old program's windows are sent: it is run again, and the new one takes over then."""
    log = tmp_path / "in.log"
    log.write_bytes(b"1790000000 GET\n1790000001 GET\n1790000002 POST\n")
    world = World(tmp_path)
    env, old, new = world.env(), read(tmp_path), read(tmp_path, HITS + " where verb == 'GET'")
    settings = Settings("counting.pipe", tmp_path / "state", tmp_path)
    space = Space(env, settings.folder, lambda level, text: None)
    asked = 0
    arrange = Store.arrange

    def changed() -> Loaded:
        nonlocal asked
        asked += 1
        world.disk.error = errno.ENOSPC if (when, asked) == ("before", 1) else 0
        return new

    def arranged(store: Store, *arguments: Any) -> None:
        world.disk.error = errno.ENOSPC if (when, asked) == ("after", 1) else world.disk.error
        arrange(store, *arguments)

    async def life() -> None:
        session = Session(env, settings, load=changed, space=space)
        loop = asyncio.get_running_loop()
        loop.call_later(5, session._reload.set)
        loop.call_later(60, session.stop)
        assert old.graph is not None
        await session.run(old.graph, (), old.recipe)
        assert session._recipe is new.recipe

    monkeypatch.setattr(Store, "arrange", arranged)
    run(life())
    assert asked > 1
    assert facts(tmp_path / "facts.ndjson") == [(1, "GET", 2), (1, "POST", 1)]
