"""State to values: what the aggregates' `finish` is made of."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from pipeline.columns.native import kernels
from pipeline.columns.windows.reductions import GROUPS


def valued(state: pl.DataFrame, group: list[str], value: pl.Expr) -> pl.DataFrame:
    """One row per group with `value`, an aggregation of the group's states; one row when `group` is empty."""
    named = value.alias("value")
    return state.group_by(group).agg(named) if group else state.select(named)


def computed(
    state: pl.DataFrame, group: list[str], columns: list[str], by_group: Callable[..., float | None]
) -> pl.DataFrame:
    """The same for exact arithmetic, which columns do not have: `by_group` gets the group's states as one list a column and
    gives a float. It runs once per group, in Python."""
    lists = state.group_by(group).agg(columns) if group else state.select(pl.col(columns).implode())
    values = [by_group(*row) for row in lists.select(columns).iter_rows()]
    return lists.select(*group, pl.Series("value", values, dtype=pl.Float64))


def ranked(state: pl.DataFrame, group: list[str], key: str, count: str, k: int) -> pl.DataFrame:
    """The `k` rows of each group with the highest `count` (Int64), ties by `key` ascending: `group`, `key`, `value`, `rank`
    from 1. The state has one row per group and key."""
    if kernels is not None and all(state.schema[name] in GROUPS for name in (*group, key)):
        needed = [*(state.get_column(name) for name in group), state.get_column(key).alias("key")]
        given = pl.DataFrame([*needed, state.get_column(count).alias("value")])
        return pl.DataFrame(kernels.window_ranked(given.rechunk() if given.n_chunks() > 1 else given, k))
    least = pl.col(count).top_k(k).min()
    best = state.filter(pl.col(count) >= (least.over(group) if group else least)).sort(
        [count, key], descending=[True, False]
    )
    place = pl.int_range(1, pl.len() + 1, dtype=pl.Int64)
    ranks = best.select(
        *group,
        pl.col(key).alias("key"),
        pl.col(count).alias("value"),
        (place.over(group) if group else place).alias("rank"),
    )
    return ranks.filter(pl.col("rank") <= k) if group else ranks.head(k)


def column_of(arguments: tuple[pl.Expr | int | float | str, ...], at: int = 0) -> pl.Expr:
    """The argument at `at` as an expression."""
    given = arguments[at]
    return given if isinstance(given, pl.Expr) else pl.lit(given)
