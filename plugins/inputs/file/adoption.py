"""Is an unknown file the continuation, the compressed form or a copy of something that was read before?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.api.world import Files, Stat

from .decoding import DamagedError, Packed, Source
from .generation import Generation
from .identity import MARK, Key
from .rotation import parse


@dataclass(frozen=True, slots=True)
class Verdict:
    """`new`: read it from its beginning. `wait`: a copy of what `generation` reads or has read; leave it alone. `adopt`:
    `generation` goes on in this file. `young`: a compressed file that may still be being written. `refused`: somebody may have
    linked it there who may not read it."""

    kind: Literal["new", "wait", "adopt", "young", "refused"]
    generation: Generation | None = None


_ANSWERS = 100_000
"""Most answers that are remembered; what is forgotten is compared again."""

NEW = Verdict("new")


class Adoption:
    """Compares files with generations by content, and remembers the answers that cannot change."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._unlike: set[tuple[Key, str]] = set()
        self._parked: dict[Key, tuple[tuple[object, ...], Verdict]] = {}

    def judge(self, path: Path, stat: Stat, key: Key, generations: Iterable[Generation]) -> Verdict:
        """What an unknown file is. Raises OSError and DamagedError when it cannot be read."""
        related = sorted((g for g in generations if _related(g, path, stat)), key=lambda g: -g.offset)
        related = [g for g in related if (key, g.partition) not in self._unlike]
        if not related:
            return NEW
        if len(self._unlike) + len(self._parked) > _ANSWERS:
            self._unlike.clear()
            self._parked.clear()
        state = (stat.size, stat.modified, *((g.partition, g.offset, g.done, g.key is None) for g in related))
        parked, verdict = self._parked.get(key, ((), NEW))
        if parked == state:
            return verdict
        source = open_source(self._files, path)
        try:
            verdict = self._compare(source, path, stat, key, related)
        except DamagedError:
            self._parked[key] = state, Verdict("wait")
            raise
        finally:
            source.close()
        if verdict.kind == "wait":
            self._parked[key] = state, verdict
        else:
            self._parked.pop(key, None)
        return verdict

    def _compare(self, source: Source, path: Path, stat: Stat, key: Key, related: list[Generation]) -> Verdict:
        rotated = parse(path).rotated
        for generation in related:
            lost = generation.key is None
            if generation.untouched and lost:
                if _may_hold(source, stat, generation):
                    return Verdict("adopt", generation)
            elif not isinstance(source, Packed) and stat.size < generation.reach:
                if rotated and self._is_prefix(source, stat.size, generation):
                    return Verdict("adopt" if lost and generation.done else "wait", generation)
            elif not generation.is_in(source):
                self._unlike.add((key, generation.partition))
            elif not lost:
                return Verdict("wait", generation) if rotated else NEW
            else:
                return Verdict("adopt", generation)
        return NEW

    def _is_prefix(self, source: Source, size: int, generation: Generation) -> bool:
        """Whether a shorter file is a copy that is still being made, or that was made before the last bytes were written."""
        if not generation.begins_like(source.pread(MARK, 0)):
            return size == 0
        if generation.key is None:
            return True
        held = generation.source or open_source(self._files, generation.path)
        try:
            start = max(0, size - MARK)
            return source.pread(size - start, start) == held.pread(size - start, start)
        finally:
            if held is not generation.source:
                held.close()


def open_source(files: Files, path: Path) -> Source:
    """Open a file for reading by position, decompressed if its name says so. Raises OSError."""
    packing = parse(path).packing
    file = files.read(path)
    return Packed(file, packing) if packing else file


def _related(generation: Generation, path: Path, stat: Stat) -> bool:
    """Whether the names allow that a file holds the bytes of a generation.

    Rotation names do; a file under a live name (`access.log`) is a new one, except when it was moved as a whole:
    a restored backup, or a device number that changed at a reboot."""
    name = parse(path)
    if name.log.name != generation.name.log.name and name.log.name != generation.log.name:
        return False
    long = generation.offset >= MARK
    if generation.untouched:
        comparable = generation.key is None or (generation.source is not None and generation.size > 0)
        return name.rotated and comparable and path.parent == generation.path.parent
    if generation.offset == 0:
        return False
    if name.rotated:
        return long or path.parent == generation.path.parent
    same_inode = generation.lay is not None and stat.inode == generation.lay[1]
    return path == generation.path and generation.key is None and (long or same_inode)


def _may_hold(source: Source, stat: Stat, generation: Generation) -> bool:
    """Whether a file may be another form of one that is gone, and of which nothing was given. Nothing can be given twice, but
    taken for one that it is not, a file would hide that the other was never read."""
    if isinstance(source, Packed):
        return not generation.packed
    copied = (stat.size, stat.modified) == (generation.size, generation.modified)
    return copied or (generation.pending > 0 and generation.is_in(source))
