"""States of windows to fewer states."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pipeline.columns.native import kernels
from pipeline.columns.windows import native
from pipeline.columns.windows.folds import Fold
from pipeline.columns.windows.owned import owned
from pipeline.columns.windows.plan import Plan

Delta = tuple[pl.DataFrame, ...]
"""Mergeable state of one window: a frame per fold of the plan."""


def merge(plan: Plan, deltas: Sequence[Delta]) -> Delta:
    """The state of all rows that these deltas came from; any order and any nesting gives the same. Needs at least one."""
    if len(deltas) == 1:
        return deltas[0]
    folds = [
        (fold, pl.concat(frames, rechunk=True))
        for fold, frames in zip(plan.folds, zip(*deltas, strict=True), strict=True)
    ]
    made = [None] * len(folds) if kernels is None else native.merged(kernels, folds)
    rest = [_regroup(*pair) for pair, done in zip(folds, made, strict=True) if done is None]
    merged = iter(pl.collect_all(rest))
    states = [owned(next(merged)) if done is None else done for done in made]
    return tuple(fold.compacted(state) for fold, state in zip(plan.folds, states, strict=True))


def _regroup(fold: Fold, states: pl.DataFrame) -> pl.LazyFrame:
    """One row for each of the fold's keys."""
    aggregations = [state.alias(name) for name, state in fold.merge.items()]
    return states.lazy().group_by(fold.keys).agg(aggregations) if fold.keys else states.lazy().select(aggregations)
