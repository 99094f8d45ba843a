"""What makes a file the same file: where it lies, how it begins, and what stands before the place we have read to.

A name is no identity (files are renamed), nor is an inode (it is used again), nor a beginning (headers are alike). Bytes
are: an offset is only believed after the bytes before it were compared.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from pipeline import api

MARK = 1024
"""Bytes at the beginning, and before the offset, that a place remembers."""

Key = tuple[int, int, int]
"""Device, inode, birth time (µs): where a file lies, for as long as it exists."""

Pread = Callable[[int, int], bytes]
"""Size and offset to bytes; fewer only at the end."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The hash of some bytes, and how many they were."""

    length: int
    sha: str

    @classmethod
    def of(cls, data: bytes) -> Mark:
        return cls(len(data), sha256(data).hexdigest()[:32])


@dataclass(frozen=True, slots=True)
class Place:
    """How far a generation was read, and how to know it again. Its JSON is the partition's position.

    `head` covers the first min(offset, MARK) bytes, `tail` as many before the offset; offsets of compressed files count
    plain bytes. `done`: nothing more is expected. `open_line`: the record before the offset had no newline.
    `size`: of the file when it was done, also when that is a compressed form, or a copy made before the last bytes came.
    `unread`: bytes of the file that were known and not given when this was made; compressed ones of a compressed file."""

    path: str
    key: Key
    offset: int
    head: Mark
    tail: Mark
    done: bool = False
    open_line: bool = False
    size: int | None = None
    unread: int = 0

    def position(self) -> api.Position:
        device, inode, born = self.key
        position: dict[str, api.Position] = {
            "path": self.path,
            "dev": device,
            "ino": inode,
            "born": born,
            "offset": self.offset,
            "head": {"len": self.head.length, "sha": self.head.sha},
            "tail": {"len": self.tail.length, "sha": self.tail.sha},
        }
        if self.done:
            position["done"] = True
        if self.open_line:
            position["open_line"] = True
        if self.size is not None:
            position["size"] = self.size
        if self.unread:
            position["unread"] = self.unread
        return position

    @classmethod
    def parse(cls, position: api.Position) -> Place:
        """The place that `position` was made of. Raises ValueError for any other JSON."""
        try:
            return cls._parse(position)  # type: ignore[arg-type]  # whatever else it is ends in the line below
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a position of a file: {position!r}") from error

    @classmethod
    def _parse(cls, position: dict[str, dict[str, int]]) -> Place:
        fields: dict[str, object] = dict(position)
        size = fields.get("size")
        return cls(
            path=str(fields["path"]),
            key=(_int(fields["dev"]), _int(fields["ino"]), _int(fields["born"])),
            offset=_int(fields["offset"]),
            head=Mark(_int(position["head"]["len"]), str(position["head"]["sha"])),
            tail=Mark(_int(position["tail"]["len"]), str(position["tail"]["sha"])),
            done=fields.get("done") is True,
            open_line=fields.get("open_line") is True,
            size=None if size is None else _int(size),
            unread=_int(fields.get("unread", 0)),
        )

    def marks(self, pread: Pread) -> tuple[bytes, bytes] | None:
        """The bytes of head and tail, read from a file, if they are those of this place; None when it is another file."""
        head = self.head_in(pread)
        tail = self.tail_in(pread) if head is not None else None
        return None if head is None or tail is None else (head, tail)

    def head_in(self, pread: Pread) -> bytes | None:
        """The first bytes of a file, if they are those of this place."""
        head = pread(self.head.length, 0)
        return head if Mark.of(head) == self.head else None

    def tail_in(self, pread: Pread) -> bytes | None:
        """The bytes of a file before the offset, if they are those of this place."""
        tail = pread(self.tail.length, self.offset - self.tail.length)
        return tail if Mark.of(tail) == self.tail else None


def _int(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(value)
    return value
