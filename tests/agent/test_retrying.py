"""Dead letters that are put in again: each leaves them together with what came of it, also when the run is killed on the way."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import apsw
import polars as pl
import pytest
from poison import Lives, Touchy, asyncio_run, die, lines, soon_full
from test_isolated_records import given, joined, raising

from pipeline import api
from pipeline.agent.letters import change
from pipeline.cli.desk import desk
from pipeline.columns import frames
from pipeline.errors import ConfigurationError, InternalError
from pipeline.lang.spans import Source
from pipeline.plan.asking import alone
from pipeline.plan.flow import Flow
from pipeline.plan.load import load
from pipeline.plan.reentry import again, closed, condemn
from pipeline.testing.life import Crash

LINES = lines(60)
BAD = [LINES[3], LINES[30], LINES[31]]


def rejected(folder: Path) -> Lives:
    """A state with three dead letters, which are marked."""
    folder.mkdir(exist_ok=True)
    lives = Lives(folder)
    lives(given(LINES, 20), raising(*BAD))
    assert [letter["@offset"] for letter in lives.letters()] == [3, 30, 31]
    return lives


def mark(lives: Lives, **named: object) -> int:
    with desk(lives.folder / "state") as letters:
        count = change({"ask": "dlq_retry", **named})(letters)["letters"]
    assert isinstance(count, int)
    return count


def without(*bad: bytes) -> bytes:
    return joined([record for record in LINES if record not in bad])


def test_letters_are_put_in_again_where_they_were_rejected(tmp_path: Path) -> None:
    """Behind what was written already; the ledger counts them as retried."""
    lives = rejected(tmp_path)
    assert (mark(lives), mark(lives)) == (3, 0)
    counts = lives(given(LINES, 20), raising())
    assert (lives.out, lives.letters()) == (without(*BAD) + joined(BAD), [])
    assert (
        counts["parsed", "in"],
        counts["parsed", "out"],
        counts["parsed", "rejected"],
        counts["parsed", "retried"],
    ) == (
        63,
        60,
        3,
        3,
    )
    assert lives.query("SELECT count(*) FROM dead") == [(0,)]


def test_letters_from_before_there_were_items_are_put_in_again(tmp_path: Path) -> None:
    """Their rows lack the column: they are records."""
    lives = rejected(tmp_path)
    with closing(apsw.Connection(str(tmp_path / "state" / "state.db"))) as database:
        for id, data in list(database.execute("SELECT id, frame FROM dead")):
            old = [frame.drop("@item") for frame in frames.load(data)]
            database.execute("UPDATE dead SET frame = ? WHERE id = ?", (frames.dump(old), id))
    mark(lives)
    lives(given(LINES, 20), raising())
    assert (lives.out, lives.letters()) == (without(*BAD) + joined(BAD), [])


def test_letters_that_are_rejected_again_are_new_ones(tmp_path: Path) -> None:
    """With the number of tries, and ids that nobody had."""
    lives = rejected(tmp_path)
    before = {letter["id"] for letter in lives.letters()}
    for tries in (1, 2):
        mark(lives)
        lives(given(LINES, 20), raising(*BAD))
        letters = lives.letters()
        assert [(letter["@offset"], letter["tries"]) for letter in letters] == [(at, tries) for at in (3, 30, 31)]
        assert not before & {letter["id"] for letter in letters}
        before |= {letter["id"] for letter in letters}
    assert lives.out == without(*BAD)


def test_some_letters_are_put_in_again(tmp_path: Path) -> None:
    """By id: the others keep theirs."""
    lives = rejected(tmp_path)
    ids = [letter["id"] for letter in lives.letters()]
    assert mark(lives, ids=[ids[1]]) == 1
    lives(given(LINES, 20), raising())
    assert lives.out == without(*BAD) + joined([BAD[1]])
    assert [letter["id"] for letter in lives.letters()] == [ids[0], ids[2]]


def test_a_kill_at_every_call_neither_loses_nor_doubles_a_letter(tmp_path: Path) -> None:
    """While they are put in again; the next run ends with each of them written once."""
    lives = rejected(tmp_path / "count")
    mark(lives)
    lives(given(LINES, 20), raising())
    points = lives.env.points
    assert points > 40
    for kill_at in range(1, points + 1, 3):
        lives = rejected(tmp_path / str(kill_at))
        mark(lives)
        env, agent = lives.agent(given(LINES, 20), raising())
        env.kill_at = kill_at
        with pytest.raises(Crash):
            asyncio_run(agent)
        lives.world.crash()
        counts = lives(given(LINES, 20), raising())
        assert (lives.out, lives.letters()) == (without(*BAD) + joined(BAD), []), kill_at
        assert counts["parsed", "retried"] == 3


def test_a_letter_that_ends_the_process_stays_and_the_others_go(tmp_path: Path) -> None:
    """They are tried one by one then; after two more deaths all but that one are written."""
    lives = rejected(tmp_path)
    mark(lives)
    deaths = 0
    while deaths < 10:
        env, agent = lives.agent(
            given(LINES, 20),
            Touchy(lambda record: die(env) if record == BAD[1] else None),  # noqa: B023 — used in this turn
        )
        try:
            asyncio_run(agent)
            break
        except Crash:
            deaths += 1
        finally:
            lives.world.crash()
    assert deaths == 2
    assert lives.out == without(*BAD) + joined([BAD[0], BAD[2]])
    assert [letter["@raw"].encode() for letter in lives.letters()] == [BAD[1]]
    assert any("ended the process when it was put in again" in said for said in lives.said)


def test_a_disk_without_space_blames_no_letter(tmp_path: Path) -> None:
    """The process did not end, whatever it was trying when a write failed: in its next life the letter is tried again."""
    for write in range(1, 16):
        lives = rejected(tmp_path / str(write))
        mark(lives, ids=[lives.letters()[0]["id"]])
        ends = iter((write, write))
        lives.session(lambda: given(LINES, 20), raising(), lambda env: soon_full(env, next(ends, None)))  # noqa: B023
        assert (lives.out, len(lives.letters())) == (without(*BAD) + joined(BAD[:1]), 2), write
        assert not any("ended the process" in said for said in lives.said)


def test_a_letter_on_which_a_plugin_ends_the_run_stays_and_the_next_run_goes_on(tmp_path: Path) -> None:
    """Else every run would end in the same way, and the letters could not even be removed. Those of other burials go."""
    lives = rejected(tmp_path)
    first, *burial = [letter["id"] for letter in lives.letters()]
    assert {id.split(".")[0] for id in burial} != {first.split(".")[0]}
    mark(lives)
    with pytest.raises(ConfigurationError, match="no key"):
        lives(given(LINES, 20), raising(BAD[1], error=lambda: ConfigurationError("no key")))
    assert any("ended the run when they were put in again" in said for said in lives.said)
    lives(given(LINES, 20), raising(BAD[1], error=lambda: ConfigurationError("no key")))
    assert (lives.out, [letter["@raw"].encode() for letter in lives.letters()]) == (
        without(*BAD) + joined(BAD[:1]),
        BAD[1:],
    )


def test_large_letters_are_put_in_again_a_burial_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory has what one commit has: each burial is in a commit of its own, and each letter arrives once."""
    commits = {}
    for name, enough in (("at-once", 1 << 20), ("apart", 1)):
        monkeypatch.setattr("pipeline.agent.retrying.ENOUGH", enough)
        lives = Lives(tmp_path / name)
        lives.folder.mkdir()
        for count in (20, 40, 60):
            lives(given(LINES[:count], 20), raising(LINES[3], LINES[30], LINES[50]))
        assert mark(lives) == 3
        _, agent = lives.agent(given(LINES, 20), raising())
        asyncio_run(agent)
        lives.world.crash()
        assert lives.out == without(LINES[3], LINES[30], LINES[50]) + joined([LINES[3], LINES[30], LINES[50]])
        assert lives.letters() == []
        commits[name] = agent.report.commits
    assert commits["apart"] == commits["at-once"] + 2


def test_settled_letters_must_be_there(tmp_path: Path) -> None:
    """What came of a letter is never committed twice."""
    rejected(tmp_path)
    with (
        pytest.raises(InternalError, match=r"the dead letter 1\.0 was put in again, and is not there any more"),
        desk(tmp_path / "state") as letters,
    ):
        letters.settle([(1, 0)])


PROGRAM = """
source log = generate(count: 1)
transform words = log | where(@offset > 0) | grok('^(?<w>a+|b+)')
transform long = words | where(int!(w) > 0)
sink first = words -> null()
sink other = log -> null()
sink last  = [long, words] -> null()
"""


def test_only_what_follows_the_stage_sees_a_letter_again() -> None:
    """The stages before it make it anew without effects; what does not arrive any more is counted with the stage."""
    loaded = load(Source("p.pipe", PROGRAM))
    assert loaded.graph is not None, loaded.diagnostics
    flow = Flow(loaded.graph, "host")
    records = [b"aa", b"filtered", b"--", b"bb"]
    batch = api.lines(records, pl.Series([1, 0, 2, 3]), partition="p", start=None, end=4)
    stamped = condemn(flow, "log", batch, 0, "a test").dead[0][1]
    counts = dict(alone(again(flow, "long", "log", stamped)).counts)
    assert {key: rows for key, rows in counts.items() if rows} == {
        ("long", "retried"): 4,
        ("long", "in"): 4,
        ("long", "filtered"): 1,
        ("long", "rejected"): 3,
    }
    whole = alone(again(flow, "log", "log", stamped)).counts
    assert (whole["other", "in"], whole["first", "in"], whole["log", "in"]) == (4, 2, 4)
    middle = alone(again(flow, "words", "log", stamped)).counts
    assert (middle["other", "in"], middle["words", "in"], middle["first", "in"], middle["last", "in"]) == (0, 4, 2, 2)
    assert closed(flow, "gone", "log", stamped) == "the stage is not in the program any more"
    assert closed(flow, "first", "elsewhere", stamped) == "the source does not feed the stage"
    assert closed(flow, "words", "words", stamped) == "the source does not feed the stage"
    assert closed(flow, "first", "log", stamped) == ""


WAYS = """
source log = generate(count: 1)
transform one = log | where(@offset < 2)
transform two = log | where(@offset < 9)
transform both = [one, two] | grok('^(?<w>[ab]+)')
sink last  = both -> null()
%s
"""


@pytest.mark.parametrize("read", [False, True])
def test_each_letter_of_a_record_that_comes_on_several_ways_arrives_once(*, read: bool) -> None:
    """Two rows of one record are two letters; where one of them is put in again, the other way is not taken. What comes on no way
    is rejected or filtered, and whoever reads the rejected ones gets as many as are counted."""
    loaded = load(Source("p.pipe", WAYS % ("sink no = both.rejected -> null()" if read else "")))
    assert loaded.graph is not None, loaded.diagnostics
    flow = Flow(loaded.graph, "host")
    batch = api.lines([b"aa", b"--", b"cc", b"bb"], pl.Series([0, 1, 10, 4]), partition="p", start=None, end=4)
    rows = condemn(flow, "log", batch, 0, "a test").dead[0][1]

    def counts(letters: pl.DataFrame) -> tuple[int, ...]:
        found = alone(again(flow, "both", "log", letters))
        assert len([row for _, frame in found.dead for row in frame.rows()]) == (
            0 if read else found.counts["both", "rejected"]
        )
        assert found.counts["no", "in"] == (found.counts["both", "rejected"] if read else 0)
        kinds = ("retried", "in", "out", "rejected", "filtered")
        return tuple(found.counts["both", kind] for kind in kinds)

    assert counts(pl.concat([rows, rows])) == (8, 8, 3, 2, 3)
    assert counts(rows) == (4, 4, 2, 1, 1)
    assert counts(rows[[3, 3]]) == (2, 2, 1, 0, 1)


APART = """
source log = generate(count: 1)
transform one = log | set { way = [1] }
transform two = log | set { way = [int!(substring(string(@raw), 0, 1)) ?? 1] }
transform both = [one, two] | grok('^(?<w>[ab0-9]+)')
sink last  = both -> null()
"""


def test_a_letter_that_may_be_either_of_two_rows_stays_where_it_is() -> None:
    """One of them was given on, and nobody can say which. Where they are the same, or both were rejected, each arrives once."""
    loaded = load(Source("p.pipe", APART))
    assert loaded.graph is not None, loaded.diagnostics
    flow = Flow(loaded.graph, "host")
    batch = api.lines([b"2a", b"1a", b"2b"], pl.Series([0, 1, 4]), partition="p", start=None, end=4)
    rows = condemn(flow, "log", batch, 0, "a test").dead[0][1]
    found = alone(again(flow, "both", "log", rows[[0, 1, 2, 2]]))
    assert found.unclear == [True, False, False, False]
    assert {kind: found.counts["both", kind] for kind in ("retried", "in", "out")} == {"retried": 3, "in": 3, "out": 3}


def test_letters_that_are_rejected_on_their_way_go_where_rejected_ones_of_their_stage_go() -> None:
    """To a sink that reads them by now, counted once."""
    loaded = load(Source("p.pipe", PROGRAM + "sink no = long.rejected -> null()\n"))
    assert loaded.graph is not None, loaded.diagnostics
    flow = Flow(loaded.graph, "host")
    batch = api.lines([b"--", b"aa"], pl.Series([1, 2]), partition="p", start=None, end=4)
    found = alone(again(flow, "long", "log", condemn(flow, "log", batch, 0, "a test").dead[0][1]))
    assert (found.counts["long", "rejected"], found.counts["no", "in"], found.dead) == (2, 2, [])
