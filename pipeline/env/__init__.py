"""The world, as the engine may touch it: files, database, clock, randomness, threads, environment variables.

Engine code and house plugins that do I/O go through an `Env` and nothing else, so that a test can crash the engine at
every single call, run a day in a second, and fill a disk on the k-th write. A lint test forbids `open`, `os`, `time`,
`random`, `socket` and `asyncio.sleep` elsewhere. `pipeline.env.real` is the real world; `pipeline.testing.world` a simulated one.

All `Files`, `ReadFile`, `AppendFile` and `Database` methods may block: call them from a worker thread (`Env.run`) where
latency matters. They raise `OSError` as the operating system does, except where a docstring says otherwise.
"""

from __future__ import annotations

import errno
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeVar

T = TypeVar("T")

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Errors of a disk, or of a quota, that has no room."""

Value = None | int | float | str | bytes
"""What a database cell holds."""


@dataclass(frozen=True, slots=True)
class Stat:
    """What the file system says of one file. Times are microseconds since 1970 (UTC)."""

    kind: Literal["file", "folder", "other"]
    size: int
    device: int
    inode: int
    born: int
    """Birth time, 0 where the file system keeps none."""
    modified: int
    owner: int = 0


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system: all its bytes, and those that an unprivileged process can still write."""

    size: int
    free: int


class ReadFile(Protocol):
    """An open regular file, read by position; the file's own position is never moved."""

    def pread(self, size: int, offset: int) -> bytes:
        """Up to `size` bytes at `offset`; fewer only at the end of the file."""
        ...

    def stat(self) -> Stat: ...

    def hole(self) -> int:
        """Bytes at the beginning that were never written, as far as the file system can tell; they read as zeros."""
        ...

    def close(self) -> None: ...


class AppendFile(Protocol):
    """An open regular file that only grows at its end, or is cut back."""

    def append(self, data: bytes) -> None:
        """Write all of `data` at the end. On an error an unknown part of it may be there."""
        ...

    def sync(self) -> None:
        """Make all that was appended durable (fdatasync). Raises BrokenDiskError if the disk refuses; never call it again then."""
        ...

    def truncate(self, size: int) -> None: ...

    def stat(self) -> Stat:
        """Of the open file, whatever its path names by now; without the birth time."""
        ...

    def close(self) -> None: ...


class Files(Protocol):
    def read(self, path: Path) -> ReadFile:
        """Open a regular file for reading, without blocking on pipes and devices. Raises IsADirectoryError, PermissionError,
        FileNotFoundError, or OSError(EINVAL) for what is neither a file nor a folder."""
        ...

    def append(self, path: Path) -> AppendFile:
        """Open for appending; a new file is made with its parent folders, and its name is durable on return.

        Only one at a time has a file open like this: raises StateError when somebody else has."""
        ...

    def write(self, path: Path, parts: Iterable[bytes]) -> None:
        """Put a whole file in place, atomically and durably (temporary name, fsync, rename, fsync of the folder)."""
        ...

    def stat(self, path: Path) -> Stat | None:
        """None when there is no such path."""
        ...

    def trusted(self, path: Path, stat: Stat) -> bool:
        """Whether the path leads to the file of `stat` over no symbolic link but those of root, of this process's user, and of
        the file's owner: any other could have been put there to have a file read that its maker may not read. Raises
        FileNotFoundError when the path leads to another file by now."""
        ...

    def glob(self, pattern: str) -> Sequence[Path]:
        """Paths that match now, sorted; `**` crosses folders. No match is an empty list; unreadable folders are skipped."""
        ...

    def folder(self, path: Path, *, private: bool = False) -> None:
        """Make a folder with its parents, durably; `private` asks for mode 0700."""
        ...

    def rename(self, old: Path, new: Path) -> None:
        """Atomic and durable on return; replaces `new`."""
        ...

    def remove(self, path: Path) -> None:
        """Remove a file; one that is not there is no error."""
        ...

    def disk(self, path: Path) -> Disk:
        """The file system of `path`, which exists."""
        ...

    def reserve(self, path: Path, size: int) -> None:
        """Take space by a file of that size, in a folder that exists; whatever it holds is worth nothing. Leaves no file behind
        when it fails."""
        ...

    @property
    def handles(self) -> int:
        """How many files this process may have open at once."""
        ...

    def lock(self, path: Path) -> Callable[[], None] | None:
        """Take an exclusive lock that ends with the process; returns its release, which does
        nothing the second time, or None when another process holds it."""
        ...


class Database(Protocol):
    """One SQLite connection in exclusive WAL mode with synchronous=EXTRA: a returned transaction is durable.

    Errors come as OSError (ENOSPC, EIO) or StateError (corrupt, unreadable)."""

    def rows(self, sql: str, values: Sequence[Value] = ()) -> list[tuple[Value, ...]]: ...

    def many(self, sql: str, rows: Sequence[Sequence[Value]]) -> None: ...

    def changes(self) -> int:
        """How many rows the last statement changed."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """BEGIN IMMEDIATE … COMMIT; rolls back when the block raises."""
        ...

    def close(self) -> None: ...


class Clock(Protocol):
    def now(self) -> int:
        """Wall clock, microseconds since 1970 (UTC). May jump; nothing correct depends on it."""
        ...

    def monotonic(self) -> float:
        """Seconds, never backwards."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait, in virtual time where the clock is one."""
        ...


class Env(Protocol):
    """The world that one run of the engine lives in."""

    @property
    def files(self) -> Files: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def variables(self) -> Mapping[str, str]:
        """Environment variables."""
        ...

    @property
    def host(self) -> str:
        """This machine's name, for `@host`."""
        ...

    def database(self, path: Path) -> Database:
        """Open or make a database. Raises StateError if another process holds it or it cannot be read."""
        ...

    def random(self, size: int) -> bytes:
        """Random bytes for instance names and nonces."""
        ...

    def run(self, work: Callable[..., T], *arguments: object) -> Awaitable[T]:
        """Run blocking or heavy work in a worker thread. Cancelled, it first waits for the work to end."""
        ...

    def apart(self, work: Callable[..., T], *arguments: object) -> Awaitable[T]:
        """The same in the one thread that is kept for the store, so that a commit never queues behind other work."""
        ...
