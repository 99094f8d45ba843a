"""Files that are written whole: rows that were spooled for one program are not mixed with those of the next."""

from __future__ import annotations

import asyncio
import gzip
import threading
from pathlib import Path

import polars as pl
import pytest

from pipeline.agent.agent import Agent, Settings
from pipeline.agent.telemetry import Journal
from pipeline.env import Env, ReadFile
from pipeline.env.real import RealEnv, RealFiles
from pipeline.lang.spans import Source
from pipeline.plan.load import load
from pipeline.store import frames
from pipeline.testing.life import Crash
from pipeline.testing.loop import run
from pipeline.testing.world import World

PROGRAM = """
source log = file("{folder}/in.log")
transform parsed = log | grok('^%{{INT:a:int}} %{{WORD:b}}$') | set {{ @timestamp = time(a, 'unix') }}
sink out = parsed | keep({fields}) -> file({output})
"""

Chosen = tuple[str, str]
"""Fields, and the arguments of `file`."""


def agent_of(env: Env, folder: Path, chosen: Chosen, *, once: bool) -> Agent:
    fields, output = chosen
    text = PROGRAM.format(folder=folder, fields=fields, output=output.replace("DIR", str(folder)))
    loaded = load(Source("w.pipe", text))
    assert loaded.graph is not None, loaded.diagnostics
    settings = Settings("w.pipe", folder / "state", folder, once=once)
    return Agent(env, loaded.graph, settings, Journal(lambda line: None, env.clock))


async def until_committed(agent: Agent, env: Env) -> None:
    """A live run that is stopped once its rows are committed."""

    async def stop() -> None:
        while agent.report.commits == 0:
            await env.clock.sleep(0.1)
        agent.stop()

    await asyncio.gather(agent.run(), stop())


def two_programs(folder: Path, first: Chosen, second: Chosen) -> None:
    """One row by the first, which is stopped before its file is due; two by the second, to the end."""
    world = World(folder)
    (folder / "in.log").write_text("1 one\n")
    env = world.env()
    run(until_committed(agent_of(env, folder, first, once=False), env))
    world.crash()
    with (folder / "in.log").open("a") as file:
        file.write("2 two\n3 three\n")
    run(agent_of(world.env(), folder, second, once=True).run())
    world.crash()


CSV = '"DIR/out.csv", format: csv(header: true)'


def test_a_csv_file_has_the_columns_that_its_header_names(tmp_path: Path) -> None:
    """A change of columns begins another file; the one before is completed with the header that it was begun with."""
    two_programs(tmp_path, ("a", CSV), ("a, b", CSV))
    assert {path.name: path.read_text() for path in tmp_path.glob("out*")} == {
        "out-000001.csv": "@timestamp,a\n1970-01-01T00:00:01Z,1\n",
        "out-000002.csv": "@timestamp,a,b\n1970-01-01T00:00:02Z,2,two\n1970-01-01T00:00:03Z,3,three\n",
    }


def test_a_parquet_file_has_the_columns_that_it_was_begun_with(tmp_path: Path) -> None:
    """A change of columns begins another file, and the run ends well."""
    output = '"DIR/out.parquet", format: parquet'
    two_programs(tmp_path, ("a", output), ("a, b", output))
    found = {
        path.name: pl.read_parquet(path).drop("@timestamp").to_dict(as_series=False) for path in tmp_path.glob("out*")
    }
    assert found == {"out-000001.parquet": {"a": [1]}, "out-000002.parquet": {"a": [2, 3], "b": ["two", "three"]}}


def test_a_file_that_waits_is_completed_by_a_program_that_writes_another_format(tmp_path: Path) -> None:
    """In the format and the compression in which it was begun."""
    two_programs(tmp_path, ("a", '"DIR/out.csv.gz", format: csv(header: true)'), ("a, b", '"DIR/out.ndjson"'))
    assert (
        gzip.decompress((tmp_path / "out-000001.csv.gz").read_bytes()) == b"@timestamp,a\r\n1970-01-01T00:00:01Z,1\r\n"
    )
    assert len((tmp_path / "out.ndjson").read_text().splitlines()) == 2


def test_the_same_columns_stay_in_one_file(tmp_path: Path) -> None:
    """A restart alone begins nothing new."""
    two_programs(tmp_path, ("a, b", CSV), ("a, b", CSV))
    assert [path.name for path in tmp_path.glob("out*")] == ["out-000001.csv"]
    assert len((tmp_path / "out-000001.csv").read_text().splitlines()) == 4


def test_a_crash_at_every_call_gives_one_whole_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next life completes it: every row once, under the same name."""
    monkeypatch.setattr(frames, "FRAME", 10)
    kill_at = points = 0
    while kill_at <= points:
        folder = tmp_path / str(kill_at)
        folder.mkdir()
        (folder / "in.log").write_text("1 one\n2 two\n")
        world = World(folder)
        if kill_at:
            with pytest.raises(Crash):
                run(agent_of(world.env(kill_at), folder, ("a, b", CSV), once=True).run())
            world.crash()
        env = world.env()
        run(agent_of(env, folder, ("a, b", CSV), once=True).run())
        world.crash()
        points = points or env.points
        assert {path.name: path.read_text() for path in folder.glob("out*")} == {
            "out-000001.csv": "@timestamp,a,b\n1970-01-01T00:00:01Z,1,one\n1970-01-01T00:00:02Z,2,two\n"
        }, f"killed at point {kill_at}"
        kill_at += 1


class Held(RealFiles):
    """Reading out of the outbox waits for `go`."""

    def __init__(self) -> None:
        self.reading, self.go = threading.Event(), threading.Event()

    def read(self, path: Path) -> ReadFile:
        if path.parent.name == "outbox":
            self.reading.set()
            assert self.go.wait(30)
        return super().read(path)


def test_the_store_is_free_while_a_file_is_read_and_encoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However large the file is, commits go on."""
    monkeypatch.setattr(frames, "FRAME", 10)
    (tmp_path / "in.log").write_text("1 one\n")
    env = RealEnv()
    files = env.files = Held()
    agent = agent_of(env, tmp_path, ("a", CSV), once=True)

    async def session() -> dict[str, int]:
        running = asyncio.ensure_future(agent.run())
        try:
            assert await asyncio.to_thread(files.reading.wait, 30)
            return await asyncio.wait_for(agent.locked(agent.store.contents.waiting), 10)
        finally:
            files.go.set()
            await running

    waiting = asyncio.run(session())
    env.close()
    assert list(waiting) == ["out"]
    assert (tmp_path / "out-000001.csv").read_text() == "@timestamp,a\n1970-01-01T00:00:01Z,1\n"
