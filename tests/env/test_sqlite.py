"""The database on a disk that fails."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from pipeline.env.sqlite import SqliteDatabase
from pipeline.errors import BrokenDiskError


class Disk(apsw.VFS):
    """SQLite's view of a disk: `syncs` counts those after the one that `fails`; writes give the error `number`."""

    def __init__(self) -> None:
        self.fails = False
        self.number = 0
        self.syncs = 0
        super().__init__("failing", "")

    def xOpen(self, name: Any, flags: list[int]) -> File:  # noqa: N802 — APSW's name
        return File(self, name, flags)

    def xGetLastError(self) -> tuple[int, str]:  # noqa: N802 — the same
        return self.number, "failed"


class File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        self.disk = disk
        super().__init__("", name, flags)

    def xSync(self, flags: int) -> None:  # noqa: N802 — the same
        self.disk.syncs += 1
        if self.disk.fails:
            self.disk.fails, self.disk.syncs = False, 0
            error = apsw.IOError("failed")
            error.extendedresult = apsw.SQLITE_IOERR_FSYNC
            raise error
        super().xSync(flags)

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802 — the same
        if self.disk.number:
            raise apsw.IOError("failed")
        super().xWrite(data, offset)


@pytest.fixture
def disk() -> Iterator[Disk]:
    made = Disk()
    yield made
    made.unregister()


def commit(database: SqliteDatabase) -> None:
    with database.transaction():
        database.rows("CREATE TABLE IF NOT EXISTS t (x)")
        database.rows("INSERT INTO t VALUES (1)")


def test_a_sync_that_failed_is_not_tried_again(disk: Disk, tmp_path: Path) -> None:
    """Not by closing either."""
    database = SqliteDatabase(tmp_path / "a.db", vfs="failing")
    commit(database)
    disk.fails = True
    with pytest.raises(BrokenDiskError):
        commit(database)
    database.close()
    assert disk.syncs == 0


@pytest.mark.parametrize("number", [errno.EROFS, errno.EDQUOT])
def test_a_disk_that_takes_nothing_is_told_from_a_broken_one(disk: Disk, tmp_path: Path, number: int) -> None:
    """SQLite has one code for all errors of writing; what the operating system said is what counts."""
    database = SqliteDatabase(tmp_path / "a.db", vfs="failing")
    commit(database)
    disk.number = number
    with pytest.raises(OSError) as raised:
        commit(database)
    disk.number = 0
    assert raised.value.errno == number
    database.close()
