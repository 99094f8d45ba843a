"""One open segment, and how what the database keeps of its layout is written."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from pipeline.api import Layout, Roll
from pipeline.env import AppendFile


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
    ranges: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Partition → (from, to); not kept for local files, which are never delivered."""
    moved: set[str] = field(default_factory=set)
    """Partitions of `ranges` that this commit changed."""
    fresh: list[bytes] = field(default_factory=list)
    """Pieces of this commit."""
    file: AppendFile | None = None

    @property
    def in_place(self) -> bool:
        """True when the body is the destination itself."""
        return self.layout.in_place and not self.layout.whole

    @property
    def direct(self) -> bool:
        """True when every commit's bytes go to the body as they are."""
        return self.in_place and self.layout.compression == "none"


def plain(layout: Layout) -> Layout:
    """A layout without its path template: what a segment remembers of it."""
    return replace(layout, path=None)


def layout_text(layout: Layout) -> str:
    return json.dumps(asdict(layout), sort_keys=True)


def layout_of(stored: str) -> Layout:
    values = json.loads(stored)
    return Layout(**{**values, "roll": Roll(**values["roll"])})
