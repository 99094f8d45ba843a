"""Rows to state by Polars: one group-by a fold. The twin of the native pass, and the path of aggregates with steps of
their own."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pipeline.columns.windows.folds import Fold
from pipeline.columns.windows.owned import owned
from pipeline.columns.windows.panes import START, starts
from pipeline.columns.windows.plan import Plan


def states(plan: Plan, folds: Sequence[Fold], frame: pl.DataFrame) -> dict[int, tuple[pl.DataFrame, ...]]:
    """The state of each fold in each pane, by the pane's start. `frame` has rows.

    Rows of one batch mostly fall into one window; grouping by it is then left out."""
    start = starts(frame, plan.spec)
    if start.min() == start.max():
        return {start.item(0): tuple(owned(_folded(fold, frame, [])) for fold in folds)}
    rows = frame.with_columns(start)
    return _split([owned(_folded(fold, rows, [START]).sort(START)) for fold in folds], start.unique().to_list())


_ROW, _WHERE = "@row", "@where"
"""A column that has every row, so that constants beside it do, too; and the rows that a fold counts."""


def _folded(fold: Fold, rows: pl.DataFrame, also: list[str]) -> pl.DataFrame:
    """The state of a fold. Only the columns that it reads are filtered and grouped.

    Eager on purpose: a lazy query costs more to plan and start than a group-by of a second of a busy log."""
    inputs = {**{name: key.polars for name, key in zip(fold.group, fold.by, strict=True)}, **fold.inputs}
    carried = [name for name in rows.columns if (name in also or name in fold.reads) and name not in inputs]
    given = [value.alias(name) for name, value in inputs.items()]
    where = [] if fold.where is None else [fold.where.alias(_WHERE)]
    taken = rows.select(pl.first().alias(_ROW), *carried, *given, *where)
    if where:
        taken = taken.filter(pl.col(_WHERE))
    floats = [name for name in inputs if taken.schema[name].is_float()]
    if floats:
        # -0.0 equals 0.0 as a group but not as bytes: which of them survived would depend on the order of rows.
        zero = pl.col(floats) == 0.0
        taken = taken.with_columns(pl.when(zero).then(0.0).otherwise(pl.col(floats)).name.keep())
    if fold.keep is not None:
        taken = taken.filter(fold.keep)
    keys = [*also, *fold.group, *(key.alias(name) for name, key in fold.extra.items())]
    aggregations = [state.alias(name) for name, state in fold.step.items()]
    return taken.group_by(keys).agg(aggregations) if keys else taken.select(aggregations)


def _split(states: list[pl.DataFrame], windows: list[int]) -> dict[int, tuple[pl.DataFrame, ...]]:
    """Frames sorted by window to frames of each window, without the column START."""
    parts = [_bounds(state.get_column(START)) for state in states]
    bare = [state.drop(START) for state in states]
    return {
        at: tuple(frame.slice(*part.get(at, (0, 0))) for frame, part in zip(bare, parts, strict=True)) for at in windows
    }


def _bounds(start: pl.Series) -> dict[int, tuple[int, int]]:
    """Offset and length of each run of equal values."""
    runs = start.rle().struct.unnest().with_columns(at=pl.col("len").cum_sum() - pl.col("len"))
    return {value: (at, length) for value, at, length in runs.select("value", "at", "len").iter_rows()}
