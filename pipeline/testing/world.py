"""A simulated world that can be crashed at every call.

`World` is what survives: a folder. `world.env(kill_at=n)` is one life in it: the n-th point raises `Crash`, and from then
on every call raises at once and has no effect, so that no `finally` can clean up: that is a SIGKILL, not an exception.
`world.crash()` then does to the folder what the power cut does.

Points are before and after every call that has an effect, in the middle of every append, and before every read. The disk
model: appended bytes that were not synced are gone, everything synced is there; a database transaction is there if and
only if its COMMIT was reached.

`world.env(full_at=n)` is a life on a disk without space from the n-th write on: an append puts half of its bytes there, a
sync, a whole file and a database's statements and COMMIT fail. The next life has space again. `world.disk` has more that
can be wrong with a disk (`pipeline.testing.shortage`).
"""

from __future__ import annotations

import errno
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from pipeline.env import AppendFile, Database, Disk, ReadFile, Stat, Value
from pipeline.env.real import RealFiles
from pipeline.env.sqlite import SqliteDatabase
from pipeline.testing.life import EPOCH, Crash, Inline, VirtualClock
from pipeline.testing.shortage import SimDisk

T = TypeVar("T")


class World:
    """What survives a crash: the files in `folder`, synced bytes only."""

    def __init__(self, folder: Path, *, start: int = EPOCH) -> None:
        self.folder = folder
        self.now = start
        self.lives = 0
        self.disk = SimDisk(folder)
        self.synced: dict[tuple[int, int], int] = {}
        """(device, inode) → bytes that would survive, for files with unsynced ones."""
        self._env: SimEnv | None = None

    def env(self, kill_at: int | None = None, *, full_at: int | None = None) -> SimEnv:
        """A new life. The one before must have ended or been crashed."""
        self.lives += 1
        self.disk.restart()
        self._env = SimEnv(self, kill_at, full_at)
        return self._env

    def crash(self) -> None:
        """End the current life: handles and locks are gone, and so is everything that was not synced."""
        if self._env is not None:
            self._env.abandon()
        for path in self.folder.rglob("*"):
            if path.is_file():
                found = path.stat()
                kept = self.synced.get((found.st_dev, found.st_ino))
                if kept is not None and kept < found.st_size:
                    with path.open("r+b") as file:
                        file.truncate(kept)
        self.synced.clear()


class SimEnv(Inline):
    """One life (`pipeline.env.Env`). `points` counts the calls, `writes` those that need space."""

    def __init__(self, world: World, kill_at: int | None, full_at: int | None) -> None:
        self.world = world
        self.kill_at = kill_at
        self.points = 0
        self.dead = False
        self.full_at = full_at
        self.writes = 0
        self.files = SimFiles(self)
        start = world.now
        self.clock = VirtualClock(lambda: start, self.point)
        self.variables: Mapping[str, str] = {}
        self.host = "host"
        self._random = random.Random(world.lives)  # noqa: S311 — repeatable on purpose
        self._databases: list[SqliteDatabase] = []
        self._locks: list[Callable[[], None]] = []
        self._open: set[ReadFile | AppendFile] = set()

    def point(self, name: str) -> None:
        """A place to die."""
        self.points += 1
        if self.dead or self.points == self.kill_at:
            self.dead = True
            raise Crash(name)

    def fill(self, size: int = 0) -> None:
        """A place where the disk may be full. Raises OSError(ENOSPC), or what is wrong with the world's disk."""
        self.writes += 1
        if self.full_at is not None and self.writes >= self.full_at:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.world.disk.grow(size)

    def database(self, path: Path) -> Database:
        self.point("database")
        self.world.disk.change()
        inner = SqliteDatabase(path)
        self._databases.append(inner)
        return SimDatabase(self, inner, path)

    def random(self, size: int) -> bytes:
        return self._random.randbytes(size)

    def hold(self, unlock: Callable[[], None]) -> None:
        self._locks.append(unlock)

    def keep(self, file: ReadFile | AppendFile) -> None:
        """This file is open now."""
        self._open.add(file)

    def drop(self, file: ReadFile | AppendFile) -> None:
        """It is closed: as often as one likes."""
        if file in self._open:
            self._open.remove(file)
            file.close()

    def abandon(self) -> None:
        """Drop what the operating system would drop."""
        self.dead = True
        self.world.now = self.clock.now()
        for database in self._databases:
            database.close()
        for unlock in self._locks:
            unlock()
        for file in list(self._open):
            self.drop(file)
        self._databases.clear()
        self._locks.clear()


class SimFiles:
    def __init__(self, env: SimEnv) -> None:
        self._env = env
        self._real = RealFiles()

    def read(self, path: Path) -> ReadFile:
        self._env.point("read")
        file = self._real.read(path)
        self._env.keep(file)
        return SimReadFile(self._env, file)

    def append(self, path: Path) -> AppendFile:
        with self._effect("open for append"):
            file = self._real.append(path)
            self._env.keep(file)
        return SimAppendFile(self._env, file)

    def write(self, path: Path, parts: Iterable[bytes]) -> None:
        made = list(parts)
        self._env.fill()
        with self._effect("write"):
            self._real.write(path, made)

    def stat(self, path: Path) -> Stat | None:
        self._env.point("stat")
        return self._real.stat(path)

    def trusted(self, path: Path, stat: Stat) -> bool:
        self._env.point("links")
        return self._real.trusted(path, stat)

    def glob(self, pattern: str) -> Sequence[Path]:
        self._env.point("glob")
        return self._real.glob(pattern)

    def folder(self, path: Path, *, private: bool = False) -> None:
        with self._effect("folder"):
            self._real.folder(path, private=private)

    def rename(self, old: Path, new: Path) -> None:
        with self._effect("rename"):
            self._real.rename(old, new)

    def remove(self, path: Path) -> None:
        with self._effect("remove"):
            found = self._real.stat(path)
            self._real.remove(path)
            if found is not None:
                # The next file may get this inode.
                self._env.world.synced.pop((found.device, found.inode), None)

    def disk(self, path: Path) -> Disk:
        self._env.point("disk")
        return self._env.world.disk.state()

    def reserve(self, path: Path, size: int) -> None:
        self._env.fill(size)
        with self._effect("reserve"), path.open("wb") as file:
            file.truncate(size)

    @property
    def handles(self) -> int:
        return self._real.handles

    def lock(self, path: Path) -> Callable[[], None] | None:
        self._env.point("lock")
        self._env.world.disk.change()
        unlock = self._real.lock(path)
        if unlock is not None:
            self._env.hold(unlock)
        return unlock

    @contextmanager
    def _effect(self, name: str) -> Iterator[None]:
        self._env.point(f"before {name}")
        self._env.world.disk.change()
        yield
        self._env.point(f"after {name}")


class SimReadFile:
    def __init__(self, env: SimEnv, inner: ReadFile) -> None:
        self._env = env
        self._inner = inner

    def pread(self, size: int, offset: int) -> bytes:
        self._env.point("pread")
        return self._inner.pread(size, offset)

    def stat(self) -> Stat:
        self._env.point("fstat")
        return self._inner.stat()

    def hole(self) -> int:
        self._env.point("hole")
        return self._inner.hole()

    def close(self) -> None:
        self._env.drop(self._inner)


class SimAppendFile:
    def __init__(self, env: SimEnv, inner: AppendFile) -> None:
        self._env = env
        self._inner = inner
        found = inner.stat()
        self._key = (found.device, found.inode)
        env.world.synced.setdefault(self._key, found.size)

    def append(self, data: bytes) -> None:
        self._env.point("before append")
        half = len(data) // 2
        self._inner.append(data[:half])
        self._env.fill(len(data) - half)
        self._env.point("inside append")
        self._inner.append(data[half:])
        self._env.point("after append")

    def sync(self) -> None:
        self._env.point("before sync")
        self._env.fill()
        self._env.world.disk.sync(self._key)
        self._env.world.synced[self._key] = self._inner.stat().size
        self._env.point("after sync")

    def truncate(self, size: int) -> None:
        self._env.point("before truncate")
        self._inner.truncate(size)
        kept = self._env.world.synced.get(self._key, size)
        self._env.world.synced[self._key] = min(kept, size)
        self._env.point("after truncate")

    def stat(self) -> Stat:
        self._env.point("fstat")
        return self._inner.stat()

    def close(self) -> None:
        self._env.drop(self._inner)


class SimDatabase:
    def __init__(self, env: SimEnv, inner: SqliteDatabase, path: Path) -> None:
        self._env = env
        self._path = path
        self._inner = inner

    def rows(self, sql: str, values: Sequence[Value] = ()) -> list[tuple[Value, ...]]:
        self._env.point("statement")
        return self._inner.rows(sql, values)

    def many(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        self._env.point("statements")
        self._env.fill()
        self._inner.many(sql, rows)

    def changes(self) -> int:
        return self._inner.changes()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._env.point("begin")
        with self._inner.transaction():
            yield
            self._env.point("before commit")
            self._env.fill()
            self._env.world.disk.sync(self._path)
        self._env.point("after commit")

    def close(self) -> None:
        self._env.point("close database")
        self._inner.close()
        self._env._databases.remove(self._inner)  # noqa: SLF001 — one life and its parts
