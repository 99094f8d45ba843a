"""Parts of long lines, exact under a crash at every call: containers' logs of two runtimes, with a rotation between two parts."""

from __future__ import annotations

import json
from collections.abc import Iterator
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
source log = file("{folder}/in.log*", codec: {codec})
transform whole = log | unsplit(max_bytes: {room})
sink rows = whole -> file("{folder}/rows.ndjson", metadata: [@offset])
sink raw = whole -> file("{folder}/raw.log", format: raw)
"""

LONG = 7
"""A part in so many is that of a line with as many bytes as there is room for."""

ROOM = 250


def parts() -> Iterator[tuple[str, bool, str]]:
    """(stream, whether the line goes on, text) of each record: a line of `stdout` in one to five parts, with those of `stderr` among them."""
    for number in range(26):
        text = f"{number:02}é" * (40 if number % LONG == 0 else 1 + number % 3)
        yield "stdout", number % 5 < number % 4, text
        if number % 3 == 0:
            yield "stderr", number % 2 == 0, f"e{number}"


RECORDS = tuple(parts())
CUT = next(at for at in range(16, len(RECORDS)) if RECORDS[at - 1][1] and RECORDS[at - 1][0] == "stdout")
"""Records of the older generation: its last one is a part that goes on in the newer one."""


def written(codec: str) -> list[bytes]:
    if codec == "cri":
        return [f"2026-01-31T12:00:00Z {stream} {'FP'[more]} {text}".encode() for stream, more, text in RECORDS]
    return [
        json.dumps({"log": text if more else f"{text}\n", "stream": stream}).encode() for stream, more, text in RECORDS
    ]


def lines(codec: str) -> list[tuple[int, str, str, bool, bytes]]:
    """(offset, stream, text, partial, records) of each line of each generation, joined one by one, in the order of first parts."""
    raws = written(codec)
    found: list[list[int]] = []
    for generation in (range(CUT), range(CUT, len(RECORDS))):
        here: list[list[int]] = []
        held: list[list[int]] = []
        for row in generation:
            held = held[next((at for at, line in enumerate(held) if RECORDS[line[-1]][1]), len(held)) :]
            while held and sum(len(raws[at]) + 1 for line in held for at in line) + len(raws[row]) + 1 > ROOM:
                held = held[1:]
                held = held[next((at for at, line in enumerate(held) if RECORDS[line[-1]][1]), len(held)) :]
            stream = RECORDS[row][0]
            line = next((some for some in held if RECORDS[some[-1]][:2] == (stream, True)), None)
            if line is None:
                line = []
                here.append(line)
                held.append(line)
            line.append(row)
        found += here
    offsets = [sum(len(raw) + 1 for raw in raws[(0 if at < CUT else CUT) : at]) for at in range(len(raws))]
    return [
        (
            offsets[line[0]],
            RECORDS[line[0]][0],
            "".join(RECORDS[at][2] for at in line),
            RECORDS[line[-1]][1],
            b"".join(raws[at] + b"\n" for at in line),
        )
        for line in found
    ]


def make(folder: Path, codec: str) -> World:
    folder.mkdir()
    raws = written(codec)
    (folder / "in.log.1").write_bytes(b"".join(raw + b"\n" for raw in raws[:CUT]))
    (folder / "in.log").write_bytes(b"".join(raw + b"\n" for raw in raws[CUT:]))
    return World(folder)


def compiled(folder: Path, codec: str) -> Graph:
    loaded = load(Source("parts.pipe", PROGRAM.format(folder=folder, codec=codec, room=ROOM)))
    assert loaded.graph is not None, loaded.diagnostics
    return loaded.graph


def live(world: World, env: SimEnv, codec: str) -> Agent:
    agent = quiet(world, env, compiled(world.folder, codec))
    run(agent.run())
    return agent


def check(folder: Path, codec: str) -> None:
    """Every line once, whole, with the bytes of its records; and every record accounted for."""
    wanted = lines(codec)
    rows = [json.loads(text) for text in (folder / "rows.ndjson").read_text().splitlines()]
    got = [(row["@offset"], row["stream"], row["message"], row["partial"]) for row in rows]
    assert sorted(got) == sorted(line[:4] for line in wanted)
    assert sorted((folder / "raw.log").read_bytes().splitlines()) == sorted(written(codec))
    raw = (folder / "raw.log").read_bytes()
    assert all(line[4] in raw for line in wanted)
    with snapshot(folder / "state") as state:
        books = state.books()
        assert list(faults(books)) == []
        whole = books["ledger"]["whole"]
    assert (whole["in"], whole["out"], whole["held"]) == (len(RECORDS), len(wanted), 0)
    assert whole["joined"] == len(RECORDS) - len(wanted)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many batches and many commits: most lines have parts in several."""
    from pipeline_plugins.inputs.file import generation

    monkeypatch.setattr(generation, "CHUNK", 400)
    monkeypatch.setattr(committing, "GROUP", 1)


def test_the_log_has_what_it_takes() -> None:
    """Lines of several parts, of both streams; some cut because they hold too much, one by the rotation, and two without an end."""
    found = lines("cri")
    assert {line[1] for line in found if line[4].count(b"\n") > 1} == {"stdout", "stderr"}
    assert [line[0] for line in found if line[3]] == [413, 491, 826, 35, 485, 943, 977]


@pytest.mark.parametrize(("codec", "share"), [("cri", 0), ("cri", 1), ("cri", 2), ("docker", 0)])
def test_a_crash_at_every_call_between_parts(tmp_path: Path, codec: str, share: int) -> None:
    """T29: the next life gives the lines that a life without a crash does: each once, whole. (Of `docker` at every third call.)"""
    world = make(tmp_path / "count", codec)
    env = world.env()
    agent = live(world, env, codec)
    world.crash()
    check(world.folder, codec)
    assert agent.report.commits >= 6
    for kill_at in range(1 + share, env.points + 1, 3):
        world = make(tmp_path / f"{kill_at}", codec)
        with pytest.raises(Crash):
            live(world, world.env(kill_at), codec)
        world.crash()
        live(world, world.env(), codec)
        world.crash()
        try:
            check(world.folder, codec)
        except AssertionError as error:
            raise AssertionError(f"killed at point {kill_at} of {env.points}: {error}") from error
