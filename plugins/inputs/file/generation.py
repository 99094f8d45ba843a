"""One generation: the bytes written under one file, from its creation on, whatever it is called later."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl

from pipeline import api
from pipeline.api.records import LONGEST, open_record, records

from .decoding import Packed, Source
from .identity import MARK, Key, Mark, Place
from .naming import text_of
from .rotation import Name, parse
from .rules import EAGER

CHUNK = EAGER
"""Most bytes of one read."""

_AGAIN = 64 * 1024


class ReplacedError(Exception):
    """The bytes before the offset are no longer there: the file was truncated and written anew."""


class Generation:
    """Reads one partition. Knows bytes and offsets; where its file is and when to read is its follower's business.

    Not thread-safe; methods that read block."""

    def __init__(self, partition: str, path: Path, key: Key | None, place: Place | None = None) -> None:
        self.partition = partition
        self.key = key
        self.place = place
        self.committed: api.Position = place.position() if place else None
        """The end of the last batch: the start of the next."""
        self.path = path
        self.name: Name = parse(path)
        self.log = path
        """The live name of the log that it belongs to: files of one log are read one after the other."""
        self.offset = place.offset if place else 0
        self.done = place.done if place else False
        self.source: Source | None = None
        self.size = self.offset
        self.modified = 0
        self.changed_at = 0.0
        self.seen_at = float("-inf")
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
        self._head = b""
        self._tail = b""
        self._pending: list[bytes] = []
        self._pending_size = 0

    @property
    def at(self) -> int:
        """The offset up to which bytes were read; those after `offset` are the beginning of a record."""
        return self.offset + self._pending_size

    @property
    def pending(self) -> int:
        return self._pending_size

    @property
    def packed(self) -> bool:
        return self.name.packing is not None

    @property
    def waiting(self) -> int:
        """Bytes that can be read now; for compressed files compressed bytes, at least 1 until their end was seen."""
        if self.done or self.stuck:
            return 0
        if not self.packed:
            return max(0, (self.size if self.limit is None else min(self.size, self.limit)) - self.at)
        taken = self.source.taken if isinstance(self.source, Packed) else 0
        return max(1, self.size - taken)

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
            self._head, self._tail = marks
        self._forget_pending()
        self.source = source
        return True

    def shut(self) -> None:
        """Close the source. Bytes of an unfinished record are read again after the next `open`."""
        if self.source is not None:
            self.source.close()
            self.source = None

    def begins_like(self, head: bytes) -> bool:
        """True when the generation's first bytes, as far as they are known, are those of `head`."""
        if not self._head:
            return self.place is not None and Mark.of(head[: self.place.head.length]) == self.place.head
        length = min(len(head), len(self._head))
        return length > 0 and head[:length] == self._head[:length]

    @property
    def reach(self) -> int:
        """How many bytes another file must have to be compared with this generation."""
        return self.offset if self.place is not None else self.at if self._pending else self.size

    def is_in(self, source: Source) -> bool:
        """Whether `source` has the bytes that were given; or, when none were, those that were read, or that are there."""
        if self.place is not None:
            return self.place.marks(source.pread) is not None
        if self._pending:
            first, last = self._pending[0][:MARK], self._last()
            at = self.at - len(last)
            return source.pread(len(first), self.offset) == first and source.pread(len(last), at) == last
        if self.source is None:
            return False
        length = min(MARK, self.size)
        return all(source.pread(length, at) == self.source.pread(length, at) for at in (0, self.size - length))

    def intact(self) -> bool:
        """Compare the bytes before `at` with those in memory. Compressed files are never written again in place."""
        if self.source is None or self.packed:
            return True
        last = self._last()
        return self.source.pread(len(last), self.at - len(last)) == last

    def skip_to(self, offset: int, source: Source) -> None:
        """Begin at `offset` instead of at the file's start; `source` has the bytes before it."""
        self._head = source.pread(min(MARK, offset), 0)
        length = min(MARK, offset)
        self._tail = source.pread(length, offset - length)
        self.offset = offset

    def read(self) -> api.Batch | None:
        """Read on. None when no record was completed. Raises OSError, DamagedError, ReplacedError."""
        if self.source is None:
            raise ValueError("read before open")
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
            self._pending.append(data)
            self._pending_size += len(data)
            return self.flush() if self._pending_size >= LONGEST else None
        chunk = b"".join((*self._pending, data)) if self._pending else data
        raw, offsets, consumed = records(chunk, self.offset)
        rest = chunk[consumed:]
        batch = self._batch(raw, offsets, chunk, consumed)
        # To read a short rest again with the next chunk costs less than to join the two.
        keep = rest and (self.packed or self.ended or len(rest) > _AGAIN)
        self._pending, self._pending_size = ([rest], len(rest)) if keep else ([], 0)
        return batch

    def _skip_hole(self, data: bytes) -> bytes:
        written = data.lstrip(b"\0")
        hole = len(data) - len(written)
        self._head = (self._head + data[: min(hole, MARK)])[:MARK]
        self._tail = (self._tail + data[:hole])[-MARK:]
        self.offset += hole
        self.hollow = not written
        return written

    def flush(self) -> api.Batch | None:
        """The unfinished record at the end as a record of its own, or None when there is none."""
        if not self._pending:
            return None
        data = b"".join(self._pending)
        batch = self._batch(*open_record(data, self.offset), data, len(data), open_line=True)
        self._forget_pending()
        return batch

    def finish(self) -> api.Batch | None:
        """Nothing more is expected. Gives a batch without rows if that has to be remembered."""
        self.done = True
        unchanged = self.place is None or (self.place.done and self.place.key == self.key)
        return None if unchanged else self.mark()

    def mark(self) -> api.Batch:
        """A batch without rows, that moves the position to what is known now (name, identity, done)."""
        empty = pl.Series("@offset", [], dtype=pl.Int64)
        return self._batch(pl.Series("@raw", [], dtype=pl.Binary), empty, b"", 0)

    def _batch(
        self, raw: pl.Series, offsets: pl.Series, data: bytes, size: int, *, open_line: bool = False
    ) -> api.Batch:
        """Move the offset behind the first `size` bytes of `data`, which are the records `raw`."""
        if len(self._head) < MARK:
            self._head = (self._head + data[: min(size, MARK)])[:MARK]
        self._tail = data[size - MARK : size] if size >= MARK else (self._tail + data[:size])[-MARK:]
        self.offset += size
        kept_open = self.place is not None and self.place.open_line and size == 0
        self.place = Place(
            path=text_of(self.path),
            key=self.key if self.key is not None else self.place.key if self.place is not None else (0, 0, 0),
            offset=self.offset,
            head=Mark.of(self._head) if self._head or self.place is None else self.place.head,
            tail=Mark.of(self._tail) if self._tail or self.place is None else self.place.tail,
            done=self.done,
            open_line=open_line or kept_open,
            size=self.size if self.done else None,
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

    def _last(self) -> bytes:
        """The last bytes before `at`, at most MARK."""
        last = b""
        for part in reversed(self._pending):
            last = part[-(MARK - len(last)) :] + last
            if len(last) >= MARK:
                return last
        return (self._tail[-(MARK - len(last)) :] + last) if len(last) < MARK else last

    def _forget_pending(self) -> None:
        self._pending, self._pending_size = [], 0


def together(batches: list[api.Batch]) -> api.Batch:
    """Batches without rows as one, so that their positions are committed at once."""
    return replace(batches[0], span={name: span for batch in batches for name, span in batch.span.items()})
