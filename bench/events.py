"""Filters for columns and for single events: what the same work costs in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import subject
from comparison import compare
from measure import Contender
from report import Section

from pipeline.env.memory import settle

settle()

import polars as pl  # noqa: E402 — its number of threads is settled before
from samples import blocks  # noqa: E402

from pipeline import api  # noqa: E402
from pipeline.columns.lines import records  # noqa: E402

LINES = 200_000
SLOW = 10
"""The filter for events gets one part in so many."""
COLUMNS, EVENTS = "`api.Filter`, columns", "`api.EventFilter`, one event at a time"


class Options(api.Options):
    """None."""


class Columnar(api.Filter[Options]):
    """The host and the size of each line."""

    def schema(self, columns: api.Columns) -> api.Columns:
        return columns.with_field(("host",), api.STRING).with_field(("size",), api.INT)

    def apply(self, batch: api.Batch) -> api.Batch:
        line = pl.col("line")
        return batch.with_columns(
            line.str.extract(r"^(\S+)").alias("host"), line.str.len_bytes().cast(pl.Int64).alias("size")
        )


class Single(api.EventFilter[Options]):
    """The same, event by event."""

    def adds(self) -> Mapping[str, api.Type]:
        return {"host": api.STRING, "size": api.INT}

    def process(self, event: dict[str, Any]) -> dict[str, Any]:
        line = event["line"]
        event["host"], event["size"] = line.split(" ", 1)[0], len(line.encode())
        return event


def events(effort: subject.Effort) -> Section:
    """One filter, written in both ways."""
    batches = [_batch(chunk) for chunk in blocks("nginx", effort.lines(LINES))]
    few = batches[: max(1, len(batches) // SLOW)]
    contenders: list[Contender[Any]] = [
        Contender(COLUMNS, _rows(batches), lambda: _run(Columnar(Options()), batches), _sums),
        Contender(EVENTS, _rows(few), lambda: _run(Single(Options()), few), _sums),
    ]
    contenders = [
        each.expecting(_sums(_run(Columnar(Options()), some)))
        for each, some in zip(contenders, (batches, few), strict=True)
    ]
    table = compare(f"First word and length of {_rows(batches):,} log lines", contenders, effort, COLUMNS)
    return Section(
        "Filters for single events",
        "The same filter written for columns and for single events: both add the first word of a line and its length.",
        [table],
    )


def _batch(chunk: bytes) -> api.Batch:
    raw, offsets, _ = records(chunk, 0)
    made = api.lines(raw, offsets, partition="p", start=0, end=len(chunk))
    return made.with_columns(raw.cast(pl.String, strict=False).fill_null("").alias("line"))


def _run(filter: api.Filter[Options], batches: Sequence[api.Batch]) -> list[api.Batch]:
    return [filter.apply(batch) for batch in batches]


def _rows(batches: Sequence[api.Batch]) -> int:
    return sum(batch.frame.height for batch in batches)


def _sums(batches: Sequence[api.Batch]) -> tuple[int, int]:
    frame = pl.concat(batch.frame.select("host", "size") for batch in batches)
    return int(frame["size"].sum()), int(frame["host"].str.len_bytes().sum())


if __name__ == "__main__":
    subject.run(events, __doc__)
