"""Finds files, and knows again those that were seen before under another name or in another form."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pipeline import api
from pipeline.api.world import Stat

from .adoption import Adoption, Verdict, open_source
from .decoding import DamagedError
from .discovery import Finder
from .generation import Generation
from .identity import Key
from .naming import path_of, text_of
from .roster import Roster
from .rotation import parse
from .rules import Rules

_STEP = 64 * 1024

REFUSED = "a symbolic link on the way to it belongs to another user"


class Search:
    """One `scan` after another keeps the roster true to the file system. Batches without rows go to `out`. Blocks."""

    def __init__(self, rules: Rules, ctx: api.Context, roster: Roster, finder: Finder, out: deque[api.Batch]) -> None:
        self._rules = rules
        self._ctx = ctx
        self._roster = roster
        self._finder = finder
        self._out = out
        self._adoption = Adoption(ctx.files)
        self._first = True
        self.files = 0
        """How many files there were at the start."""
        self._at_end = rules.at_end and not roster.known

    def scan(self, now: float) -> None:
        """Raises NoInputError at the first scan with `--once` when nothing can be read."""
        found = self._finder.scan()
        if self._first and self._ctx.once:
            self._demand(found)
        keys: dict[Key, Path] = {}
        for path, stat in found.items():
            keys.setdefault(key_of(stat), path)
        for generation in self._roster.bound():
            self._recognise(generation, found, keys, now)
        self._roster.index(now)
        for path in sorted(keys.values(), key=lambda path: _age(path, found[path])):
            known = self._roster.of(key_of(found[path])) is not None
            if not known and (self._first or not self._ctx.once):
                self._admit(path, found, now)
        if self._first:
            self._first = False
            self.files = len(keys)
            self._wait_for_missing(found, now)
            if self._at_end:
                self._start_at_end()

    def _demand(self, found: Mapping[Path, Stat]) -> None:
        missing = self._finder.unmatched()
        if not found and self._finder.told:
            path, reason = next(iter(self._finder.told.items()))
            raise api.NoInputError(f"cannot read {text_of(path)}: {reason}", "name a file, or a glob that matches one")
        if not found:
            raise api.NoInputError(
                f"no file matches {', '.join(missing)}", "check the path; a relative one starts at the current folder"
            )
        for pattern in missing:
            self._ctx.log.warning("no file matches", glob=pattern)

    def _recognise(
        self, generation: Generation, found: Mapping[Path, Stat], keys: Mapping[Key, Path], now: float
    ) -> None:
        """Follow a known file to the name that it has now."""
        key = generation.key
        if key is not None and key not in keys and self._still_there(generation):
            return
        if key is None or key not in keys:
            if generation.done or generation.source is None:
                self._lose(generation, now)
            elif generation.orphaned_at is None:
                generation.orphaned_at = now
            return
        generation.orphaned_at = None
        at = found.get(generation.path)
        if at is None or key_of(at) != key:
            if not self._ctx.once and _prepared(generation, keys[key]):
                self._roster.lose(generation, now)
                self._roster.forget(generation)  # what it is under its new name is told when that is admitted
                return
            generation.called(keys[key])
        if generation.done:
            self._reconsider(generation, found, now)

    def _lose(self, generation: Generation, now: float) -> None:
        """Its file is gone: remember also over a stop what was not read of it."""
        self._roster.lose(generation, now)
        owed = generation.owed()
        if owed is not None and not self._ctx.once:
            self._out.append(owed)

    def _still_there(self, generation: Generation) -> bool:
        """A file is not gone because its folder could not be listed just now (no descriptors, no permission)."""
        try:
            stat = self._ctx.files.stat(generation.path)
        except OSError:
            return False
        return stat is not None and key_of(stat) == generation.key

    def _reconsider(self, generation: Generation, found: Mapping[Path, Stat], now: float) -> None:
        """Nothing more was expected of the file: was it written all the same, or written over?"""
        stat = found[generation.path]
        if stat.size > generation.expected and not generation.packed:
            self._follow(generation, found, now)
        elif stat.size != generation.expected or not self._unchanged(generation, stat):
            self._roster.lose(generation, now)

    def _unchanged(self, generation: Generation, stat: Stat) -> bool:
        """Whether a file of the same size, that was touched, has the same bytes."""
        if stat.modified != generation.modified and not generation.packed and generation.place is not None:
            try:
                source = open_source(self._ctx.files, generation.path)
            except OSError as error:
                self._finder.tell(generation.path, reason_of(error))
                return True
            try:
                if generation.place.marks(source.pread) is None:
                    return False
            finally:
                source.close()
        generation.modified = stat.modified
        return True

    def _admit(self, path: Path, found: Mapping[Path, Stat], now: float) -> None:
        """Find out what an unknown file is, and follow it."""
        stat = found[path]
        key = key_of(stat)
        try:
            verdict = self.judge(path, stat)
        except FileNotFoundError:
            return  # renamed since it was listed: the next scan finds it
        except (OSError, DamagedError) as error:
            self._finder.tell(path, reason_of(error))
            return
        if verdict.kind == "refused":
            self._finder.tell(path, REFUSED)
        if verdict.kind in ("refused", "young", "wait"):
            return
        generation = verdict.generation
        if generation is None:
            generation = Generation(self._ctx.unique(), path, key)
            generation.log = generation.name.log
            # An inode that is known had other bytes: it was truncated, and its writer may have left a hole.
            generation.hollow = self._roster.was_at(key)
            self._roster.add(generation)
        self._roster.bind(generation, path, key, stat)
        if not generation.done:
            self._follow(generation, found, now)
        elif generation.place is not None and generation.place.key == key:
            if stat.size != generation.expected:
                self._follow(generation, found, now)
        elif generation.packed or stat.size > generation.offset:
            self._follow(generation, found, now)
        else:
            self._out.append(generation.mark())

    def judge(self, path: Path, stat: Stat) -> Verdict:
        """What a file is that no generation is bound to. Raises OSError and DamagedError when it cannot be read."""
        if parse(path).packing and not self._ctx.once and self._quiet(stat) < self._rules.close_after:
            return Verdict("young")  # what it is can only be told when it is whole
        if not self._ctx.files.trusted(path, stat):
            return Verdict("refused")
        key = key_of(stat)
        generation = self._resume(path, stat, key)
        if generation is not None:
            return Verdict("adopt", generation)
        return self._adoption.judge(path, stat, key, self._roster.kin(path))

    def _follow(self, generation: Generation, found: Mapping[Path, Stat], now: float) -> None:
        stat = found[generation.path]
        generation.done = generation.stuck = False
        generation.size, generation.modified = stat.size, stat.modified
        generation.changed_at = now - self._quiet(stat)
        generation.limit = stat.size if self._ctx.once and not generation.packed else None
        self._roster.activate(generation, found.keys())

    def _resume(self, path: Path, stat: Stat, key: Key) -> Generation | None:
        """The generation whose last known file this is, if the bytes agree."""
        packing = parse(path).packing
        for generation in sorted(self._roster.missing(key), key=lambda g: (g.done, -g.offset)):
            place = generation.place
            if generation.untouched or place is None:
                if stat.size >= generation.size:
                    return generation
                continue
            if parse(path_of(place.path)).packing != packing:
                continue
            if place.done and place.size == stat.size != place.offset:
                return generation
            source = open_source(self._ctx.files, path)
            try:
                if place.marks(source.pread) is not None:
                    return generation
            finally:
                source.close()
        return None

    def _wait_for_missing(self, found: Mapping[Path, Stat], now: float) -> None:
        """What was being read at the last stop and is not there now may come back as another file."""
        for generation in self._roster.known.values():
            if generation.key is None:
                generation.orphaned_at = now
                if not generation.done and not self._ctx.once:
                    self._roster.activate(generation, found.keys())

    def _start_at_end(self) -> None:
        batches = []
        for generation in self._roster:
            if generation.packed:
                generation.done = True
                self._roster.retire(generation)
            elif not self._skip(generation):
                continue
            batches.append(generation.mark())
        if batches:
            self._out.append(_together(batches))

    def _skip(self, generation: Generation) -> bool:
        """Move a new generation behind the last newline that is there."""
        try:
            source = open_source(self._ctx.files, generation.path)
        except OSError as error:
            self._finder.tell(generation.path, reason_of(error))
            return False
        try:
            end = generation.size
            while end > 0:
                start = max(0, end - _STEP)
                newline = source.pread(end - start, start).rfind(b"\n")
                if newline >= 0:
                    generation.skip_to(start + newline + 1, source)
                    break
                end = start
        finally:
            source.close()
        return True

    def _quiet(self, stat: Stat) -> float:
        """For how many seconds the file was not written, as far as the wall clock tells."""
        return max(0.0, (self._ctx.clock.now() - stat.modified) / 1_000_000)


def key_of(stat: Stat) -> Key:
    return (stat.device, stat.inode, stat.born)


def reason_of(error: Exception) -> str:
    """What went wrong, in a few words, without the path."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error)


def _together(batches: list[api.Batch]) -> api.Batch:
    """Batches without rows as one, so that their positions are committed at once."""
    return replace(batches[0], span={name: span for batch in batches for name, span in batch.span.items()})


def _prepared(generation: Generation, path: Path) -> bool:
    """Whether a file of which nothing was read came to its name in the rotation of another log: it may be a copy, or a
    compressed form, that was made under a name of its own (`app.log.1.gz.tmp`)."""
    untouched = generation.committed is None and generation.source is None and generation.at == 0
    name = parse(path)
    return untouched and name.rotated and (name.log, name.packing) != (generation.name.log, generation.name.packing)


def _age(path: Path, stat: Stat) -> tuple[int, bool, tuple[int, ...], Path]:
    """Oldest first: by the last write, then by what the names say."""
    name = parse(path)
    return (stat.modified, name.kind == "live" and name.packing is None, name.order, path)
