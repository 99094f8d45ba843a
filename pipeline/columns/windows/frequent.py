"""The most frequent values in bounded memory: a space-saving summary that merges.

A summary of at most `size` counters is kept as Misra and Gries do: counters, and what was subtracted from all of them so far
(`lost`). Counters of two summaries add up; if more than `size` are above zero, the (size + 1)-th largest is subtracted from
all. Each subtraction of `s` takes at least `(size + 1) · s` off the sum of the counters, so `lost ≤ n / (size + 1)` for n
rows, whatever was merged with what in which order; a value's true count is between its counter and its counter plus `lost`, and
that sum is the counter of a space-saving summary (Agarwal et al., "Mergeable Summaries", PODS 2012, section 3, has the proofs).

A state has a row a counter: `value`, `count` (the counter), `seen` (the rows that were surely counted, at least the counter); and
one row with a null `value`, whose `count` is `lost`."""

from __future__ import annotations

import polars as pl


def shrunk(state: pl.DataFrame, group: list[str], size: int) -> pl.DataFrame:
    """The summary of each group with at most `size` counters."""
    if state.height <= size:
        return state
    items, lost = state.filter(pl.col("value").is_not_null()), state.filter(pl.col("value").is_null())
    least = pl.when(pl.len() > size).then(pl.col("count").top_k(size + 1).min()).otherwise(0).cast(pl.Int64)
    cut = items.with_columns((least.over(group) if group else least).alias("cut"))
    taken = cut.select(*group, pl.col("cut").alias("count"))
    before = lost.select(*group, "count")
    if group:
        after = pl.concat([before, taken.unique()]).group_by(group).agg(pl.col("count").sum())
    else:
        after = pl.concat([before, taken.head(1)]).select(pl.col("count").sum())
    rest = after.filter(pl.col("count") > 0).with_columns(
        pl.lit(None, dtype=state.schema["value"]).alias("value"), pl.lit(0, dtype=pl.Int64).alias("seen")
    )
    kept = cut.with_columns(pl.col("count") - pl.col("cut")).filter(pl.col("count") > 0)
    return pl.concat([kept.select(state.columns), rest.select(state.columns)], rechunk=True)


def shortened(state: pl.DataFrame, group: list[str], most: int) -> pl.DataFrame:
    """The summaries of all groups with at most `most` counters together, but one for each group: the largest groups have the
    same number, the others keep theirs. The state may be without `seen`."""
    sizes = (
        state.filter(pl.col("value").is_not_null()).group_by(group).len().get_column("len").sort()
        if group
        else pl.Series([state.get_column("value").count()])
    )
    if sizes.sum() <= most:
        return state
    share = (most - sizes.cum_sum().cast(pl.Int64) + sizes) // pl.Series(range(len(sizes), 0, -1))
    size = max(1, share.filter(sizes > share).item(0))
    return shrunk(state, group, size)


def raised(state: pl.DataFrame, group: list[str]) -> pl.DataFrame:
    """The counters as they are told, `lost` added: never below the true count, and at most `lost` above it. `short` is true
    for groups of which something was lost."""
    lost = pl.col("count").filter(pl.col("value").is_null()).sum()
    given = state.with_columns((lost.over(group) if group else lost).alias("lost"))
    return given.filter(pl.col("value").is_not_null()).with_columns(
        pl.col("count") + pl.col("lost"), (pl.col("lost") > 0).alias("short")
    )


def estimated(state: pl.DataFrame, group: list[str], k: int) -> pl.DataFrame:
    """The `k` highest counters of each group, ties by value ascending: `group`, `key`, `value` (at most `error` above the true
    count, never below), `rank` from 1, `error`."""
    lost = pl.col("count").filter(pl.col("value").is_null()).sum()
    total = pl.col("count") + (lost.over(group) if group else lost)
    counters = state.with_columns(total.alias("total")).filter(pl.col("value").is_not_null())
    place = pl.int_range(1, pl.len() + 1, dtype=pl.Int64)
    return (
        counters.sort(["total", "value"], descending=[True, False])
        .select(
            *group,
            pl.col("value").alias("key"),
            pl.col("total").alias("value"),
            (place.over(group) if group else place).alias("rank"),
            (pl.col("total") - pl.col("seen")).alias("error"),
        )
        .filter(pl.col("rank") <= k)
    )
