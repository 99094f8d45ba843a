"""Open files, few enough: the one that was used longest ago is closed first, and opened again when it is needed."""

from __future__ import annotations

import errno
from collections import OrderedDict

from pipeline.api.world import Files

from .adoption import open_source
from .generation import Generation
from .rules import HANDLES, HANDLES_SHARE
from .search import key_of
from .trail import ReplacedError


class MovedError(Exception):
    """The path has another file now, or none."""


class Handles:
    """Opens generations and closes idle ones. A generation that has lost its path is never closed before its end: nothing
    could open it again."""

    def __init__(self, files: Files, most: int = HANDLES) -> None:
        self._files = files
        self._most = max(1, min(most, files.handles // HANDLES_SHARE))
        self._open: OrderedDict[str, Generation] = OrderedDict()

    def open(self, generation: Generation) -> None:
        """Make sure that it has a source. Raises OSError, DamagedError, MovedError, or ReplacedError when the bytes before
        its offset are not those that were read."""
        self._open[generation.partition] = generation
        self._open.move_to_end(generation.partition)
        if generation.source is not None:
            return
        self._spare(self._most)
        try:
            source = open_source(self._files, generation.path)
        except FileNotFoundError as error:
            raise MovedError from error
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
            self._spare(len(self._open) // 2)
            source = open_source(self._files, generation.path)
        taken = False
        try:
            if key_of(source.stat()) != generation.key:
                raise MovedError
            taken = generation.open(source)
            if not taken:
                raise ReplacedError
        finally:
            if not taken:
                source.close()

    def shut(self, generation: Generation) -> None:
        self._open.pop(generation.partition, None)
        generation.shut()

    def close(self) -> None:
        for generation in self._open.values():
            generation.shut()
        self._open.clear()

    def _spare(self, most: int) -> None:
        """Close files until at most `most` are open, the one that was just asked for included."""
        idle = [g for g in self._open.values() if g.source is not None and g.orphaned_at is None]
        excess = max(0, len(self._open) - most)
        for generation in sorted(idle, key=lambda g: g.pending > 0)[:excess]:
            self.shut(generation)
