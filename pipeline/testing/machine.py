"""A machine with a simulated disk: what of it survives, and one life of a process on it.

`Machine` survives power cuts. `machine.life(…)` is a process, an `Env` whose files and database are the engine's real ones
on simulated system calls (`pipeline.testing.kernel`). `machine.cut(…)` ends it, as a kill does or as a power cut does.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import apsw

from pipeline.env import Database
from pipeline.env.real import RealFiles
from pipeline.env.sqlite import SqliteDatabase
from pipeline.testing import vfs
from pipeline.testing.calls import installed
from pipeline.testing.disk import Cut, Disk
from pipeline.testing.kernel import ROOT, Fault, Kernel
from pipeline.testing.life import EPOCH, Inline, VirtualClock

T = TypeVar("T")


class Machine:
    """`disk`, the wall clock `now` (µs) between lives, and what others do to files while a process runs or while none does."""

    def __init__(self, disk: Disk | None = None, *, now: int = EPOCH, lives: int = 0) -> None:
        self.disk = disk or Disk(str(ROOT))
        self.now = now
        self.lives = lives
        self._life: Life | None = None

    def life(
        self, kill_at: int | None = None, *, fault: Fault | None = None, watch: Callable[[str], None] | None = None
    ) -> Life:
        """A new process. The one before must have been cut."""
        self.lives += 1
        self._life = Life(self, kill_at, fault, watch)
        return self._life

    def cut(self, cut: Cut = "kept", choice: random.Random | None = None) -> None:
        """End the current life: memory, handles and locks are gone, and of what was not synced there is what `cut` says."""
        if self._life is not None:
            self._life.abandon()
            self._life = None
        self.disk = self.disk.after(cut, choice or random.Random(0))  # noqa: S311 — repeatable on purpose

    def after(self, cut: Cut, choice: random.Random) -> Machine:
        """The machine as it would be after a power cut now. This one goes on."""
        return Machine(self.disk.after(cut, choice), now=self.time(), lives=self.lives)

    def time(self) -> int:
        """The wall clock now."""
        return self._life.clock.now() if self._life is not None else self.now

    def jump(self, seconds: float) -> None:
        """Somebody sets the wall clock."""
        self.now += int(seconds * 1e6)

    # ── what others do to files ──────────────────────────────────────────────────────────────────────────────────

    def put(self, path: Path, data: bytes, *, append: bool = True) -> None:
        """Write a file, or anew, durably: the writer of a log is no business of ours."""
        node = self.disk.find(str(path)) or self.disk.make(str(path), self.time())
        if not append:
            self.disk.change(node, 0, None, self.time())
        self.disk.change(node, len(node.seen), data, self.time())
        self.disk.sync(node)
        self.sync_folder(path)

    def move(self, old: Path, new: Path) -> None:
        node = self.disk.find(str(old))
        if node is not None:
            self.disk.name((str(old), None), (str(new), node.number), now=self.time())
            self.sync_folder(new)

    def remove(self, path: Path) -> None:
        self.disk.name((str(path), None), now=self.time())
        self.sync_folder(path)

    def get(self, path: Path) -> bytes:
        """What is in a file; nothing when there is none."""
        node = self.disk.find(str(path))
        return bytes(node.seen) if node is not None else b""

    def sync_folder(self, path: Path) -> None:
        """Make the name of a file durable."""
        folder = self.disk.find(str(path.parent))
        if folder is not None:
            self.disk.sync(folder)


class Life(Inline):
    """A process (`pipeline.env.Env`). Use it inside `with life.running():`."""

    def __init__(
        self, machine: Machine, kill_at: int | None, fault: Fault | None, watch: Callable[[str], None] | None
    ) -> None:
        self.machine = machine
        self.clock = VirtualClock(lambda: machine.now, lambda name: self.kernel.point(name))
        self.kernel = Kernel(machine.disk, self.clock.now, kill_at=kill_at, fault=fault, watch=watch)
        self.files = RealFiles()
        self.variables: Mapping[str, str] = {}
        self.host = "host"
        self._random = random.Random(machine.lives)  # noqa: S311 — repeatable on purpose
        self._databases: list[LifeDatabase] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """System calls are this life's inside the block."""
        with installed(self.kernel):
            yield

    def database(self, path: Path) -> Database:
        return LifeDatabase(path, self._random.randbytes(64), self._databases)

    def random(self, size: int) -> bytes:
        return self._random.randbytes(size)

    def abandon(self) -> None:
        """Drop what the operating system would drop."""
        self.machine.now = self.clock.now()
        self.kernel.dead = self.kernel.gone = True
        for database in self._databases:
            with installed(self.kernel):
                database.close()
        self._databases.clear()


class LifeDatabase(SqliteDatabase):
    """The engine's own connection, on the simulated disk. `opened` holds it until its life is over, also when opening fails: a
    dead process does not tidy up."""

    def __init__(self, path: Path, seed: bytes, opened: list[LifeDatabase]) -> None:
        opened.append(self)
        super().__init__(path, vfs=vfs.registered(seed))

    def close(self) -> None:
        """SQLite closes whether or not its last checkpoint succeeds, and does not tell; APSW would raise what our VFS raised."""
        with suppress(apsw.Error, AttributeError):
            super().close()
