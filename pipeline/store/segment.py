"""One open segment, the kinds of them, and how what the database keeps of a layout is written."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from enum import Enum
from pathlib import Path

from pipeline.api import Layout, Roll
from pipeline.errors import StateError
from pipeline.store.changes import Piece
from pipeline.store.values import place, position


class Kind(Enum):
    """How the bytes of a segment come to their destination."""

    DIRECT = "every commit's bytes are appended to the destination as they are"
    FRAMED = "compressed frames are appended to the destination; what is too small for one waits in the tail"
    REMOTE = "bytes wait in the outbox and are sent when the segment is sealed"
    WHOLE = "bytes wait in the outbox and are encoded and put in place as one file when the segment is sealed"

    @property
    def in_place(self) -> bool:
        """True when the body is the destination itself, so that sealing completes it."""
        return self in (Kind.DIRECT, Kind.FRAMED)

    @property
    def delivered(self) -> bool:
        """True when a sealed segment waits for a shipper."""
        return not self.in_place


def kind_of(layout: Layout) -> Kind:
    if not layout.in_place:
        return Kind.REMOTE
    if layout.whole:
        return Kind.WHOLE
    return Kind.DIRECT if layout.compression == "none" else Kind.FRAMED


@dataclass(slots=True)
class Range:
    """What a segment has of a partition: (from, to) as positions, and as numbers with what had no row for its sink; rows."""

    start: str
    stop: str
    low: int
    high: int
    rows: int


@dataclass
class Open:
    """An open segment: its row in the database, kept up to date in memory."""

    id: int
    sink: str
    path: str
    number: int
    layout: Layout
    place: Path
    base: int = 0
    size: int = 0
    plain: int = 0
    rows: int = 0
    opened: int = 0
    device: int = 0
    inode: int = 0
    """The body in place, as it was when it was last committed to; 0 before there was one."""
    torn: str = ""
    """The partition whose record ends the segment without a newline."""
    used: int = 0
    """When it last got rows, or when this process began."""
    tail: int = 0
    """Bytes in tail rows."""
    archive: int = 0
    """The row of `archive` that its next records belong to; 0 while there is none."""
    ranges: dict[str, Range] = field(default_factory=dict)
    """By partition; kept for segments that are delivered, since those in place are it with every commit."""
    moved: set[str] = field(default_factory=set)
    """Partitions of `ranges` that this commit changed."""
    fresh: list[bytes] = field(default_factory=list)
    """Pieces of this commit."""
    digest: hashlib._Hash | None = None
    """Of the body so far; None where nobody needed it yet in this process."""
    kind: Kind = field(init=False)

    def __post_init__(self) -> None:
        self.kind = kind_of(self.layout)

    def takes(self, piece: Piece) -> None:
        """Note the ranges of a piece."""
        first = min(piece.ranges, default="")
        for partition, (start, stop) in piece.ranges.items():
            rows = piece.rows if partition == first else 0
            held = self.ranges.get(partition)
            if held is None:
                self.ranges[partition] = Range(position(start), position(stop), place(start), place(stop), rows)
            else:
                held.stop, held.high, held.rows = position(stop), place(stop), held.rows + rows
            self.moved.add(partition)

    def due(self, now: int) -> bool:
        """Whether it wants to be sealed."""
        roll = self.layout.roll
        return (
            (roll.age is not None and now - self.opened >= roll.age)
            or (roll.size is not None and self.plain >= roll.size)
            or (roll.idle is not None and now - self.used >= roll.idle)
        )

    @property
    def indexed(self) -> bool:
        """True when it gets a table of its frames at the end: only where nothing is ever appended behind it, since a table
        that is not the last thing is no table."""
        ends = self.kind is Kind.REMOTE or (self.kind is Kind.FRAMED and numbered(self.layout, self.path))
        return ends and self.layout.compression == "zstd"


def numbered(layout: Layout, path: str) -> bool:
    """Whether a local file has a number in its name, so that it is ours alone."""
    return layout.roll.age is not None or layout.roll.size is not None or path.endswith("/")


def plain(layout: Layout) -> Layout:
    """A layout without its path template: what a segment remembers of it."""
    return replace(layout, path=None)


def layout_text(layout: Layout) -> str:
    return json.dumps(asdict(layout), sort_keys=True)


def layout_of(stored: str) -> Layout:
    """The layout of its text. Raises StateError when the text is none."""
    try:
        values = json.loads(stored)
        return Layout(**{**values, "roll": Roll(**values["roll"])})
    except (ValueError, TypeError, KeyError) as error:
        raise StateError(
            f"the state has {stored[:80]!r} where the layout of an output belongs",
            "Move the state directory away to start anew.",
        ) from error
