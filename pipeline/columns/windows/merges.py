"""States of windows to fewer states."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pipeline.columns.windows.owned import owned
from pipeline.columns.windows.plan import Fold, Plan

Delta = tuple[pl.DataFrame, ...]
"""Mergeable state of one window: a frame per fold of the plan."""


def merge(plan: Plan, deltas: Sequence[Delta]) -> Delta:
    """The state of all rows that these deltas came from; any order and any nesting gives the same. Needs at least one."""
    if len(deltas) == 1:
        return deltas[0]
    lazy = [
        regroup(fold, pl.concat(frames), []) for fold, frames in zip(plan.folds, zip(*deltas, strict=True), strict=True)
    ]
    return tuple(owned(frame) for frame in pl.collect_all(lazy))


def regroup(fold: Fold, states: pl.DataFrame, also: list[str]) -> pl.LazyFrame:
    """One row for each of the fold's keys (and `also`)."""
    keys = [*also, *fold.keys]
    aggregations = [state.alias(name) for name, state in fold.merge.items()]
    return states.lazy().group_by(keys).agg(aggregations) if keys else states.lazy().select(aggregations)
