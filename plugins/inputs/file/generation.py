"""One generation: the bytes written under one file, from its creation on, whatever it is called later."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import polars as pl

from pipeline import api
from pipeline.api.records import LONGEST, open_record, records

from .decoding import Packed, Source
from .identity import MARK, Key, Mark, Place
from .naming import text_of
from .rotation import Name, parse
from .rules import EAGER
from .trail import ReplacedError, Trail

CHUNK = EAGER
"""Most bytes of one read."""

_AGAIN = 64 * 1024


class State(StrEnum):
    """What can be done with a generation."""

    LIVE = "live"
    """Its file has a path that the globs match."""
    LOOSE = "loose"
    """Its file was renamed out of the globs or deleted, but is still open: it is read to its end."""
    LOST = "lost"
    """Its file was truncated or is gone: it waits for a copy or a compressed form."""
    DONE = "done"
    """Nothing more is expected: it is only remembered, so that copies of it are known."""


class Generation:
    """Reads one partition. Knows bytes and offsets; where its file is and when to read is its follower's business.

    Not thread-safe; methods that read block."""

    def __init__(self, partition: str, path: Path, key: Key | None, place: Place | None = None) -> None:
        self.partition = partition
        self.key = key
        self.lay = place.key if place else None
        """Where its file is, or was when it was last seen."""
        self.place = place
        self.committed: api.Position = place.position() if place else None
        """The end of the last batch: the start of the next."""
        self.path = path
        self.name: Name = parse(path)
        self.log = path
        """The live name of the log that it belongs to: files of one log are read one after the other."""
        self._trail = Trail(place.offset if place else 0)
        self.done = place.done if place else False
        self.source: Source | None = None
        self.size = 0 if place is None else place.unread if self.packed else place.offset + place.unread
        self.modified = 0
        self.changed_at = 0.0
        self.seen_at = float("-inf")
        self.looked = 0
        """The wall clock (µs) at the last look at its file; 0 before the first."""
        self.read_at = float("-inf")
        self.retry_at = float("-inf")
        self.ended = False
        """The last read came short."""
        self.renamed = False
        self.orphaned_at: float | None = None
        self.limit: int | None = None
        self.stuck = False
        """A compressed file that cannot be read on before it changes."""
        self.hollow = False
        """The file was truncated under its writer: a run of zeros at its beginning was never written by anyone."""
        self._taken = 0

    @property
    def state(self) -> State:
        if self.done:
            return State.DONE
        if self.key is None:
            return State.LOST
        return State.LIVE if self.orphaned_at is None else State.LOOSE

    @property
    def offset(self) -> int:
        """Everything before it was given."""
        return self._trail.offset

    @property
    def at(self) -> int:
        """The offset up to which bytes were read; those after `offset` are the beginning of a record."""
        return self._trail.at

    @property
    def pending(self) -> int:
        return self._trail.held

    @property
    def untouched(self) -> bool:
        """Nothing of it was given, so nothing can be given twice."""
        return self.offset == 0 and not self.done

    @property
    def packed(self) -> bool:
        return self.name.packing is not None

    @property
    def waiting(self) -> int:
        """Bytes that can be read now; for compressed files compressed bytes, at least 1 until their end was seen."""
        if self.done or self.stuck:
            return 0
        return max(1, self.ahead) if self.packed else self.ahead

    @property
    def ahead(self) -> int:
        """Bytes of the file that were not read yet, compressed ones of a compressed file."""
        if self.packed:
            return max(0, self.size - (self.source.taken if isinstance(self.source, Packed) else self._taken))
        return max(0, (self.size if self.limit is None else min(self.size, self.limit)) - self.at)

    @property
    def expected(self) -> int:
        """The size of the file when nothing was added since it was done."""
        return self.place.size if self.place is not None and self.place.size is not None else self.offset

    def called(self, path: Path) -> None:
        """Its file is called `path` now."""
        if path != self.path:
            self.path, self.name, self.renamed = path, parse(path), True

    def open(self, source: Source) -> bool:
        """Go on in `source`, if it has the bytes that were read before; else False, and the source is not taken."""
        place = self.place
        if place is not None:
            marks = place.marks(source.pread)
            if marks is None:
                return False
            self._trail.found(*marks)
        elif self.offset == 0 and source.hole():
            self.hollow = True
        self._trail.drop()
        self.source = source
        return True

    def shut(self) -> None:
        """Close the source. Bytes of an unfinished record are read again after the next `open`."""
        if self.source is not None:
            self._taken = self.source.taken if isinstance(self.source, Packed) else 0
            self.source.close()
            self.source = None

    def begins_like(self, head: bytes) -> bool:
        """True when the generation's first bytes, as far as they are known, are those of `head`."""
        known = self._trail.begins_like(head)
        if known is None:
            return self.place is not None and Mark.of(head[: self.place.head.length]) == self.place.head
        return known

    @property
    def reach(self) -> int:
        """How many bytes another file must have to be compared with this generation."""
        return self.offset if not self.untouched else self.at if self.pending else self.size

    def is_in(self, source: Source) -> bool:
        """Whether `source` has the bytes that were given; or, when none were, those that were read, or that are there."""
        if self.place is not None and not self.untouched:
            return self.place.marks(source.pread) is not None
        if self.pending:
            return self._trail.holds(source.pread)
        if self.source is None:
            return False
        length = min(MARK, self.size)
        return all(source.pread(length, at) == self.source.pread(length, at) for at in (0, self.size - length))

    def intact(self) -> bool:
        """Compare the bytes before `at`, and the first ones, with those in memory. Compressed files are never written again
        in place."""
        return self.source is None or self.packed or self._trail.leads(self.source.pread)

    def skip_to(self, offset: int, source: Source) -> None:
        """Begin at `offset` instead of at the file's start; `source` has the bytes before it."""
        self._trail.begin(offset, source.pread)

    def read(self) -> api.Batch | None:
        """Read on. None when no record was completed. Raises OSError, DamagedError, ReplacedError."""
        if self.source is None:
            raise ValueError("read before open")
        if self.hollow and self.at == 0:
            self._trail.skip(self.source.hole())
        room = CHUNK if self.limit is None or self.packed else min(CHUNK, self.limit - self.at)
        data = self.source.pread(room, self.at)
        self.ended = len(data) < room
        return self._append(data)

    def read_line(self) -> api.Batch | None:
        """Read beyond the limit, to the end of the record that it cuts."""
        if self.source is None:
            raise ValueError("read before open")
        data = self.source.pread(CHUNK // 16, self.at)
        self.ended = True
        self.limit = self.at + len(data)
        end = data.find(b"\n") + 1
        batch = self._append(data[:end] if end else data)
        self.limit = self.at
        return batch

    def _append(self, data: bytes) -> api.Batch | None:
        # The look back comes after the read: bytes that are still there now were there when the new ones were read.
        if not self.intact():
            raise ReplacedError
        if self.hollow:
            data = self._skip_hole(data)
        if not data:
            return None
        if b"\n" not in data:
            self._trail.hold(data)
            return self.flush() if self.pending >= LONGEST else None
        chunk = self._trail.join(data)
        raw, offsets, consumed = records(chunk, self.offset)
        rest = chunk[consumed:]
        batch = self._batch(raw, offsets, chunk, consumed)
        # To read a short rest again with the next chunk costs less than to join the two.
        keep = rest and (self.packed or self.ended or len(rest) > _AGAIN)
        self._trail.drop()
        if keep:
            self._trail.hold(rest)
        return batch

    def _skip_hole(self, data: bytes) -> bytes:
        written = data.lstrip(b"\0")
        self._trail.skip(len(data) - len(written))
        self.hollow = not written
        return written

    def flush(self) -> api.Batch | None:
        """The unfinished record at the end as a record of its own, or None when there is none."""
        if not self.pending:
            return None
        data = self._trail.join(b"")
        batch = self._batch(*open_record(data, self.offset), data, len(data), open_line=True)
        self._trail.drop()
        return batch

    def drop(self) -> int:
        """Forget the beginning of a record. Gives its bytes."""
        return self._trail.drop()

    def finish(self) -> api.Batch | None:
        """Nothing more is expected. Gives a batch without rows if that has to be remembered."""
        self.done = True
        unchanged = self.place is None or (self.place.done and self.place.key == self.key)
        return None if unchanged else self.mark()

    def owed(self) -> api.Batch | None:
        """A batch without rows that remembers how much was not read, if it is not remembered yet."""
        known = self.place.unread if self.place is not None else 0
        return self.mark() if self._unread != known else None

    def mark(self) -> api.Batch:
        """A batch without rows, that moves the position to what is known now (name, identity, done)."""
        empty = pl.Series("@offset", [], dtype=pl.Int64)
        return self._batch(pl.Series("@raw", [], dtype=pl.Binary), empty, b"", 0)

    def _batch(
        self, raw: pl.Series, offsets: pl.Series, data: bytes, size: int, *, open_line: bool = False
    ) -> api.Batch:
        """Move the offset behind the first `size` bytes of `data`, which are the records `raw`."""
        self._trail.give(data, size)
        kept_open = self.place is not None and self.place.open_line and size == 0
        self.place = Place(
            path=text_of(self.path),
            key=self.lay or (0, 0, 0),
            offset=self.offset,
            head=self._trail.head(self.place),
            tail=self._trail.tail(self.place),
            done=self.done,
            open_line=open_line or kept_open,
            size=self.size if self.done else None,
            unread=self._unread,
        )
        start, self.committed = self.committed, self.place.position()
        return api.lines(
            raw,
            offsets,
            partition=self.partition,
            start=start,
            end=self.committed,
            path=text_of(self.path),
            terminated=not open_line,
        )

    @property
    def _unread(self) -> int:
        if self.done:
            return 0
        return self.ahead if self.packed else max(0, self.size - self.offset)
