"""Rows to state: one group-by a fold, for all windows of a batch at once."""

from __future__ import annotations

import polars as pl
import polars.selectors as cs

from pipeline.columns.windows.merges import Delta, regroup
from pipeline.columns.windows.owned import owned
from pipeline.columns.windows.panes import START, spread, starts, windows_of
from pipeline.columns.windows.plan import Fold, Plan


def deltas(plan: Plan, frame: pl.DataFrame) -> dict[int, Delta]:
    """What the rows of `frame` add to each window, by window start (µs), in order of start.

    A window is in the answer when it has a row, even if no measure counts it. The state owns its memory: nothing of
    `frame` stays alive through it. Rows of one batch mostly fall into one window; grouping by it is then left out."""
    if frame.height == 0:
        return {}
    start = starts(frame, plan.spec)
    only = start.item(0) if start.min() == start.max() else None
    rows = frame.lazy() if only is not None else frame.with_columns(start).lazy()
    also = [] if only is not None else [START]
    states = pl.collect_all([_folded(fold, rows, also) for fold in plan.folds])
    if plan.spec.slide is None and only is not None:
        return {only: tuple(owned(state) for state in states)}
    if plan.spec.slide is not None:
        if only is not None:
            states = [state.select(pl.lit(only, dtype=pl.Int64).alias(START), pl.all()) for state in states]
        spreads = [spread(state, plan.spec) for state in states]
        states = pl.collect_all([regroup(*pair, [START]) for pair in zip(plan.folds, spreads, strict=True)])
    return _split([owned(state.sort(START)) for state in states], windows_of(start, plan.spec))


def _folded(fold: Fold, rows: pl.LazyFrame, also: list[str]) -> pl.LazyFrame:
    if fold.where is not None:
        rows = rows.filter(fold.where)
    inputs = {**{name: key.polars for name, key in zip(fold.group, fold.by, strict=True)}, **fold.inputs}
    rows = rows.with_columns(given.alias(name) for name, given in inputs.items())
    # -0.0 equals 0.0 as a group but not as bytes: which of them survived would depend on the order of rows.
    rows = rows.with_columns((cs.by_name(*inputs) & cs.float()) + 0.0)
    if fold.keep is not None:
        rows = rows.filter(fold.keep)
    keys = [*also, *fold.group, *(key.alias(name) for name, key in fold.extra.items())]
    aggregations = [state.alias(name) for name, state in fold.step.items()]
    return rows.group_by(keys).agg(aggregations) if keys else rows.select(aggregations)


def _split(states: list[pl.DataFrame], windows: list[int]) -> dict[int, Delta]:
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
