"""Segments: how many files are open at once, where they lie, and what is kept of them."""

from __future__ import annotations

import errno
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard

from pipeline.api import Layout, Roll, Template
from pipeline.env import AppendFile, Stat, real
from pipeline.env.real import RealEnv, RealFiles
from pipeline.errors import ConfigurationError, StateError
from pipeline.store import Advance, Changes, Piece, Store, frames
from pipeline.store.segment import layout_of

TEMPLATE = Template(("x",), "x")
DIRECT = Layout(path=TEMPLATE, in_place=True)
FRAMED = Layout(path=TEMPLATE, in_place=True, compression="zstd", extension=".log")
REMOTE = Layout(path=TEMPLATE, extension=".log")
WHOLE = Layout(path=TEMPLATE, in_place=True, whole=True, roll=Roll(size=1 << 20), extension=".csv")


class Scarce(RealFiles):
    """An operating system that lets few files be open for appending."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.open = 0

    def append(self, path: Path) -> AppendFile:
        if self.open == self.most:
            raise OSError(errno.EMFILE, "Too many open files", str(path))
        return Counted(self, super().append(path))


class Counted:
    def __init__(self, files: Scarce, file: AppendFile) -> None:
        self._files, self._file = files, file
        files.open += 1

    def append(self, data: bytes) -> None:
        self._file.append(data)

    def sync(self) -> None:
        self._file.sync()

    def truncate(self, size: int) -> None:
        self._file.truncate(size)

    def stat(self) -> Stat:
        return self._file.stat()

    def close(self) -> None:
        self._files.open -= 1
        self._file.close()


@pytest.fixture
def env() -> Iterator[RealEnv]:
    made = RealEnv()
    yield made
    made.close()


def opened(env: RealEnv, folder: Path, **layouts: Layout) -> Store:
    store = Store.open(env, folder / "state", program="a.pipe", base=folder)
    store.arrange(layouts, {})
    return store


def pieces(at: int, *written: tuple[str, str, bytes], seal: str = "") -> Changes:
    """(sink, path, bytes) of the `at`-th commit."""
    return Changes(
        advances=[Advance("src", "p", at or None, at + 1)],
        pieces=[Piece(sink, path, data, 1, {"p": (at or None, at + 1)}) for sink, path, data in written],
        seal=seal,  # type: ignore[arg-type]  # one of the literals
    )


@pytest.mark.parametrize("layout", [DIRECT, FRAMED], ids=["direct", "framed"])
def test_a_commit_needs_few_handles_however_many_paths_it_has(
    env: RealEnv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: Layout
) -> None:
    """Fewer than the engine would like to keep: what is open is closed, and every path has its bytes."""
    monkeypatch.setattr(frames, "FRAME", 4)
    env.files = Scarce(3)
    store = opened(env, tmp_path, s=layout)
    for at in range(3):
        store.commit(pieces(at, *(("s", f"out/{path}", b"%d %d\n" % (path, at)) for path in range(20))))
    store.close()
    store = opened(env, tmp_path, s=layout)
    store.commit(pieces(3, *(("s", f"out/{path}", b"%d 3\n" % path) for path in range(20)), seal="all"))
    store.close()
    for path in range(20):
        written = (tmp_path / "out" / f"{path}").read_bytes()
        if layout is FRAMED:
            written = zstandard.ZstdDecompressor().stream_reader(written, read_across_frames=True).read()
        assert written == b"".join(b"%d %d\n" % (path, at) for at in range(4))


def test_a_file_that_no_handle_can_be_spared_for_is_said(env: RealEnv, tmp_path: Path) -> None:
    """With none of its own left to close, the store raises what the operating system said."""
    env.files = Scarce(0)
    store = opened(env, tmp_path, s=DIRECT)
    with pytest.raises(OSError, match="Too many open files"):
        store.commit(pieces(0, ("s", "out", b"one\n")))
    store.close()


def test_the_hash_of_a_segment_is_that_of_its_bytes_over_several_processes(
    env: RealEnv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether a body was begun by this process or by one before it."""
    monkeypatch.setattr(frames, "FRAME", 4)
    store = opened(env, tmp_path, s=REMOTE)
    store.commit(pieces(0, ("s", "a", b"one\n"), ("s", "b", b"1\n")))
    store.commit(pieces(1, ("s", "a", b"two\n")))
    store.close()
    store = opened(env, tmp_path, s=REMOTE)
    store.commit(pieces(2, ("s", "a", b"three\n"), seal="all"))
    a, b = store.outbox.sealed("s")
    assert a.sha256 == hashlib.sha256(b"one\ntwo\nthree\n").hexdigest()
    assert b.sha256 == hashlib.sha256(b"1\n").hexdigest()
    assert a.body is not None
    assert a.body.read_bytes() == b"one\ntwo\nthree\n"
    store.close()


def test_frames_are_remembered_only_for_files_that_end_in_a_table(
    env: RealEnv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A numbered zstd file has a seek table of all its frames at the end; nothing is kept for others."""
    monkeypatch.setattr(frames, "FRAME", 4)
    rolled = Layout(path=TEMPLATE, in_place=True, compression="zstd", roll=Roll(size=1 << 20), extension=".log")
    packed = Layout(path=TEMPLATE, in_place=True, compression="gzip", roll=Roll(size=1 << 20), extension=".log")
    store = opened(env, tmp_path, rolled=rolled, appended=FRAMED, packed=packed, remote=REMOTE)
    for at in range(2):
        store.commit(pieces(at, *((sink, sink, b"line\n") for sink in ("rolled", "appended", "packed", "remote"))))
    kept = "SELECT DISTINCT sink, count(*) FROM frame JOIN segment ON segment.id = frame.segment GROUP BY sink"
    assert store._database.rows(kept) == [("rolled", 2)]
    store.commit(pieces(2, seal="all"))
    store.close()
    table = (tmp_path / "rolled-000001").read_bytes()[-9:]
    assert table == (2).to_bytes(4, "little") + b"\0" + (0x8F92EAB1).to_bytes(4, "little")
    assert not (tmp_path / "appended").read_bytes().endswith(table[4:])


def test_two_sinks_never_complete_the_same_file(env: RealEnv, tmp_path: Path) -> None:
    """An open file of another sink is refused, and a number whose file is still to be completed is taken."""
    store = opened(env, tmp_path, first=WHOLE)
    store.commit(pieces(0, ("first", "out.csv", b"one\n"), seal="all"))
    store.close()
    store = opened(env, tmp_path, first=WHOLE, second=WHOLE)
    store.commit(pieces(1, ("second", "out.csv", b"two\n")))
    with pytest.raises(ConfigurationError, match=r"sinks second and first write the same file: .*/out-000002\.csv"):
        store.commit(pieces(2, ("first", "out.csv", b"three\n")))
    store.close()
    store = opened(env, tmp_path, second=WHOLE)
    store.commit(pieces(2, seal="all"))
    places = [(sealed.sink, sealed.place.name) for sealed in store.outbox.sealed()]
    assert places == [("first", "out-000001.csv"), ("second", "out-000002.csv")]
    store.close()


@pytest.mark.parametrize("stored", ["", "{", "[]", "{}", '{"roll": 1}', '{"roll": {}, "paht": null}'])
def test_a_layout_that_is_none_is_a_damaged_state(stored: str) -> None:
    """73, with what stands there."""
    with pytest.raises(StateError, match=re.escape(f"the state has {stored!r} where the layout of an output belongs")):
        layout_of(stored)


def test_the_name_of_a_file_is_durable_after_the_try_that_succeeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A try that made the file but had no handle left to sync its folder does not count."""
    synced: list[Path] = []

    def sync(folder: Path) -> None:
        synced.append(folder)
        if len(synced) == 1:
            raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(real, "_sync_folder", sync)
    with pytest.raises(OSError, match="Too many open files"):
        RealFiles().append(tmp_path / "out")
    RealFiles().append(tmp_path / "out").close()
    assert synced == [tmp_path, tmp_path]
