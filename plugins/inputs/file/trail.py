"""What was read of a file, as far as it is needed to go on and to know the file again."""

from __future__ import annotations

from .identity import MARK, Mark, Place, Pread


class ReplacedError(Exception):
    """The bytes before the offset are no longer there: the file was truncated and written anew."""


class Trail:
    """The first bytes, those before the place that was reached, and the beginning of a record whose end is not there yet.

    `offset`: everything before it was given. Bytes behind it, up to `at`, are held."""

    def __init__(self, offset: int) -> None:
        self.offset = offset
        self._head = b""
        self._tail = b""
        self._held: list[bytes] = []
        self.held = 0
        """Bytes of a record that is not given yet."""

    @property
    def at(self) -> int:
        """The offset up to which bytes were read."""
        return self.offset + self.held

    def found(self, head: bytes, tail: bytes) -> None:
        """The bytes before the offset were read again; what was held will be, too."""
        self._head, self._tail = head, tail

    def begin(self, offset: int, pread: Pread) -> None:
        """Go on at `offset`, as if everything before it had been given."""
        length = min(MARK, offset)
        self._head, self._tail, self.offset = pread(length, 0), pread(length, offset - length), offset

    def skip(self, zeros: int) -> None:
        """Go on behind so many zeros. Nothing may be held."""
        mark = bytes(min(zeros, MARK))
        self._head = (self._head + mark)[:MARK]
        self._tail = (self._tail + mark)[-MARK:]
        self.offset += zeros

    def hold(self, data: bytes) -> None:
        """Keep the next part of a record."""
        self._held.append(data)
        self.held += len(data)

    def join(self, data: bytes) -> bytes:
        """What is held and what follows it."""
        return b"".join((*self._held, data)) if self._held else data

    def drop(self) -> int:
        """Forget what is held. Gives how much it was."""
        dropped = self.held
        self._held, self.held = [], 0
        return dropped

    def give(self, data: bytes, size: int) -> None:
        """The first `size` bytes of `data`, which follow the offset, were given. What is held stays as it is."""
        if len(self._head) < MARK:
            self._head = (self._head + data[: min(size, MARK)])[:MARK]
        self._tail = data[size - MARK : size] if size >= MARK else (self._tail + data[:size])[-MARK:]
        self.offset += size

    def head(self, place: Place | None) -> Mark:
        """The mark of the first bytes; that of `place` while none were read."""
        return Mark.of(self._head) if self._head or place is None else place.head

    def tail(self, place: Place | None) -> Mark:
        return Mark.of(self._tail) if self._tail or place is None else place.tail

    def begins_like(self, head: bytes) -> bool | None:
        """Whether a file begins so, as far as both are known; None when nothing is."""
        length = min(len(head), len(self._head))
        return head[:length] == self._head[:length] and length > 0 if self._head else None

    def holds(self, pread: Pread) -> bool:
        """Whether a file has what is held, at the same place."""
        first, last = self._held[0][:MARK], self._last()
        return pread(len(first), self.offset) == first and pread(len(last), self.at - len(last)) == last

    def leads(self, pread: Pread) -> bool:
        """Whether a file still has the first bytes, and those before `at`."""
        first, last = self._first(), self._last()
        if pread(len(last), self.at - len(last)) != last:
            return False
        return len(last) == self.at or pread(len(first), 0) == first

    def _first(self) -> bytes:
        """The first bytes, at most MARK, as far as they were read."""
        if len(self._head) >= MARK or not self._held:
            return self._head
        return (self._head + self._held[0])[:MARK]

    def _last(self) -> bytes:
        """The last bytes before `at`, at most MARK."""
        last = b""
        for part in reversed(self._held):
            last = part[-(MARK - len(last)) :] + last
            if len(last) >= MARK:
                return last
        return (self._tail[-(MARK - len(last)) :] + last) if len(last) < MARK else last
