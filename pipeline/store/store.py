"""The one durable state. `commit` is the only place where it changes.

One directory, one process: `lock` is held for life, the database is opened exclusively, and every start raises the epoch,
so a process that lost its lock can no longer commit. `pipeline.store.schema` has the invariants.

A store is used from one thread at a time. After any error in `commit`, `acknowledge` or `open` the object is unusable:
memory may be ahead of the disk. Open a new one; what was not committed is then gone from files, too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pipeline.api import Layout, Position, Writer
from pipeline.env import Database, Env
from pipeline.errors import BrokenDiskError, InternalError, StateError
from pipeline.store import ledger
from pipeline.store.accounts import Accounts, Shape
from pipeline.store.attempts import Attempt, Attempts, Knew
from pipeline.store.changes import Advance, Buried, Changes
from pipeline.store.contents import Contents
from pipeline.store.folds import Folds, Key, Known
from pipeline.store.letters import Letter, Letters
from pipeline.store.origins import Kept, Origins
from pipeline.store.outbox import Outbox, Sealed
from pipeline.store.recovery import DATABASE, Opening, prepare
from pipeline.store.segments import Segments
from pipeline.store.values import position
from pipeline.store.windows import Windows

T = TypeVar("T")

SEGMENTS_AHEAD = 256 << 20
"""Bytes of sealed segments that may wait for one sink before reading stops."""


@dataclass(frozen=True, slots=True)
class Shortage:
    """A local file that is shorter than what was committed to it: somebody cut or removed it."""

    path: Path
    missing: int


class Store:
    """An open state directory."""

    def __init__(self, env: Env, database: Database, folder: Path, base: Path, opening: Opening) -> None:
        self._env = env
        self._database = database
        self._unlock = opening.unlock
        self._failure: BaseException | None = None
        self.folder = folder
        self.instance = opening.instance
        self.epoch = opening.epoch
        self._nonce = opening.nonce
        self._file = opening.file
        self.contents = Contents(database.rows)
        self.outbox = Outbox(env, database, folder)
        self.accounts = Accounts(database)
        self.origins = Origins(database)
        self.segments = Segments(env, database, self.outbox, self.accounts, base, self.instance)
        self.windows = Windows(database)
        self.folds = Folds(database)
        self.letters = Letters(database)
        self.attempts = Attempts(database, opening.unclean)
        self.progress: dict[str, dict[str, Position]] = {}
        self.shortages: list[Shortage] = []
        self.dropped: dict[str, int] = {}
        """Window stage → windows whose unsent state `arrange` dropped."""
        self.abandoned: dict[Key, Known] = {}
        """States of folds that held rows, and that `arrange` dropped."""
        self.spared: list[Letter] = []
        """Dead letters that ended the process when they were put in again alone."""
        self._positions: dict[tuple[str, str], str] = {}

    @classmethod
    def open(cls, env: Env, folder: Path, *, program: str, base: Path, before: Knew | None = None) -> Store:
        """Open or make the state in `folder` for the program at that path, and cut back what was never committed.

        `base` is where relative paths of local outputs start; `before` is of a life of this very process that failed. Raises StateError (in use, another program's, unreadable)
        and OSError. May block for as long as the disk takes."""
        opening = prepare(env, folder, program, before)
        store = cls(env, opening.database, folder, base, opening)
        try:
            store._load(before)
        except BaseException:
            store.close()
            raise
        return store

    def _load(self, before: Knew | None) -> None:
        self.progress = self.contents.progress()
        for source, partitions in self.progress.items():
            self._positions.update({(source, partition): position(at) for partition, at in partitions.items()})
        self.segments.load()
        self.shortages = [Shortage(path, missing) for path, missing in self.segments.cut_back()]
        self.windows.load()
        self.folds.load()
        self.origins.load()
        self.attempts.load(before)
        trying = self.letters.load()
        with self._changing():
            self.attempts.begin(before)
            if trying:
                self.spared = self.letters.resume(trying, clean=before is not None or not self.attempts.unclean)

    def arrange(
        self,
        layouts: Mapping[str, Layout],
        windows: Mapping[str, str],
        shape: Shape | None = None,
        folds: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        """Say what the program is now: each sink's layout, each window stage's fingerprint, how stages hang together, each stage's
        folds.

        Segments laid out otherwise, or with rows of another form, are sealed; the state of windows and folds that mean something else,
        or that are gone, is dropped. Rows that such a fold held are counted as abandoned."""
        with self._changing():
            self.segments.arrange(dict(layouts))
            self.dropped = self.windows.arrange(windows)
            self.abandoned = self.folds.arrange(folds or {})
            for (stage, _, partition), known in self.abandoned.items():
                self.accounts.abandon(stage, known.source, partition, known.held)
            self.accounts.arrange(shape or Shape())

    # ── the commit ───────────────────────────────────────────────────────────────────────────────────────────────

    def commit(self, changes: Changes) -> None:
        """Apply all of `changes` durably, or raise and apply nothing.

        Raises OSError (a full disk: ENOSPC), BrokenDiskError, InternalError (a batch that was committed before)."""
        now = self._env.clock.now()
        if unready := self.segments.unready(changes.pieces):
            with self._changing():
                self.segments.prepare(unready, now)
        with self._changing():
            for advance in changes.advances:
                self._advance(advance)
            for source, partition in changes.forgotten:
                self._forget(source, partition)
            self.windows.apply(changes)
            self.folds.apply(changes)
            self._append(changes, now)
            self.accounts.enter(changes, self.segments.covering())
            self.segments.settle(now, changes.seal)
            self.attempts.change(Attempt(source, key, key) for source, key in changes.condemned)
            ledger.add(self._database, changes.counts)
            self.letters.settle(changes.settled)
            self.letters.bury(changes.buried, now)

    def acknowledge(self, segments: Iterable[Sealed], refused: Sequence[Buried] = ()) -> None:
        """These segments are durable at their destination, but for events that it refused, which become dead letters: forget
        the segments, then their bytes."""
        done = list(segments)
        with self._changing():
            for segment in done:
                self.accounts.acknowledge(segment.id)
                self.outbox.remove(segment.id)
            for buried in refused:
                self.accounts.refuse(buried.stage, buried.rows)
            self.letters.bury(refused, self._env.clock.now())
        for segment in done:
            self.outbox.release(segment.id)

    @property
    def writer(self) -> Writer:
        """Who this process is to the destinations that it delivers to."""
        return Writer(self.instance, self.epoch, self._nonce.hex())

    def rise(self, epoch: int) -> None:
        """Go on in an epoch above the given one: a destination knows a later life of this state than the state itself does.

        Raises OSError, BrokenDiskError."""
        with self._changing():
            above = max(self.epoch, epoch) + 1
            self._database.rows("UPDATE meta SET value = ? WHERE name = 'epoch'", (above,))
        self.epoch = above

    def hold(self, segment: int, reason: str) -> None:
        """Say durably why a sealed segment is set aside, until it is delivered after all."""
        with self._changing():
            self.outbox.hold(segment, reason)

    def amend(self, work: Callable[[Letters], T]) -> T:
        """Change dead letters durably."""
        with self._changing():
            return work(self.letters)

    def attempt(self, over: Iterable[Attempt], begun: Attempt | None = None) -> None:
        """Say durably that some attempts are over, and that one begins."""
        with self._changing():
            self.attempts.change(over, begun)

    def calm(self) -> None:
        """Say durably that everything that may have ended an earlier process was computed again."""
        with self._changing():
            self.attempts.calm()

    def rest(self) -> None:
        """Say durably that this run ends well: the next one need not be careful."""
        with self._changing():
            self.attempts.rest()

    def close(self) -> None:
        """Let go of files, database and lock. Nothing is written."""
        with ExitStack() as closing:
            closing.callback(self._unlock)
            closing.callback(self._database.close)
            closing.callback(self.segments.close)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """A transaction of this life. An error leaves memory ahead of the disk, so the store is unusable from then on."""
        if self._failure is not None:
            # Whoever comes next, and not only who met it, ends the run for the reason that it has.
            if isinstance(self._failure, (OSError, StateError, BrokenDiskError)):
                raise self._failure
            raise InternalError("this store failed before and must be opened anew") from self._failure
        try:
            with self._database.transaction():
                self._fence()
                yield
        except BaseException as error:
            self._failure = error
            raise

    # ── inside a transaction ─────────────────────────────────────────────────────────────────────────────────────

    def _fence(self) -> None:
        """Only the one process that owns the directory may go on, and only while the directory is there."""
        found = self._env.files.stat(self.folder / DATABASE)
        if found is None or self._file is None or (found.device, found.inode) != (self._file.device, self._file.inode):
            raise StateError(
                f"the state in {self.folder} was removed or replaced while it was used",
                "Put it back, or start again: that goes on from the state that is there then.",
            )
        self._database.rows(
            "UPDATE meta SET value = value + 1 WHERE name = 'sequence' AND "
            "(SELECT value FROM meta WHERE name = 'epoch') = ? AND (SELECT value FROM meta WHERE name = 'nonce') = ?",
            (self.epoch, self._nonce),
        )
        if self._database.changes() != 1:
            raise StateError(
                f"another process took over the state in {self.folder}", "Only one pipe may run on a state directory."
            )

    def _advance(self, advance: Advance) -> None:
        """Compare and set: a batch applies at most once, and only where the one before it ended."""
        key = (advance.source, advance.partition)
        start, end = position(advance.start), position(advance.end)
        stored = self._positions.get(key)
        if (stored or position(None)) != start:
            raise InternalError(
                f"{advance.source}: partition {advance.partition} is committed up to {stored}, a batch starts at {start}"
            )
        if stored is None:
            self._database.rows("INSERT INTO progress VALUES (?, ?, ?)", (*key, end))
        else:
            self._database.rows(
                "UPDATE progress SET position = ? WHERE source = ? AND partition = ? AND position = ?",
                (end, *key, stored),
            )
            if self._database.changes() != 1:
                raise InternalError(f"{advance.source}: the stored progress of {advance.partition} changed under us")
        self._positions[key] = end
        self.progress.setdefault(advance.source, {})[advance.partition] = advance.end

    def _append(self, changes: Changes, now: int) -> None:
        noted = {origin.batch for origin in changes.origins}
        kept: dict[int, list[Kept]] = {}
        for piece in changes.pieces:
            segment = self.segments.append(piece, now)
            if segment.layout.exact and piece.batch in noted:
                place = str(self.segments.body(segment))
                kept.setdefault(piece.batch, []).append(self.origins.keep(segment, piece, place))
        if changes.origins:
            self.origins.record(changes.origins, kept)

    def _forget(self, source: str, partition: str) -> None:
        self._database.rows("DELETE FROM progress WHERE source = ? AND partition = ?", (source, partition))
        self._positions.pop((source, partition), None)
        self.progress.get(source, {}).pop(partition, None)
        self.windows.forget(partition)
        self.accounts.forget(source, partition)
