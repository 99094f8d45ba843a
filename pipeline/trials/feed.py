"""What sources are given: a log in memory that outlives the process that reads it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from pipeline import api
from pipeline.columns.types import Type, dtype
from pipeline.plan.events import Record
from pipeline.plan.graph import AnyInput


@dataclass
class Feed:
    """All records that a source was given, in the groups in which they came."""

    groups: list[tuple[Record, ...]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def give(self, records: Sequence[Record]) -> None:
        if records:
            self.groups.append(tuple(records))
            self.changed.set()

    def since(self, position: int) -> list[tuple[int, list[Record]]]:
        """Records from a position (their number) on, by group, each with the position of its first."""
        found = []
        start = 0
        for group in self.groups:
            left = list(group[max(0, position - start) :])
            if left:
                found.append((start + len(group) - len(left), left))
            start += len(group)
        return found

    @property
    def size(self) -> int:
        return sum(len(group) for group in self.groups)


class FeedOptions(api.Options):
    pass


class Fed(api.Input[FeedOptions]):
    """Reads a feed in the place of another input, and has the fields that it has."""

    name = "test"
    options_model = FeedOptions
    example = ""
    finite = False

    def __init__(self, feed: Feed, instead: AnyInput) -> None:
        super().__init__(FeedOptions())
        self._feed = feed
        self._columns = instead.schema()
        self._at = 0

    async def open(self, ctx: api.Context) -> None:
        self._partition = ctx.node
        self._feed.changed = asyncio.Event()  # that of an earlier life belongs to its loop

    def schema(self) -> api.Columns:
        return self._columns

    def backlog(self) -> Mapping[str, int]:
        return {self._partition: self._feed.size - self._at}

    async def read(self, progress: Mapping[str, api.Position]) -> AsyncIterator[api.Batch]:
        stored = progress.get(self._partition)
        before: api.Position = stored
        self._at = stored if isinstance(stored, int) else 0
        while True:
            self._feed.changed.clear()
            for start, records in self._feed.since(self._at):
                self._at = start + len(records)
                yield self._batch(records, start, before)
                before = self._at
            await self._feed.changed.wait()

    def _batch(self, records: Sequence[Record], start: int, before: api.Position) -> api.Batch:
        offsets = pl.Series(range(start, start + len(records)), dtype=pl.Int64)
        batch = api.lines(
            [record.raw for record in records],
            offsets,
            partition=self._partition,
            start=before,
            end=start + len(records),
        )
        fields = [column(name, kind, records) for name, kind in self._columns.fields.items()]
        return batch.with_columns(*fields) if fields else batch


def column(name: str, kind: Type, records: Sequence[Record]) -> pl.Series:
    """The values of a field; a map or a list of a json field is its text."""
    values = [record.fields.get(name) for record in records]
    if kind.kind == "json":
        return pl.Series(name, [None if value is None else json.dumps(value) for value in values], dtype=pl.String)
    if kind.kind == "time":
        return pl.Series(name, values, dtype=pl.String).str.to_datetime(time_unit="us", time_zone="UTC", strict=False)
    return pl.Series(name, values, dtype=dtype(kind), strict=False)
