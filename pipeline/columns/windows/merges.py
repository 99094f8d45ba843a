"""States of windows to fewer states."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pipeline.columns.native import kernels
from pipeline.columns.windows import native
from pipeline.columns.windows.folds import Fold
from pipeline.columns.windows.owned import owned
from pipeline.columns.windows.plan import Plan
from pipeline.columns.windows.states import Part, State, parts, seen

Delta = Sequence[pl.DataFrame]
"""Mergeable state of one window: a frame per fold of the plan."""


def merge(plan: Plan, deltas: Sequence[Delta]) -> Delta:
    """The state of all rows that these deltas came from; any order and any nesting gives the same. Needs at least one."""
    return deltas[0] if len(deltas) == 1 else regrouped(plan, deltas)


def regrouped(plan: Plan, deltas: Sequence[Delta]) -> Delta:
    """The same where a delta may have several rows for a key."""
    folds = list(zip(plan.folds, zip(*map(parts, deltas), strict=True), strict=True))
    made = [None] * len(folds) if kernels is None else native.merged(kernels, folds)
    rest = [_regroup(*pair) for pair, done in zip(folds, made, strict=True) if done is None]
    merged = iter(pl.collect_all(rest) if rest else ())
    states = [owned(next(merged)) if done is None else done for done in made]
    return State(fold.compacted(state) for fold, state in zip(plan.folds, states, strict=True))


def _regroup(fold: Fold, given: Sequence[Part]) -> pl.LazyFrame:
    """One row for each of the fold's keys."""
    states = pl.concat([seen(part) for part in given], rechunk=True).lazy()
    aggregations = [state.alias(name) for name, state in fold.merge.items()]
    return states.group_by(fold.keys).agg(aggregations) if fold.keys else states.select(aggregations)
