"""Simulated system calls below `pipeline.env.real`: everything under ROOT is on a simulated disk.

So it is the engine's real files that a simulation runs, down to the last `fsync` of a folder. Each call is a point to die at
(before it and after it, and in the middle of a write) and may fail: without space, with an I/O error, short, or interrupted.
Once dead, every call raises `Crash` at once and has no effect, so that no `finally` can clean up: that is a SIGKILL.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

from pipeline.testing.disk import SECTOR, Disk, Node
from pipeline.testing.life import Crash
from pipeline.testing.status import Entry, status

ROOT = Path("/simulated")

FIRST = 1 << 24
"""Descriptors from here on are ours."""

FaultKind = Literal["full", "io", "sync", "short", "interrupted"]
"""ENOSPC at a write or a new name; EIO at a write; EIO at a sync, which loses what was written; half of a write; EINTR."""


@dataclass(frozen=True, slots=True)
class Fault:
    """The `at`-th call that it can happen to fails; with `lasting` all later ones, too."""

    kind: FaultKind
    at: int
    lasting: bool = False


@dataclass(slots=True)
class _Open:
    node: Node
    path: str
    flags: int


class Kernel:
    """The system calls of one life. `now` is the wall clock (µs); `watch` hears of every point before it passes."""

    def __init__(
        self,
        disk: Disk,
        now: Callable[[], int],
        *,
        kill_at: int | None = None,
        fault: Fault | None = None,
        watch: Callable[[str], None] | None = None,
    ) -> None:
        self.disk = disk
        self.kill_at = kill_at
        self.fault = fault
        self.watch = watch
        self.points = 0
        self.dead = False
        self.gone = False
        self.failed_sync = ""
        """What a sync failed on."""
        self.believed = ""
        """What was synced although an earlier sync had lost some of it: whoever does that believes that it is durable."""
        self.most_open = 0
        self._now = now
        self._chances: dict[FaultKind, int] = {}
        self._open: dict[int, _Open] = {}
        self._next = FIRST
        self._locks: dict[int, int] = {}

    # ── points and faults ────────────────────────────────────────────────────────────────────────────────────────

    def point(self, name: str) -> None:
        """A place to die."""
        self.points += 1
        if self.watch is not None and not self.dead:
            self.watch(name)
        if self.dead or self.points == self.kill_at:
            self.dead = True
            raise Crash(name)

    def chances(self, kind: FaultKind) -> int:
        """How many calls there were that this could have happened to."""
        return self._chances.get(kind, 0)

    def _hit(self, kind: FaultKind) -> bool:
        count = self._chances[kind] = self._chances.get(kind, 0) + 1
        fault = self.fault
        return fault is not None and fault.kind == kind and (count == fault.at or (fault.lasting and count > fault.at))

    def _space(self, path: str) -> None:
        if self._hit("full"):
            raise OSError(errno.ENOSPC, "No space left on device", path)

    # ── files ────────────────────────────────────────────────────────────────────────────────────────────────────

    def open(self, path: str, flags: int, mode: int = 0o777) -> int:
        node = self.disk.find(path)
        if node is None:
            if not flags & os.O_CREAT:
                self.point(f"open {path}")
                raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
            self._parent(path)
            self.point(f"before create {path}")
            self._space(path)
            node = self.disk.make(path, self._now())
            self.point(f"after create {path}")
        else:
            self.point(f"open {path}")
            if flags & os.O_TRUNC and node.seen:
                self.disk.change(node, 0, None, self._now())
                self.point(f"after truncate {path}")
        return self._opened(node, path, flags)

    def anonymous(self) -> int:
        """A file without a name, as SQLite wants for what it spills."""
        return self._opened(self.disk.anonymous(self._now()), "", os.O_RDWR)

    def close(self, descriptor: int) -> None:
        self._open.pop(descriptor, None)
        self._locks = {number: holder for number, holder in self._locks.items() if holder != descriptor}

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        """As `os.write`: appends if so opened, and is begun again when it is interrupted."""
        held = self._held(descriptor)
        if self._hit("interrupted"):
            return self.write(descriptor, data)
        return self.pwrite(descriptor, bytes(data), len(held.node.seen))

    def pwrite(self, descriptor: int, data: bytes, at: int) -> int:
        held = self._held(descriptor)
        self.point(f"before write {held.path}")
        half = max(0, (at + len(data) // 2) // SECTOR * SECTOR - at)
        if self._hit("io"):
            raise OSError(errno.EIO, "Input/output error", held.path)
        if half:
            self.disk.change(held.node, at, data[:half], self._now())
            self.point(f"inside write {held.path}")
        self._space(held.path)
        if half and self._hit("short"):
            return half
        self.disk.change(held.node, at + half, data[half:], self._now())
        self.point(f"after write {held.path}")
        return len(data)

    def pread(self, descriptor: int, size: int, at: int) -> bytes:
        held = self._held(descriptor)
        self.point(f"read {held.path}")
        return bytes(held.node.seen[at : at + size])

    def ftruncate(self, descriptor: int, size: int) -> None:
        held = self._held(descriptor)
        self.point(f"before truncate {held.path}")
        self.disk.change(held.node, size, None, self._now())
        self.point(f"after truncate {held.path}")

    def posix_fallocate(self, descriptor: int, at: int, size: int) -> None:
        held = self._held(descriptor)
        self._space(held.path)
        if at + size > len(held.node.seen):
            self.ftruncate(descriptor, at + size)

    def lseek(self, descriptor: int, at: int, how: int) -> int:
        """As for a file system that keeps no holes; positions are of no use to us."""
        if not self._held(descriptor).node.seen:
            raise OSError(errno.ENXIO, "No such device or address")
        return at

    def fsync(self, descriptor: int) -> None:
        held = self._held(descriptor)
        self.point(f"before sync {held.path}")
        if held.node.lost:
            self.believed = held.path
        self._space(held.path)
        if self._hit("sync"):
            self.failed_sync = held.path
            self.disk.lose(held.node)
            raise OSError(errno.EIO, "Input/output error", held.path)
        self.disk.sync(held.node)
        self.point(f"after sync {held.path}")

    fdatasync = fsync

    def flock(self, descriptor: int, operation: int) -> None:
        held = self._held(descriptor)
        if self._locks.setdefault(held.node.number, descriptor) != descriptor:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable", held.path)

    # ── names ────────────────────────────────────────────────────────────────────────────────────────────────────

    def mkdir(self, path: str, mode: int = 0o777) -> None:
        if self.disk.find(path) is not None:
            raise FileExistsError(errno.EEXIST, "File exists", path)
        self._parent(path)
        self.point(f"before mkdir {path}")
        self._space(path)
        self.disk.make(path, self._now(), folder=True)
        self.point(f"after mkdir {path}")

    def replace(self, old: str, new: str) -> None:
        node = self._node(old)
        self.point(f"before rename {new}")
        self.disk.name((old, None), (new, node.number), now=self._now())
        self.point(f"after rename {new}")

    rename = replace

    def unlink(self, path: str) -> None:
        self._node(path)
        self.point(f"before unlink {path}")
        self.disk.name((path, None), now=self._now())
        self.point(f"after unlink {path}")

    remove = unlink

    def stat(self, path: str) -> os.stat_result:
        self.point(f"stat {path}")
        return status(self._node(path))

    lstat = stat

    def fstat(self, descriptor: int) -> os.stat_result:
        held = self._held(descriptor)
        self.point(f"stat {held.path}")
        return status(held.node)

    def statvfs(self, path: str) -> SimpleNamespace:
        self.point(f"statvfs {path}")
        return SimpleNamespace(f_blocks=1 << 31, f_bavail=1 << 30, f_frsize=4096)

    @contextmanager
    def scandir(self, path: str) -> Iterator[Iterator[Entry]]:
        self.point(f"list {path}")
        self._node(path)
        folder = path.rstrip("/")
        yield (
            Entry(name, f"{folder}/{name}", self._node(f"{folder}/{name}")) for name in list(self.disk.inside(folder))
        )

    def listdir(self, path: str) -> list[str]:
        with self.scandir(path) as found:
            return [entry.name for entry in found]

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _opened(self, node: Node, path: str, flags: int) -> int:
        self._next += 1
        self._open[self._next] = _Open(node, path, flags)
        self.most_open = max(self.most_open, len(self._open))
        return self._next

    def _held(self, descriptor: int) -> _Open:
        if descriptor not in self._open:
            self.point("a closed descriptor")
            raise OSError(errno.EBADF, "Bad file descriptor")
        return self._open[descriptor]

    def _node(self, path: str) -> Node:
        node = self.disk.find(path.rstrip("/"))
        if node is None:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
        return node

    def _parent(self, path: str) -> None:
        self._node(path.rpartition("/")[0])
