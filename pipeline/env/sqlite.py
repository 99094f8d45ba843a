"""SQLite as the store needs it: one exclusive connection, WAL, every commit an fsync."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import apsw

from pipeline.env import FULL, Value
from pipeline.errors import BrokenDiskError, InternalError, StateError

PRAGMAS = (
    "PRAGMA locking_mode=EXCLUSIVE",
    # EXTRA is FULL for a write-ahead log. But a new database begins with a rollback journal, and one whose removal is not durable
    # would undo all that came later.
    "PRAGMA synchronous=EXTRA",
    "PRAGMA journal_mode=WAL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA trusted_schema=OFF",
    "PRAGMA cell_size_check=ON",
    "PRAGMA cache_size=-8000",
    "PRAGMA wal_autocheckpoint=2000",
)


_DISK = FULL | {errno.EROFS}
"""What the operating system says of a disk that cannot be written now; SQLite has no code of its own for most of it."""


class SqliteDatabase:
    """`pipeline.env.Database` over APSW. Use from one thread at a time."""

    def __init__(self, path: Path, *, vfs: str | None = None) -> None:
        self._path = path
        with self._errors():
            self._connection = apsw.Connection(str(path), vfs=vfs)
            try:
                for pragma in PRAGMAS:
                    self._connection.execute(pragma).fetchall()
            except apsw.Error:
                self._connection.close()
                raise

    def rows(self, sql: str, values: Sequence[Value] = ()) -> list[tuple[Value, ...]]:
        with self._errors():
            return list(self._connection.execute(sql, tuple(values)))

    def many(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        with self._errors():
            self._connection.executemany(sql, [tuple(row) for row in rows])

    def changes(self) -> int:
        return self._connection.changes()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.rows("BEGIN IMMEDIATE")
        try:
            yield
            self.rows("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                with suppress(apsw.Error):  # the cause is on its way; a transaction that stays open is never committed
                    self._connection.execute("ROLLBACK")
            raise

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """SQLite's errors as ours: what the rest of the engine must tell apart is full, broken, busy and corrupt."""
        try:
            yield
        except apsw.FullError as error:
            raise OSError(errno.ENOSPC, "no space left for the state database", str(self._path)) from error
        except apsw.IOError as error:
            if getattr(error, "extendedresult", 0) in (apsw.SQLITE_IOERR_FSYNC, apsw.SQLITE_IOERR_DIR_FSYNC):
                with suppress(apsw.ConnectionClosedError):
                    # Closing would sync once more, and believe what the disk says then.
                    self._connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
                raise BrokenDiskError(
                    f"{self._path}: the disk refused to make written data durable", "Check the disk and the kernel log."
                ) from error
            self._check_disk(error)
            raise OSError(errno.EIO, f"cannot read or write the state database: {error}", str(self._path)) from error
        except apsw.BusyError as error:
            raise StateError(
                f"{self._path} is in use by another process", "Stop the other pipe, or give this one its own --state."
            ) from error
        except (apsw.CorruptError, apsw.NotADBError, apsw.FormatError) as error:
            raise StateError(
                f"{self._path} is not a readable state database: {error}",
                "Move the state directory away to start anew, or restore it from a copy.",
            ) from error
        except (apsw.CantOpenError, apsw.ReadOnlyError, apsw.PermissionsError, apsw.AuthError) as error:
            self._check_disk(error)
            raise StateError(
                f"{self._path} cannot be opened for writing: {error}", "Check its owner and permissions."
            ) from error
        except apsw.Error as error:
            raise InternalError(f"{self._path}: {error}", "Nothing that was committed is lost.") from error

    def _check_disk(self, error: apsw.Error) -> None:
        """Raise what the operating system said, where that is about the disk as a whole."""
        number = 0
        with suppress(AttributeError, apsw.ConnectionClosedError):  # it may have failed while it was being opened
            number = self._connection.system_errno
        if number in _DISK:
            raise OSError(number, os.strerror(number), str(self._path)) from error
