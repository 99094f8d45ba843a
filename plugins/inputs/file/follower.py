"""Follows the files of one input and reads them, the oldest generation of a log first, different logs in turn."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping
from pathlib import Path
from threading import Lock

from pipeline import api
from pipeline.api.world import Stat

from .decoding import DamagedError, Packed
from .discovery import Finder
from .generation import Generation, State
from .handles import Handles, MovedError
from .naming import text_of
from .roster import Roster
from .rules import EAGER, GRACE, IDLE, LULL, PACE, QUIET, RESCAN, RETRY, SCAN_SHARE, STATS, TICK, Rules
from .search import Search, key_of, reason_of
from .trail import ReplacedError


class Follower:
    """A synchronous state machine: `step` while it is `busy`, else wait for `pause` seconds. All methods block."""

    def __init__(self, rules: Rules, ctx: api.Context, progress: Mapping[str, api.Position]) -> None:
        self._rules = rules
        self._ctx = ctx
        self._lock = Lock()
        self._roster = Roster(progress)
        self._handles = Handles(ctx.files)
        self._finder = Finder(rules.globs, rules.exclude, ctx)
        self._out: deque[api.Batch] = deque()
        self._search = Search(rules, ctx, self._roster, self._finder, self._out)
        self._turn: OrderedDict[Path, None] = OrderedDict()
        self._backlog: dict[str, int] = {}
        self._rescan = True
        self._refused = 0
        self._scanned = float("-inf")
        self._pause = RESCAN
        self._polled = float("-inf")

    @property
    def busy(self) -> bool:
        """True when the next `step` may have something without waiting."""
        return bool(self._turn or self._out)

    @property
    def pause(self) -> float:
        """Seconds until the next look is worth it."""
        lull = self._polled - max((g.changed_at for g in self._roster), default=self._polled) > IDLE
        return self._rules.poll * LULL if lull else self._rules.poll

    @property
    def forgotten(self) -> frozenset[str]:
        """Generations that were done and gone for so long that they are not known any more."""
        return frozenset(self._roster.forgotten)

    def dropped(self, partitions: Iterable[str]) -> None:
        """Nobody keeps anything of these forgotten partitions any more."""
        self._roster.forgotten.difference_update(partitions)

    @property
    def finished(self) -> bool:
        """With `--once`: everything that was there at the start was given."""
        return self._ctx.once and not (self._rescan or self.busy or self._roster.active)

    @property
    def backlog(self) -> Mapping[str, int]:
        """Bytes not yet given, of every generation that may still grow."""
        return self._backlog

    def step(self) -> api.Batch | None:
        """Look around when it is time to, and read one chunk. Raises NoInputError with `--once` when nothing is there."""
        with self._lock:
            now = self._ctx.clock.monotonic()
            if now - self._polled >= self._rules.poll:
                self._survey(now)
            batch = self._next(now)
            if batch is None and self._rescan and self._pause <= RESCAN:
                # Who waited for the next look would never catch up with a log that is rotated more often than that.
                self._survey(now)
                batch = self._next(now)
            if batch is None and self._ctx.once:
                for generation in self._roster:
                    if not generation.waiting:
                        self._settle(generation, now)
                batch = self._next(now)
                self._count_backlog()
            return batch

    def close(self) -> None:
        """Close every file. Waits for a `step` that another thread is in."""
        with self._lock:
            self._handles.close()

    def _survey(self, now: float) -> None:
        """Look for files, when it is time to, and at those that are followed."""
        self._polled = now
        if self._scan_due(now):
            self._rescan = False
            self._search.scan(now)
            self._scanned = self._ctx.clock.monotonic()
            self._pause = max(RESCAN, SCAN_SHARE * (self._scanned - now))
        for generation in self._roster:
            self._look(generation, now)
        self._count_backlog()

    def _scan_due(self, now: float) -> bool:
        due = now - self._scanned >= self._pause or self._finder.changed(self._ctx.clock.now())
        return self._rescan or (due and not self._ctx.once)

    def _count_backlog(self) -> None:
        """A new mapping, because the event loop's thread may be in the old one."""
        self._backlog = {generation.partition: generation.waiting for generation in self._roster}

    def _look(self, generation: Generation, now: float) -> None:
        """Take note of growth, truncation and loss."""
        idle = now - generation.changed_at > IDLE
        if idle and now - generation.seen_at < len(self._roster.known) / STATS:
            return
        generation.seen_at = now
        if generation.state is State.LOST:
            self._mourn(generation, now)
            return
        try:
            stat = self._stat(generation)
            if stat is not None:
                self._note(generation, stat, now)
        except (OSError, MovedError, ReplacedError) as error:
            self._failed(generation, error, now)

    def _stat(self, generation: Generation) -> Stat | None:
        """The state of its file, by its path or, when another file has that, by its handle."""
        stat = self._ctx.files.stat(generation.path)
        if stat is not None and key_of(stat) == generation.key:
            return stat
        if generation.orphaned_at is None:
            self._rescan = True
        return generation.source.stat() if generation.source is not None else None

    def _note(self, generation: Generation, stat: Stat, now: float) -> None:
        changed = (stat.size, stat.modified) != (generation.size, generation.modified)
        grown = stat.size > generation.size
        wall = self._ctx.clock.now()
        # Written in the tick of the last look, it may have been written again since, under the same time: one look is due later.
        unsure = changed or 0 < generation.looked < stat.modified + TICK <= wall
        if generation.packed:
            if changed:
                self._handles.shut(generation)
                generation.stuck = False
        elif stat.size < generation.at:
            raise ReplacedError
        elif unsure and not grown and generation.at:
            self._handles.open(generation)
            if not generation.intact():
                raise ReplacedError
        generation.size, generation.modified, generation.looked = stat.size, stat.modified, wall
        if changed:
            generation.changed_at = now
        if generation.waiting:
            self._turn[generation.log] = None
        else:
            self._settle(generation, now)

    def _settle(self, generation: Generation, now: float) -> None:
        """Everything that is there was read: is that the end?"""
        quiet = now - generation.changed_at
        if not self._ctx.once:
            if self._roster.rotated(generation) and quiet >= self._rules.close_after:
                self._end(generation)
        elif generation.pending and generation.limit is not None and generation.size > generation.limit:
            self._give(generation.read_line())
        elif generation.pending and quiet >= QUIET:
            self._give(generation.flush())
        if self._ctx.once and not generation.pending:
            self._retire(generation)

    def _end(self, generation: Generation) -> None:
        """Nothing more is expected of it."""
        self._give(generation.flush())
        self._give(generation.finish())
        self._retire(generation)

    def _retire(self, generation: Generation) -> None:
        self._handles.shut(generation)
        (self._roster.forget if generation.committed is None else self._roster.retire)(generation)

    def _mourn(self, generation: Generation, now: float) -> None:
        """Its file is lost: wait for another form of it, and count what never came."""
        since = generation.orphaned_at if generation.orphaned_at is not None else now
        if not self._ctx.once and now - since < GRACE:
            return
        unread = min(generation.waiting, generation.ahead)
        generation.size = generation.at
        if generation.untouched:
            # Its copy, if there is one, is read as a file of its own: the bytes in memory are there again.
            unread += generation.drop()
        if generation.committed is None:
            self._retire(generation)
        else:
            self._end(generation)
        if unread:
            self._ctx.metrics.count("possible_loss_bytes", unread)
            self._ctx.log.warning("file is gone before it was read", path=text_of(generation.path), bytes=unread)

    def _next(self, now: float) -> api.Batch | None:
        """A batch of the next log that has one. Each log has its turn; within one the oldest generation comes first."""
        for _ in range(len(self._turn)):
            if self._out:
                break
            log, _ = self._turn.popitem(last=False)
            generation = next((g for g in self._roster.active.get(log, ()) if self._ready(g, now)), None)
            if generation is None:
                continue
            self._turn[log] = None
            batch = self._read(generation, now)
            if generation.partition in self._backlog:
                self._backlog[generation.partition] = generation.waiting
            if batch is not None:
                return batch
        return self._out.popleft() if self._out else None

    def _ready(self, generation: Generation, now: float) -> bool:
        waiting = generation.waiting
        if not waiting or generation.state is State.LOST or now < generation.retry_at:
            return False
        at_once = self._ctx.once or waiting >= EAGER or self._roster.rotated(generation)
        return at_once or now - generation.read_at >= PACE

    def _read(self, generation: Generation, now: float) -> api.Batch | None:
        try:
            self._handles.open(generation)
            generation.read_at = now
            batch = self._count(generation.read())
        except (OSError, DamagedError, MovedError, ReplacedError) as error:
            self._failed(generation, error, now)
            return None
        self._finder.readable(generation.path)
        if isinstance(generation.source, Packed) and generation.ended:
            self._give(batch)
            batch = None
            if generation.source.whole:
                self._end(generation)
            else:
                self._failed(generation, DamagedError("ends in the middle of its compressed data"), now)
        return batch

    def _failed(self, generation: Generation, error: Exception, now: float) -> None:
        if isinstance(error, ReplacedError):
            self._truncated(generation, now)
        elif isinstance(error, MovedError):
            # Its log waits with it, so that its files come in order; the scan finds where it is now.
            self._rescan = True
            self._turn.pop(generation.log, None)
        elif isinstance(error, DamagedError):
            generation.stuck = True
            self._finder.tell(generation.path, reason_of(error))
        else:
            self._handles.shut(generation)
            self._finder.tell(generation.path, reason_of(error))
            generation.retry_at = now + RETRY
            if self._ctx.once:
                self._retire(generation)
                self._refused += 1
                if self._refused == self._search.files:
                    raise api.NoInputError(
                        f"cannot read {text_of(generation.path)}: {reason_of(error)}", "read permission is needed"
                    ) from error

    def _truncated(self, generation: Generation, now: float) -> None:
        """The file begins anew: so does a new generation, and the old one waits for its copy."""
        self._handles.shut(generation)
        self._roster.lose(generation, now)
        self._ctx.metrics.count("files_truncated")
        key = generation.lay
        if self._ctx.once or key is None:
            return
        self._give(generation.owed())
        new = Generation(self._ctx.unique(), generation.path, key)
        new.log, new.changed_at, new.hollow = generation.log, now, True
        self._roster.add(new)
        self._roster.bind(new, new.path, key, Stat("file", 0, *key, modified=0))
        self._roster.activate(new, (new.log,))
        self._rescan = True

    def _give(self, batch: api.Batch | None) -> None:
        if batch is not None:
            self._out.append(batch)

    def _count(self, batch: api.Batch | None) -> api.Batch | None:
        """Long records are passed on like others, and counted."""
        if batch is not None and batch.frame.height:
            longest = batch.frame["@raw"].bin.size().max()
            if isinstance(longest, int) and longest > self._rules.max_line:
                self._ctx.metrics.count("long_records")
        return batch
