"""What follows from a batch: everything a commit needs to know, and nothing that has happened yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from pipeline.api import Batch, Delta, Span
from pipeline.plan.graph import Port
from pipeline.plan.isolation import Failing
from pipeline.plan.lineage import Chosen


@dataclass(frozen=True, slots=True)
class Out:
    """Encoded rows for one path of one sink."""

    sink: str
    path: str
    data: bytes
    rows: int
    torn: bool = False
    """The last record has no newline: only its own partition may continue it."""
    made: bool = False
    """Rows that were made of others are among them: records may be there several times."""


LEAD = 3600 * 1_000_000
"""How far (µs) event time may run ahead of the wall clock. A time beyond is no news of how far event time has come."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The records of a batch in one partition: `@path`, the `@offset` of the first and the last, and how many."""

    path: str | None
    first: int
    last: int
    rows: int


@dataclass
class Effects:
    """The result of running a flow over one batch (or over the rows of closed windows).

    `received`: the time of reading (µs). `deltas`: window stage → window start (µs) → state. `high`: window stage → partition →
    highest event time (µs) that is not more than LEAD of then.
    `counts`: (stage, outcome) → rows, outcomes being `in`, `out`, `filtered`, `rejected`, `windowed`, and of a source `poison`; `facts`
    are rows that a window made, `made` those that a filter made of others beyond the first; of folds there are `held` (more than before, or fewer), `joined` and `made`; `out:name` those of `out` that left by a port with a name, `retried` those of `in` that were dead letters.
    `reach`, of batches that windows take rows of: partition → its records.
    `dead`: rejected rows that no sink reads, by stage. `failing`: (stage, plugin) → rows that the plugin raised on.
    `condemned`: what rows are known by that were not computed, because that ends the process.
    `letters`: ids of dead letters that were put in again, after `tries` times before; `chosen`: their rows; `unclear`: which of them
    cannot be, as nobody can say which row they were (empty for none).
    `ahead`: stage → the rows that came to its first fold; with `ports`, which later stages read, what `Flow.resume` goes on with."""

    source: str = ""
    received: int = 0
    span: Mapping[str, Span] = field(default_factory=dict)
    outs: list[Out] = field(default_factory=list)
    deltas: dict[str, dict[int, Delta]] = field(default_factory=dict)
    high: dict[str, dict[str, int]] = field(default_factory=dict)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    dead: list[tuple[str, pl.DataFrame]] = field(default_factory=list)
    reach: dict[str, Reach] = field(default_factory=dict)
    failing: dict[tuple[str, str], Failing] = field(default_factory=dict)
    condemned: list[str] = field(default_factory=list)
    letters: list[tuple[int, int]] = field(default_factory=list)
    tries: int = 0
    chosen: Chosen | None = None
    unclear: list[bool] = field(default_factory=list)
    ahead: dict[str, Batch] = field(default_factory=dict)
    ports: dict[Port, Batch] = field(default_factory=dict)

    def chosen_at(self, stage: str) -> Chosen | None:
        """The dead letters that are put in again at this stage, if some are."""
        return self.chosen if self.chosen is not None and self.chosen.stage == stage else None

    def failed(self, stage: str, plugin: str, failing: Failing | None) -> None:
        """Take note of rows that a plugin raised on; of several with one name in a stage, of the last."""
        if failing is not None:
            self.failing[stage, plugin] = failing


def reach(batch: Batch) -> dict[str, Reach]:
    """The records of a batch as its input gave them."""
    frame = batch.frame
    if frame.height == 0:
        return {}
    if len(batch.span) != 1:
        return {str(part["@partition"][0]): _extent(part) for part in frame.partition_by("@partition")}
    return {next(iter(batch.span)): _extent(frame)}


def _extent(frame: pl.DataFrame) -> Reach:
    offsets, path = frame["@offset"], frame["@path"][0]
    return Reach(None if path is None else str(path), int(offsets[0]), int(offsets[-1]), frame.height)
