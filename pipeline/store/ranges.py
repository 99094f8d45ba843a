"""What open segments have of each partition, and how it is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from pipeline.api import Layout
from pipeline.env import Database
from pipeline.store.changes import Entry
from pipeline.store.segment import Open, Range, kind_of
from pipeline.store.values import number, text


def load(database: Database, segment: Open) -> None:
    """Read the ranges of an open segment."""
    rows = database.rows("SELECT partition, start, stop, low, high, rows FROM range WHERE segment = ?", (segment.id,))
    segment.ranges = {
        text(partition): Range(text(start), text(stop), number(low), number(high), number(count))
        for partition, start, stop, low, high, count in rows
    }


def record(database: Database, segment: Open) -> None:
    """Inside a transaction: write those that changed."""
    moved = [(partition, segment.ranges[partition]) for partition in sorted(segment.moved)]
    database.many(
        "INSERT INTO range VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
        "stop = excluded.stop, low = excluded.low, high = excluded.high, rows = excluded.rows",
        [(segment.id, name, held.start, held.stop, held.low, held.high, held.rows) for name, held in moved],
    )
    segment.moved.clear()


Cover = Callable[[Entry, str], bool | None]
"""Gives the range of an entry to the open segments of a sink that have rows of its partition, now that they have those of this
commit. False where there are none, None for sinks in place, where commits deliver."""


def covering(segments: Iterable[Open], layouts: Mapping[str, Layout]) -> Cover:
    """How to cover the entries of one commit with these open segments."""
    waiting: dict[str, list[Open]] = {}
    for segment in segments:
        if segment.kind.delivered:
            waiting.setdefault(segment.sink, []).append(segment)
    in_place = {sink for sink, layout in layouts.items() if kind_of(layout).in_place}

    def cover(entry: Entry, sink: str) -> bool | None:
        if sink in in_place:
            return None
        covered = False
        for segment in waiting.get(sink, ()):
            held = segment.ranges.get(entry.partition)
            if held is not None:
                held.low, held.high = min(held.low, entry.start), max(held.high, entry.stop)
                segment.moved.add(entry.partition)
                covered = True
        return covered

    return cover
