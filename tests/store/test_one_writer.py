"""One writer: of a state, and of a local file; what is there when copies of a state are about."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.api import Layout, Template
from pipeline.env.real import RealEnv
from pipeline.errors import StateError
from pipeline.store import Advance, Changes, Piece, Store

PLAIN = Layout(path=Template(("x",), "x"), in_place=True)

Open = Callable[..., Store]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Opens the state of a name; all are closed at the end."""
    env = RealEnv()
    stores: list[Store] = []

    def open_(name: str = "state") -> Store:
        store = Store.open(env, tmp_path / name, program="a.pipe", base=tmp_path)
        stores.append(store)
        store.arrange({"s": PLAIN}, {})
        return store

    yield open_
    for store in stores:
        store.close()
    env.close()


def piece(data: bytes, start: int | None, end: int) -> Changes:
    return Changes(
        advances=[Advance("src", "p", start, end)],
        pieces=[Piece("s", "out", data, data.count(b"\n"), {"p": (start, end)})],
    )


def copy(folder: Path, to: Path) -> None:
    """In another process: this one would lose its locks by closing the files."""
    subprocess.run(["cp", "-r", folder, to], check=True)


def test_a_lock_that_somebody_removed_lets_nobody_in(opened: Open, tmp_path: Path) -> None:
    """The database is held, too."""
    store = opened()
    (tmp_path / "state" / "lock").unlink()
    with pytest.raises(StateError, match=r"state\.db is in use by another process"):
        opened()
    store.commit(piece(b"one\n", None, 4))
    assert (tmp_path / "out").read_bytes() == b"one\n"


@pytest.mark.parametrize("replaced", [True, False], ids=["replaced", "removed"])
def test_a_state_that_is_gone_is_noticed_before_anything_is_written(
    opened: Open, tmp_path: Path, *, replaced: bool
) -> None:
    """What would be committed would be nowhere: the files stay as the last commit left them."""
    store = opened()
    store.commit(piece(b"one\n", None, 4))
    (tmp_path / "state").rename(tmp_path / "away")
    if replaced:
        copy(tmp_path / "away", tmp_path / "state")
    with pytest.raises(StateError, match="was removed or replaced while it was used"):
        store.commit(piece(b"two\n", 4, 8))
    assert (tmp_path / "out").read_bytes() == b"one\n"


def test_a_copy_cannot_write_the_file_that_the_original_writes(opened: Open, tmp_path: Path) -> None:
    """Neither append to it nor cut it back; the original is not disturbed."""
    store = opened()
    store.commit(piece(b"one\n", None, 4))
    for name in ("copy", "another"):
        copy(tmp_path / "state", tmp_path / name)
    with pytest.raises(StateError, match=f"another process writes {tmp_path}/out"):
        opened("copy").commit(piece(b"two\n", 4, 8))
    store.commit(piece(b"two\n", 4, 8))
    with pytest.raises(StateError, match=f"another process writes {tmp_path}/out"):
        opened("another")
    store.commit(piece(b"three\n", 8, 14))
    assert (tmp_path / "out").read_bytes() == b"one\ntwo\nthree\n"


def test_a_file_that_is_ahead_of_its_state_is_cut_back_and_written_again(opened: Open, tmp_path: Path) -> None:
    """A state from an older copy: the file is what the state says, so what came after must still be in the source."""
    store = opened()
    store.commit(piece(b"one\n", None, 4))
    store.close()
    copy(tmp_path / "state", tmp_path / "copy")
    store = opened()
    store.commit(piece(b"two\n", 4, 8))
    store.close()
    old = opened("copy")
    assert old.progress == {"src": {"p": 4}}
    assert (tmp_path / "out").read_bytes() == b"one\n"
    old.commit(piece(b"two\n", 4, 8))
    assert (tmp_path / "out").read_bytes() == b"one\ntwo\n"


def test_an_epoch_rises_above_one_that_was_heard_of(opened: Open) -> None:
    """Durably, and the store goes on; a lower one than ours raises it, too."""
    store = opened()
    store.rise(7)
    assert store.epoch == 8
    store.commit(piece(b"one\n", None, 4))
    store.rise(3)
    assert store.writer.epoch == 9
    store.close()
    assert opened().epoch == 10
