"""The state of a window in bounded size, whatever its rows group by.

Beyond `Spec.groups` groups of a metric, those that came last are merged into one, whose text keys are OTHER: by the fold's own
reductions, so that counts, sums and all other values are those of the rows together. Which groups stay is decided by the
order of the deltas, oldest first, and in one delta by the keys: a group of the stored state stays. Only what `top` ranks is
cut down by how frequent it is.

State that is kept for each value (`top`, `distinct`, `quantile`) has VALUES times as many rows at most, over all groups."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pipeline.columns.windows.folds import Fold
from pipeline.columns.windows.merges import Delta, merge
from pipeline.columns.windows.owned import owned
from pipeline.columns.windows.plan import Plan
from pipeline.columns.windows.spec import Key
from pipeline.columns.windows.states import Part, State, parts, rows_of, seen

OTHER = "__other__"

VALUES = 10
"""Rows of state for each of `Spec.groups`, where a metric keeps more than one a group."""

_PLACE = "@place"


def bounded(plan: Plan, deltas: Sequence[Delta]) -> tuple[Delta, bool]:
    """The state of a window of all its deltas, oldest first, and whether something of it had to be put together.

    Needs at least one delta. What went in comes out in every total; the bound of a bounded state changes nothing."""
    state = merge(plan, deltas)
    most = plan.spec.groups
    given = list(parts(state))
    if most is None or not any(rows_of(part) > most for part in given):
        return state, False
    # With the window's own `by`, a group is one event: all folds must have the same.
    families = [range(len(plan.folds))] if plan.spec.by else [range(at, at + 1) for at in range(len(plan.folds))]
    changed = False
    for family in families:
        if not any(rows_of(given[at]) > most for at in family):
            continue
        kept = _kept(plan, family, given, deltas, most)
        for at in family:
            made = given[at] if kept is None else _together(plan.folds[at], seen(given[at]), kept)
            made = _shortened(plan.folds[at], made, VALUES * most)
            changed = changed or made is not given[at]
            given[at] = made
    return (State(given), True) if changed else (state, False)


def _kept(
    plan: Plan, family: Sequence[int], given: Sequence[Part], deltas: Sequence[Delta], most: int
) -> pl.DataFrame | None:
    """The groups that stay, each with its place; None when all do."""
    base = family[0]
    group = plan.folds[base].group
    if not group:
        return None
    came = [
        seen(parts(delta)[base]).select(group).unique().with_columns(pl.lit(at, dtype=pl.UInt32).alias(_PLACE))
        for at, delta in enumerate(deltas)
    ]
    found = pl.concat(came).group_by(group).agg(pl.col(_PLACE).min()).filter(~_is_other(plan.folds[base]))
    # Both engines keep the same groups, though their rows are in another order.
    order = found.sort(_PLACE, *group).drop(_PLACE).with_row_index(_PLACE)
    limit = most
    for at in family:
        fold = plan.folds[at]
        if fold.extra and fold.shorten is None and rows_of(given[at]) > VALUES * most:
            sizes = seen(given[at]).group_by(group).len()
            upto = (
                order.join(sizes, on=group, how="inner", nulls_equal=True)
                .sort(_PLACE)
                .with_columns(pl.col("len").cum_sum())
            )
            over = upto.filter(pl.col("len") > VALUES * most)
            limit = limit if over.is_empty() else min(limit, max(1, over.item(0, _PLACE)))
    return order.head(limit) if order.height > limit else None


def _together(fold: Fold, state: pl.DataFrame, kept: pl.DataFrame) -> Part:
    """The state with one group for all that are not `kept`."""
    inside = state.join(kept.select(fold.group), on=fold.group, how="semi", nulls_equal=True)
    rest = state.join(kept.select(fold.group), on=fold.group, how="anti", nulls_equal=True)
    named = rest.with_columns(
        _other(key).cast(rest.schema[name]).alias(name) for name, key in zip(fold.group, fold.by, strict=True)
    )
    aggregations = [merged.alias(name) for name, merged in fold.merge.items()]
    # A fold of nothing but groups has no states.
    other = named.group_by(fold.keys).agg(aggregations) if aggregations else named.unique()
    return fold.compacted(owned(pl.concat([inside, other.select(state.columns)])))


def _shortened(fold: Fold, state: Part, most: int) -> Part:
    """A ranking without its least frequent values."""
    if fold.shorten is None or rows_of(state) <= most:
        return state
    frame = seen(state)
    made = fold.named(lambda given: fold.shorten(given, fold.group, most) if fold.shorten else given, frame)
    return state if made.height == frame.height else owned(made)


def _is_other(fold: Fold) -> pl.Expr:
    same = [pl.col(name).eq_missing(_other(key)) for name, key in zip(fold.group, fold.by, strict=True)]
    return pl.all_horizontal(same)


def _other(key: Key) -> pl.Expr:
    """What stands for a key of the groups that were put together: null where it is no text."""
    match key.type.kind:
        case "string":
            return pl.lit(OTHER)
        case "json":
            return pl.lit(f'"{OTHER}"')
        case _:
            return pl.lit(None)
