"""What one commit changes: decided beforehand, applied as a whole or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pipeline.api import Position

Seal = Literal["", "flush", "all"]
"""`all` seals every open segment (the end of a finite run), `flush` leaves no tail in local files (a clean stop)."""


@dataclass(frozen=True, slots=True)
class Advance:
    """A partition's progress moves from `start` (compare) to `end` (set)."""

    source: str
    partition: str
    start: Position
    end: Position


@dataclass(frozen=True, slots=True)
class Piece:
    """Encoded rows for one (sink, path), with where they came from: partition → (from, to)."""

    sink: str
    path: str
    data: bytes
    rows: int
    ranges: Mapping[str, tuple[Position, Position]]
    batch: int = -1
    """Which batch of the commit the records are of that the rows are; -1 for those of windows, and those made of records."""
    torn: str = ""
    """The partition whose last record, at the end of `data`, has no newline; empty when it has one."""


@dataclass(slots=True)
class Entry:
    """What one commit does to the ledger of a partition: it goes from `start` to `stop`, with these rows by (stage, outcome);
    these sinks get their rows, or none, of that range."""

    source: str
    partition: str
    start: int
    stop: int
    sinks: tuple[str, ...]
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Origin:
    """A batch of one partition that windows took rows of: what is needed to read and compute it again.

    `batch` is its number in the commit, `first` and `last` the `@offset` of its records, `received` when they were read (µs),
    `path` their `@path`; `windows`: stage → the (start, part) of each window."""

    batch: int
    source: str
    partition: str
    path: str | None
    first: int
    last: int
    rows: int
    received: int
    windows: Mapping[str, Sequence[tuple[int, int]]]


@dataclass(frozen=True, slots=True)
class Grown:
    """A window got more state: `state` is added to its deltas, or `replaces` all of them. `due`: of sessions, the lowest watermark
    that may end one of them; None for none."""

    stage: str
    start: int
    part: int
    state: bytes
    replaces: bool = False
    due: int | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """A window's rows are sent in this commit, as `revision`; `watermark` is that of the closing, None where it has more that is
    not sent yet, as sessions have."""

    stage: str
    start: int
    part: int
    revision: int
    watermark: int | None


@dataclass(frozen=True, slots=True)
class Released:
    """A window's state is let go; the window is remembered, so that later events become an extra part."""

    stage: str
    start: int
    part: int


@dataclass(frozen=True, slots=True)
class Remembered:
    """The state of a fold for a partition becomes this one, written by that version of the fold; None: there is none any more.
    `due` and `held` as in the table."""

    stage: str
    fold: str
    partition: str
    source: str
    version: int
    state: bytes | None
    due: int | None = None
    held: int = 0


@dataclass(frozen=True, slots=True)
class Buried:
    """Rejected rows of one kind that no sink reads, or events of a sink that its destination refused: a dump of frames
    (`pipeline.columns.frames`). `tries`: how often they were put in again before."""

    stage: str
    rows: int
    frame: bytes
    filter: str = ""
    reason: str = ""
    field: str = ""
    tries: int = 0


@dataclass
class Changes:
    advances: list[Advance] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    grown: list[Grown] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    released: list[Released] = field(default_factory=list)
    remembered: list[Remembered] = field(default_factory=list)
    high: dict[tuple[str, str], int] = field(default_factory=dict)
    watermarks: dict[str, int] = field(default_factory=dict)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    entries: list[Entry] = field(default_factory=list)
    origins: list[Origin] = field(default_factory=list)
    forgotten: list[tuple[str, str]] = field(default_factory=list)
    """(source, partition) whose progress is not needed any more."""
    buried: list[Buried] = field(default_factory=list)
    condemned: list[tuple[str, str]] = field(default_factory=list)
    """(source, key of its attempts) of buried rows that were not computed."""
    settled: list[tuple[int, int]] = field(default_factory=list)
    """(burial, row) of dead letters that were put in again: what came of them is in these changes."""
    overflowed: Counter[str] = field(default_factory=Counter)
    """How many windows of each stage had more groups than they may have; nothing of it is stored."""
    seal: Seal = ""

    @property
    def empty(self) -> bool:
        """True when nothing happened that must be kept. Watermarks alone are not worth a commit: they come back."""
        return not (
            self.advances
            or self.pieces
            or self.grown
            or self.sent
            or self.released
            or self.remembered
            or self.buried
            or self.settled
            or self.seal
        )
