"""The store: one owner, one transaction, compare and set."""

from __future__ import annotations

import errno
import sqlite3
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from pipeline.agent.answers import answer
from pipeline.agent.planning import Identity, plan
from pipeline.api import Layout, Roll, Span, Template
from pipeline.columns.frames import dump
from pipeline.env.real import RealEnv
from pipeline.errors import InternalError, StateError
from pipeline.plan.asking import alone
from pipeline.plan.effects import Effects
from pipeline.plan.flow import Flow
from pipeline.plan.graph import Graph
from pipeline.store import Advance, Buried, Changes, Grown, Letters, Piece, Released, Sent, Store, Wanted
from pipeline.store import letters as letters_module

PLAIN = Layout(path=Template(("x",), "x"), in_place=True)


@pytest.fixture
def env():
    made = RealEnv()
    yield made
    made.close()


def opened(env: RealEnv, folder: Path, program: str = "a.pipe", layouts: dict[str, Layout] | None = None) -> Store:
    store = Store.open(env, folder / "state", program=program, base=folder)
    store.arrange(layouts or {"s": PLAIN}, {"w": "f1"})
    return store


def piece(path: str, data: bytes, end: int, start: int | None = None) -> Changes:
    return Changes(
        advances=[Advance("src", "p", start, end)],
        pieces=[Piece("s", path, data, data.count(b"\n"), {"p": (start, end)})],
    )


def test_a_second_process_is_refused(env: RealEnv, tmp_path: Path) -> None:
    """The lock is held for life and the message says what to do."""
    store = opened(env, tmp_path)
    with pytest.raises(StateError, match="is in use by another pipe"):
        opened(env, tmp_path)
    store.close()
    opened(env, tmp_path).close()


def test_another_program_is_refused(env: RealEnv, tmp_path: Path) -> None:
    """A state remembers its program's path."""
    opened(env, tmp_path).close()
    with pytest.raises(StateError, match=r"belongs to another program: a\.pipe"):
        opened(env, tmp_path, "b.pipe")


def test_a_state_of_another_version_is_refused(env: RealEnv, tmp_path: Path) -> None:
    """Also one that lacks tables which this version has: it is not damaged."""
    opened(env, tmp_path).close()
    with sqlite3.connect(tmp_path / "state" / "state.db") as database:
        database.execute("UPDATE meta SET value = 2 WHERE name = 'version'")
        database.execute("DROP TABLE fold")
    database.close()
    with pytest.raises(StateError, match=r"was written by another version of pipe \(format 2, this one reads 4\)"):
        opened(env, tmp_path)


def test_a_file_that_is_no_database_is_refused(env: RealEnv, tmp_path: Path) -> None:
    """Nothing is overwritten."""
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "state.db").write_bytes(b"not a database at all, but long enough to look at" * 50)
    with pytest.raises(StateError, match="is not a readable state database"):
        opened(env, tmp_path)
    assert (tmp_path / "state" / "state.db").read_bytes().startswith(b"not a database")


def test_what_made_a_store_unusable_is_raised_to_whoever_comes_next(env: RealEnv, tmp_path: Path) -> None:
    """The one who met it may not be the one who ends the run; a full disk is a full disk to both."""
    store = opened(env, tmp_path)

    def full(_: Letters) -> None:
        raise OSError(errno.ENOSPC, "no space")

    for work in (lambda: store.amend(full), lambda: store.commit(Changes())):
        with pytest.raises(OSError, match="no space"):
            work()
    store.close()


def test_a_batch_applies_only_where_the_one_before_it_ended(env: RealEnv, tmp_path: Path) -> None:
    """Compare and set on the position; a failed commit leaves nothing behind and the store unusable."""
    store = opened(env, tmp_path)
    store.commit(piece("out", b"one\n", 4))
    with pytest.raises(InternalError, match="committed up to 4, a batch starts at null"):
        store.commit(piece("out", b"one\n", 4))
    with pytest.raises(InternalError, match="must be opened anew"):
        store.commit(Changes())
    store.close()
    again = opened(env, tmp_path)
    assert again.progress == {"src": {"p": 4}}
    assert (tmp_path / "out").read_bytes() == b"one\n"
    again.close()


def test_an_older_life_cannot_commit(env: RealEnv, tmp_path: Path) -> None:
    """The epoch fences a process whose lock was taken from it."""
    store = opened(env, tmp_path)
    with store._database.transaction():
        store._database.rows("UPDATE meta SET value = value + 1 WHERE name = 'epoch'")
    with pytest.raises(StateError, match="another process took over"):
        store.commit(piece("out", b"one\n", 4))
    store.close()


def test_bytes_that_were_there_before_stay(env: RealEnv, tmp_path: Path) -> None:
    """A local file is appended to, and cut back to what was committed, never to less than it had."""
    (tmp_path / "out").write_bytes(b"older\n")
    store = opened(env, tmp_path)
    store.commit(piece("out", b"one\n", 4))
    store.close()
    with (tmp_path / "out").open("ab") as file:
        file.write(b"torn")
    opened(env, tmp_path).close()
    assert (tmp_path / "out").read_bytes() == b"older\none\n"


def test_a_file_that_was_cut_by_somebody_else_is_reported(env: RealEnv, tmp_path: Path) -> None:
    """The start goes on at its end and says how much is missing."""
    store = opened(env, tmp_path)
    store.commit(piece("out", b"one\ntwo\n", 8))
    store.close()
    (tmp_path / "out").write_bytes(b"on")
    again = opened(env, tmp_path)
    assert [(shortage.path, shortage.missing) for shortage in again.shortages] == [(tmp_path / "out", 6)]
    again.commit(piece("out", b"three\n", 14, 8))
    again.close()
    assert (tmp_path / "out").read_bytes() == b"onthree\n"


def test_a_file_that_was_moved_away_is_made_anew(env: RealEnv, tmp_path: Path) -> None:
    """What was moved keeps its bytes; later ones go to a new file of the old name."""
    store = opened(env, tmp_path)
    store.commit(piece("out", b"one\n", 4))
    (tmp_path / "out").rename(tmp_path / "taken")
    store.commit(piece("out", b"two\n", 8, 4))
    store.close()
    opened(env, tmp_path).close()
    assert (tmp_path / "taken").read_bytes() == b"one\n"
    assert (tmp_path / "out").read_bytes() == b"two\n"


def test_rolled_files_are_numbered_and_taken_numbers_are_left_alone(env: RealEnv, tmp_path: Path) -> None:
    """`stem-000001.ext`; a file of an earlier life is never written into."""
    (tmp_path / "facts-000002.ndjson").write_bytes(b"not ours\n")
    store = opened(env, tmp_path, layouts={"s": Layout(path=PLAIN.path, in_place=True, roll=Roll(size=4))})
    store.commit(piece("facts.ndjson", b"one\n", 4))
    store.commit(piece("facts.ndjson", b"two\n", 8, 4))
    store.close()
    found = {path.name: path.read_bytes() for path in tmp_path.glob("*.ndjson")}
    assert found == {
        "facts-000001.ndjson": b"one\n",
        "facts-000002.ndjson": b"not ours\n",
        "facts-000003.ndjson": b"two\n",
    }


def test_a_remote_segment_waits_under_a_name_that_is_a_function_of_its_bytes(env: RealEnv, tmp_path: Path) -> None:
    """Sealed segments survive a restart, in order, until they are acknowledged."""
    remote = Layout(path=PLAIN.path, roll=Roll(age=0), extension=".ndjson")
    store = opened(env, tmp_path, layouts={"s": remote})
    store.commit(piece("logs/", b"one\n", 4))
    store.commit(piece("logs/", b"two\n", 8, 4))
    store.close()
    again = opened(env, tmp_path, layouts={"s": remote})
    first, second = again.outbox.sealed("s")
    assert (again.outbox.tail(first.id), again.outbox.tail(second.id)) == (b"one\n", b"two\n")
    prefix = f"logs/{again.instance[:8]}-s-00000"
    sha = "2c8b08da5ce60398e1f19af0e5dccc744df274b826abe585eaba68c525434806"
    assert (first.sha256, first.name) == (sha, f"{prefix}1-{sha[:12]}.ndjson")
    again.acknowledge([first])
    assert [sealed.name for sealed in again.outbox.sealed()] == [second.name]
    assert again.contents.waiting() == {"s": 4}
    again.close()


def test_a_window_that_was_let_go_never_has_a_part_twice(env: RealEnv, tmp_path: Path) -> None:
    """However long ago: a line of 1970 makes its window anew each time, and each is a part of its own."""
    hour, now = 3_600_000_000, 1_790_000_000_000_000
    store = opened(env, tmp_path)
    for number, mark in enumerate((now, now + 2 * hour, now + 1000 * hour, now + 1002 * hour, now + 5000 * hour)):
        assert store.windows.part("w", 0) == number
        store.commit(Changes(grown=[Grown("w", 0, number, b"x")]))
        store.commit(Changes(sent=[Sent("w", 0, number, 1, mark)], released=[Released("w", 0, number)]))
        store.commit(Changes(watermarks={"w": mark + 1}))
    assert store.windows.part("w", now + 5000 * hour) == 0
    store.close()
    other = Store.open(env, tmp_path / "state", program="a.pipe", base=tmp_path)
    other.arrange({"s": PLAIN}, {})
    other.arrange({"s": PLAIN}, {"w": "f2"})
    assert other.windows.part("w", 0) == 5
    assert other.windows.part("w", now + 5000 * hour) == 0
    other.close()


def test_windows_that_mean_something_else_now_start_anew(env: RealEnv, tmp_path: Path) -> None:
    """State is kept under the window's fingerprint."""
    store = opened(env, tmp_path)
    store.commit(Changes(grown=[Grown("w", 0, 0, b"state")], high={("w", "p"): 7}, watermarks={"w": 5}))
    store.close()
    same = opened(env, tmp_path)
    assert (same.windows.deltas("w", 0, 0), same.windows.high, same.windows.watermarks) == (
        [b"state"],
        {"w": {"p": 7}},
        {"w": 5},
    )
    same.arrange({"s": PLAIN}, {"w": "f2"})
    assert (same.windows.deltas("w", 0, 0), same.windows.held, same.windows.high) == ([], {}, {})
    same.close()


def test_a_window_that_was_let_go_goes_on_as_the_next_part(env: RealEnv, tmp_path: Path) -> None:
    """Its events are never merged into a state that is gone."""
    store = opened(env, tmp_path)
    store.commit(Changes(grown=[Grown("w", 10, 0, b"a")], sent=[Sent("w", 10, 0, 1, 30)]))
    assert store.windows.part("w", 10) == 0
    store.commit(Changes(released=[Released("w", 10, 0)]))
    store.close()
    again = opened(env, tmp_path)
    assert (again.windows.part("w", 10), again.windows.deltas("w", 10, 0)) == (1, [])
    again.close()


def test_a_window_that_is_let_go_when_it_is_sent_leaves_no_state(env: RealEnv, tmp_path: Path) -> None:
    """In one commit: its deltas are gone, and it is remembered as sent."""
    store = opened(env, tmp_path)
    store.commit(Changes(grown=[Grown("w", 10, 0, b"a")]))
    store.commit(Changes(sent=[Sent("w", 10, 0, 1, 30)], released=[Released("w", 10, 0)]))
    assert (store.windows.held["w"], store.windows.deltas("w", 10, 0), store.windows.part("w", 10)) == ({}, [], 1)
    assert store._database.rows("SELECT revision, closed, kept FROM window") == [(1, 30, 0)]
    store.close()


def test_a_forgotten_partition_leaves_no_trace(env: RealEnv, tmp_path: Path) -> None:
    """Its progress and its event time are gone; others stay."""
    store = opened(env, tmp_path)
    store.commit(
        Changes(
            advances=[Advance("src", "p", None, 1), Advance("src", "q", None, 2)], high={("w", "p"): 7, ("w", "q"): 8}
        )
    )
    store.commit(Changes(forgotten=[("src", "p")]))
    store.close()
    again = opened(env, tmp_path)
    assert (again.progress, again.windows.high) == ({"src": {"q": 2}}, {"w": {"q": 8}})
    again.close()


def test_counts_add_up_and_dead_letters_are_bounded(
    env: RealEnv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest dead letters stay; their counts stay for ever."""
    frame = dump([pl.DataFrame({"a": [1]})])
    monkeypatch.setattr(letters_module, "DEAD_BYTES", 2 * len(frame))
    store = opened(env, tmp_path)
    for _ in range(3):
        store.commit(Changes(counts=Counter({("t", "rejected"): 2}), buried=[Buried("t", 2, frame)]))
    assert store.contents.ledger() == {("t", "rejected"): 6, ("t", "expired"): 2}
    found = [(burial.id, burial.stage, burial.rows) for burial in store.contents.dead.newest(100, Wanted())]
    assert found == [(3, "t", 2), (2, "t", 2)]
    store.close()


@pytest.mark.parametrize(
    ("stage", "limit", "burials"),
    [
        (None, 1, [1201]),
        (None, 5, [1201, 1200, 1199]),
        ("quiet", 1, [2]),
        ("quiet", 2, [2]),
        ("quiet", 3, [2, 1]),
        ("quiet", 100, [2, 1]),
        ("other", 100, []),
    ],
)
def test_dead_letters_of_a_quiet_stage_are_found(
    env: RealEnv, tmp_path: Path, stage: str | None, limit: int, burials: list[int]
) -> None:
    """However many another stage has buried since; no more burials are read than have the rows that are asked for."""
    store = opened(env, tmp_path)
    frame = dump([pl.DataFrame({"a": [1, 2]})])
    store.commit(Changes(buried=[Buried("quiet", 2, frame)] * 2 + [Buried("noisy", 2, frame)] * 1199))
    assert [burial.id for burial in store.contents.dead.newest(limit, Wanted(stage=stage))] == burials
    asked = {"ask": "dlq", "limit": limit, **({"stage": stage} if stage else {})}
    letters = answer(store.contents, asked)["letters"]
    assert isinstance(letters, list)
    assert [letter["stage"] for letter in letters] == [stage or "noisy"] * min(limit, 2 * len(burials))
    store.close()


def test_another_file_under_the_name_is_not_cut(env: RealEnv, tmp_path: Path) -> None:
    """Moved away and replaced while nobody ran: the new file keeps its bytes and is appended to."""
    store = opened(env, tmp_path)
    store.commit(piece("out", b"one\n", 4))
    store.close()
    (tmp_path / "out").rename(tmp_path / "taken")
    (tmp_path / "out").write_bytes(b"somebody else's bytes\n")
    again = opened(env, tmp_path)
    again.commit(piece("out", b"two\n", 8, 4))
    again.close()
    opened(env, tmp_path).close()
    assert (tmp_path / "out").read_bytes() == b"somebody else's bytes\ntwo\n"
    assert (tmp_path / "taken").read_bytes() == b"one\n"


def test_a_gap_between_batches_of_one_commit_is_refused(env: RealEnv, tmp_path: Path) -> None:
    """An input that skips bytes is found out before anything is written."""
    effects = [
        Effects(source="src", span={"p": Span(None, 4)}),
        Effects(source="src", span={"p": Span(5, 9)}),
    ]
    store = opened(env, tmp_path)
    flow = Flow(Graph("a.pipe", {}, frozenset()), "host")
    with pytest.raises(InternalError, match="partition p was read up to 4, the next batch starts at 5"):
        alone(plan(flow, store.windows, effects, {}, Identity("a.pipe", "i", "host"), 0))
    store.close()
