"""Rows that are made of rows, exact under a crash at every call: each has its identity, and is there once; so are their dead letters."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from runs import quiet

from pipeline import api
from pipeline.agent import committing
from pipeline.agent.agent import Agent
from pipeline.agent.letters import change
from pipeline.cli.desk import desk
from pipeline.cli.snapshot import snapshot
from pipeline.errors import DiskFullError
from pipeline.lang.spans import Source
from pipeline.plan.asking import alone
from pipeline.plan.flow import Flow
from pipeline.plan.graph import Graph
from pipeline.plan.lineage import apart
from pipeline.plan.load import load
from pipeline.plan.reentry import again
from pipeline.proof.balance import faults
from pipeline.testing.life import Crash
from pipeline.testing.loop import run
from pipeline.testing.world import SimEnv, World

PROGRAM = """
source log = file("{folder}/in.log*")
transform parsed = log | grok('^%{{INT:n:int}} %{{NUMBER:second:int}} ?%{{GREEDYDATA:text}}$')
  | set {{ @timestamp = time(second, 'unix')  words = split(text, ' ') }}
transform rows = parsed | where(text != null) | unnest(words, into: word, index: at) | split(word, on: '+')
  | set {{ size = {size} }} | dedupe(within: 1s, count: 9) by [n, at, word]
transform facts = rows | window(20s) {{ n = count() by size }}
sink all = rows -> file("{folder}/rows.ndjson", metadata: [@rid])
sink told = facts -> file("{folder}/facts.ndjson")
"""

STRICT = "int!(word)"
LOOSE = "int(word) ?? -1"


def line(number: int) -> str:
    words = ["+".join(str(number * word % 5 + part) for part in range(word % 3 + 1)) for word in range(number % 4)]
    if number % 9 == 5:
        words[-1:] = ["1+x+2", "y"]
    return f"{number} {1_790_000_000 + number} {' '.join(words)}".strip()


COUNT, CUT = 40, 16
GOOD = [number for number in range(COUNT) if number % 4 or number % 9 == 5]


def wanted(*, strict: bool) -> list[tuple[int, int, str]]:
    """Number, place and part of each row, one by one."""
    return [
        (number, at, part)
        for number in range(COUNT)
        for at, word in enumerate(line(number).split(" ")[2:])
        for part in word.split("+")
        if part.isdecimal() or not strict
    ]


def make(folder: Path) -> World:
    folder.mkdir()
    (folder / "in.log.1").write_text("".join(f"{line(number)}\n" for number in range(CUT)))
    (folder / "in.log").write_text("".join(f"{line(number)}\n" for number in range(CUT, COUNT)))
    return World(folder)


def compiled(folder: Path, size: str) -> Graph:
    loaded = load(Source("rows.pipe", PROGRAM.format(folder=folder, size=size)))
    assert loaded.graph is not None, loaded.diagnostics
    return loaded.graph


def live(world: World, env: SimEnv, size: str = STRICT) -> Agent:
    agent = quiet(world, env, compiled(world.folder, size))
    run(agent.run())
    return agent


def check(folder: Path, *, strict: bool = True) -> None:
    """Every row once, with a name of its own, and every row accounted for."""
    rows = [json.loads(text) for text in (folder / "rows.ndjson").read_text().splitlines()]
    found = [(row["n"], row["at"], row["word"]) for row in rows]
    assert (found if strict else sorted(found)) == (wanted(strict=True) if strict else sorted(wanted(strict=False)))
    names = [row["@rid"].partition("#") for row in rows]
    assert len(set(names)) == len(names)
    of = {(row["n"], name[0]) for row, name in zip(rows, names, strict=True)}
    assert len(of) == len({n for n, _ in of})
    assert [int(name[2].split(".")[0]) for name in names] == [row["at"] for row in rows]
    latest = {}
    for text in (folder / "facts.ndjson").read_text().splitlines():
        fact = json.loads(text)
        latest[fact["id"]] = (fact["by"]["size"], fact["value"])
    totals = Counter[str]()
    for size, value in latest.values():
        totals[size] += value
    sizes = Counter(part if part.isdecimal() else "-1" for *_, part in wanted(strict=strict))
    assert {str(size): value for size, value in totals.items()} == sizes
    with snapshot(folder / "state") as state:
        books = state.books()
        assert list(faults(books)) == []
        kinds = books["ledger"]["rows"]
    texts = sum(line(number).count(" ") > 1 for number in range(COUNT))
    bad = len(wanted(strict=False)) - len(wanted(strict=True))
    again = 0 if strict else bad
    assert (kinds["in"], kinds["out"], kinds["rejected"]) == (COUNT + again, len(rows), bad)
    assert (kinds["made"], kinds["filtered"]) == (len(wanted(strict=False)) - texts, COUNT - texts)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many batches and many commits."""
    from pipeline_plugins.inputs.file import generation

    monkeypatch.setattr(generation, "CHUNK", 300)
    monkeypatch.setattr(committing, "GROUP", 1)


@pytest.mark.parametrize("share", range(4))
def test_a_crash_at_every_call_of_a_program_that_makes_rows(tmp_path: Path, share: int) -> None:
    """The next life makes the same rows with the same names: nothing twice, nothing less."""
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


def test_a_disk_full_at_a_write_of_a_program_that_makes_rows(tmp_path: Path) -> None:
    """With space again the next life makes what is missing."""
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


def test_letters_of_rows_that_were_made_are_put_in_again_alone(tmp_path: Path) -> None:
    """The rows beside them were given before; killed on the way or not, each arrives once, and the ledger balances."""

    def rejected(folder: Path) -> World:
        world = make(folder)
        live(world, world.env())
        world.crash()
        with desk(folder / "state") as letters:
            assert change({"ask": "dlq_retry"})(letters)["letters"] == len(wanted(strict=False)) - len(
                wanted(strict=True)
            )
        return world

    world = rejected(tmp_path / "count")
    env = world.env()
    live(world, env, LOOSE)
    world.crash()
    check(world.folder, strict=False)
    for kill_at in range(1, env.points + 1, 5):
        world = rejected(tmp_path / str(kill_at))
        with pytest.raises(Crash):
            live(world, world.env(kill_at), LOOSE)
        world.crash()
        live(world, world.env(), LOOSE)
        world.crash()
        try:
            check(world.folder, strict=False)
        except AssertionError as error:
            raise AssertionError(f"killed at point {kill_at} of {env.points}: {error}") from error


# ── letters, without an agent ────────────────────────────────────────────────────────────────────────────────────────

LETTERS = """
source log = generate(count: 1)
transform first = log | grok('^(?<text>.+)$') | split(text, on: ' ', into: part)
transform then = first | where(part != 'gone') {before} | split(part, on: '+') | set { n = int!(part) }
sink out = then -> null()
"""


def flow(before: str = "") -> Flow:
    loaded = load(Source("p.pipe", LETTERS.replace("{before}", before)))
    assert loaded.graph is not None, loaded.diagnostics
    return Flow(loaded.graph, "host")


def letters(text: bytes) -> pl.DataFrame:
    """The dead letters of a record at the stage `then`."""
    batch = api.lines([text], pl.Series([7]), partition="p", start=None, end=9)
    effects = flow().run("log", batch, 0)
    return pl.concat([frame for stage, frame in effects.dead if stage == "then"])


def retried(found: pl.DataFrame, text: bytes, before: str = "") -> tuple[dict[str, int], list[str | None]]:
    """What becomes of letters whose record is another one now: the counts of their stage, and letters that are left. `before`:
    more that the stage does before it makes rows."""
    effects = alone(again(flow(before), "then", "log", found.with_columns(pl.lit(text).alias("@raw"))))
    counts = {kind: rows for (stage, kind), rows in effects.counts.items() if stage == "then" and rows}
    return counts, [item for _, frame in effects.dead for item in frame["@item"]]


def test_a_letter_knows_which_row_it_was() -> None:
    """The number of each filter that made it."""
    assert letters(b"1 2+x+3 y")["@item"].to_list() == ["1.1", "2.0"]


def test_letters_of_one_record_are_put_in_again_one_after_the_other() -> None:
    """Each with what it is made of; those of several records together."""
    found = letters(b"1 2+x+3 y")
    other = found.with_columns(pl.lit(8, dtype=pl.Int64).alias("@offset"), pl.lit("0.0").alias("@item"))
    plain = found.with_columns(pl.lit(9, dtype=pl.Int64).alias("@offset"), pl.lit(None, pl.String).alias("@item"))
    parts = apart(pl.concat([found, other[:1], plain]))
    assert [part.select("@offset", "@item").rows() for part in parts] == [
        [(7, "1.1"), (8, "0.0"), (9, None), (9, None)],
        [(7, "2.0")],
    ]


def test_only_the_row_of_a_letter_is_made_again() -> None:
    """Not those beside it, at either filter; it counts as one that came and went."""
    found = letters(b"1 2+x+3 y")
    assert retried(found[:1], b"1 2+5+3 y") == ({"retried": 1, "in": 1, "out": 1}, [])
    assert retried(found[:1], b"1 2+x+3 y") == ({"retried": 1, "in": 1, "rejected": 1}, ["1.1"])


def test_a_letter_whose_row_is_not_made_any_more_is_filtered() -> None:
    """Whichever filter made it."""
    found = letters(b"1 2+x+3 y")
    assert retried(found[:1], b"1 2") == ({"retried": 1, "in": 1, "filtered": 1}, [])
    assert retried(found[:1], b"1") == ({"retried": 1, "in": 1, "filtered": 1}, [])
    assert retried(found[:1], b"1 gone") == ({"retried": 1, "in": 1, "filtered": 1}, [])


def test_a_letter_stays_the_same_row_when_what_it_is_made_of_is_rejected() -> None:
    """Put in again once more, it does not bring the rows beside it."""
    found, same = letters(b"1 2+x+3 y")[:1], ({"retried": 1, "in": 1, "rejected": 1}, ["1.1"])
    assert retried(found, b"") == same
    assert retried(found, b"1 2+5", "| set { size = int!(part) }") == same


def test_what_is_made_of_a_letter_is_all_given() -> None:
    """It was rejected before there were several of it."""
    found = letters(b"1 2+x+3 y")[:1].with_columns(pl.lit("1").alias("@item"))
    assert retried(found, b"1 2+5+3 y") == ({"retried": 1, "in": 1, "out": 3, "made": 2}, [])
