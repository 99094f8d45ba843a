"""A batch: rows as columns, and the part of the input that they came from.

Frame columns: the metadata of `pipeline.columns.types.METADATA` (but `@rid` and `@error`), then the event's fields.
`@raw` is Binary and byte-exact; columns that are one value for the whole batch are Polars literals and cost nothing.
Batches are values: nobody mutates a frame in place, every change makes a new batch that shares the columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from pipeline.columns.types import ERROR, METADATA, dtype

Position = None | bool | int | float | str | list["Position"] | dict[str, "Position"]
"""A place in a partition: a small JSON value that only the input understands. None is the beginning."""

CARRIED: tuple[str, ...] = tuple(name for name in METADATA if name not in ("@rid", "@error"))
"""Metadata columns that are in every frame, in this order."""

REJECTED_SCHEMA: dict[str, pl.DataType] = {**{name: dtype(METADATA[name]) for name in CARRIED}, "@error": dtype(ERROR)}
"""Columns and dtypes of rejected rows."""

IDENTITY: tuple[str, ...] = ("@partition", "@offset", "@item")
"""What a row is known by within its source."""

RID = pl.concat_str(
    pl.col("@partition"),
    pl.lit(":"),
    pl.col("@offset").cast(pl.String),
    pl.concat_str(pl.lit("#"), pl.col("@item")).fill_null(""),
).alias("@rid")
"""The stable identity of a row: `partition:offset`, and of one that was made of another `partition:offset#item`."""


@dataclass(frozen=True, slots=True)
class Span:
    """From where to where (exclusive) a batch covers one partition. `start` equals the end of the batch before it."""

    start: Position
    end: Position


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows with their origin. `rejected` holds frames of REJECTED_SCHEMA: rows that a filter could not process.

    `terminated` is False when the last record came without a newline (the end of a file): byte-exact outputs then write
    none. Such a record is alone in its batch."""

    frame: pl.DataFrame
    span: Mapping[str, Span]
    rejected: tuple[pl.DataFrame, ...] = ()
    terminated: bool = True

    def with_frame(self, frame: pl.DataFrame) -> Batch:
        """The same batch with other rows or columns."""
        return replace(self, frame=frame)

    def with_columns(self, *columns: pl.Expr | pl.Series) -> Batch:
        """The same batch with these columns too, in place of those of the same name. A series has a value for each row."""
        series = [column for column in columns if isinstance(column, pl.Series)]
        if len(series) < len(columns):
            return replace(self, frame=self.frame.with_columns(*columns))
        # Without a query, whose preparation costs more than to put columns beside each other.
        known = self.frame.columns
        frame = self.frame.hstack([column for column in series if column.name not in known])
        for column in series:
            if column.name in known:
                frame.replace_column(known.index(column.name), column)
        return replace(self, frame=frame)

    def repeated(self, counts: pl.Series) -> Batch:
        """Each row as often as `counts` (a number from 0 on for each row) says, one after the other, for filters that make rows.

        The rows that are made of one have the numbers 0, 1, 2, … in `@item`, behind that of the row itself where it was made of
        another one: `3.0`. Everything else in them is the row's."""
        sizes = counts.cast(pl.Int64)
        rows = pl.DataFrame({"row": pl.int_range(sizes.len(), dtype=pl.UInt32, eager=True), "size": sizes})
        places = rows.select(
            pl.col("row").repeat_by("size").explode(empty_as_null=False),
            pl.int_ranges(0, pl.col("size")).explode(empty_as_null=False).cast(pl.String).alias("item"),
        )
        frame = self.frame[places["row"]]
        item = places["item"]
        before = frame["@item"]
        if before.null_count() < frame.height:
            outer = pl.DataFrame([before.alias("outer"), item])
            item = outer.select(pl.concat_str("outer", "item", separator=".").fill_null(pl.col("item"))).to_series()
        return replace(self, frame=frame.with_columns(item.alias("@item")))

    def reject(
        self,
        mask: pl.Series,
        reason: str | pl.Series,
        *,
        field: str | None = None,
        detail: pl.Series | pl.Expr | str | None = None,
    ) -> Batch:
        """Move the rows where `mask` (Boolean, as long as the frame) is true to the rejected ones. Those where it is null stay, as in
        the conditions of the language. Raises TypeError for another mask.

        `reason` is a short constant (`no_match`, `not_json`), or one for each row; `detail` says more per row (String). The engine adds the
        filter's name. Rows keep their metadata and lose their fields."""
        if mask.dtype != pl.Boolean or len(mask) != self.frame.height:
            raise TypeError(f"a mask of {len(mask)} {mask.dtype} does not fit {self.frame.height} rows")
        if not mask.any():
            return self
        if mask.has_nulls():
            mask = mask.fill_null(value=False)
        if isinstance(detail, pl.Series):
            detail = pl.lit(detail.filter(mask))
        error = pl.struct(
            pl.lit(None, dtype=pl.String).alias("filter"),
            pl.lit(reason.filter(mask) if isinstance(reason, pl.Series) else reason).alias("reason"),
            pl.lit(field, dtype=pl.String).alias("field"),
            (detail if isinstance(detail, pl.Expr) else pl.lit(detail, dtype=pl.String))
            .cast(pl.String)
            .alias("detail"),
        ).alias("@error")
        bad = self.frame.filter(mask).select(*CARRIED, error)
        return replace(self, frame=self.frame.filter(~mask), rejected=(*self.rejected, bad))


def lines(
    raw: Sequence[bytes] | pl.Series,
    offsets: pl.Series,
    *,
    partition: str,
    start: Position,
    end: Position,
    path: str | None = None,
    peer: str | None = None,
    received: int | None = None,
    terminated: bool = True,
) -> Batch:
    """A batch as inputs make them: one partition, one record a row.

    `raw`: Binary records without their final newline; `offsets`: Int64, the position of each record for its `@rid`.
    `received` (µs) is normally left to the engine."""
    column = raw if isinstance(raw, pl.Series) else pl.Series(raw, dtype=pl.Binary)
    frame = pl.DataFrame([column.alias("@raw"), offsets.alias("@offset").cast(pl.Int64)]).with_columns(
        pl.lit(partition).alias("@partition"),
        pl.lit(path, dtype=pl.String).alias("@path"),
        pl.lit(peer, dtype=pl.String).alias("@peer"),
        pl.lit(received, dtype=pl.Int64).cast(pl.Datetime("us", "UTC")).alias("@received"),
    )
    return Batch(frame, {partition: Span(start, end)}, terminated=terminated)


def stamp(batch: Batch, *, source: str, host: str, now: int) -> Batch:
    """Complete an input's batch: source, host, time of reading (µs) as `@received` and `@timestamp`; metadata in order."""
    have = batch.frame.columns
    time = pl.lit(now, dtype=pl.Int64).cast(pl.Datetime("us", "UTC"))
    received = pl.col("@received").fill_null(time) if "@received" in have else time
    none = pl.lit(None, dtype=pl.String)
    made = {
        "@item": none,
        "@source": pl.lit(source),
        "@host": pl.lit(host),
        "@received": received,
        "@timestamp": pl.col("@timestamp") if "@timestamp" in have else received,
        "@path": pl.col("@path") if "@path" in have else none,
        "@peer": pl.col("@peer") if "@peer" in have else none,
    }
    carried = (made[name].alias(name) if name in made else pl.col(name) for name in CARRIED)
    return batch.with_frame(batch.frame.select(*carried, *(name for name in have if name not in CARRIED)))
