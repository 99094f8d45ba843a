"""quantile(x, q): the value below which a share q of the values lies."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from pipeline import api
from pipeline.api import windows


class Quantile(api.Aggregate):
    name = "quantile"
    doc = (
        "The q-quantile of x, skipping null; null when there is nothing. Between two values it is interpolated linearly, as "
        "SQL's `percentile_cont` does: of n values in order, the place is q·(n - 1). NaN is above all numbers. "
        "Exact up to 10,000 different values a group; then DDSketch, each value within 1 % of itself. Events have `error`: the "
        "quantile is between `value - error` and `value + error`; 0 for one that is exact. The answer depends on the values "
        "alone, not on their order."
    )
    example = "p99 = quantile(request_time, 0.99) by host"
    parameters = (
        api.Parameter("x", "The number.", types=("int", "float")),
        api.Parameter("q", "The share, from 0 to 1.", types=("int", "float"), constant=True),
    )
    state_version = 2
    bounded = sketches = True
    exact = 10_000
    """Different values of a group that are kept as they are."""
    reductions = (windows.Reduction("seen", windows.How.COUNT),)

    def returns(self, arguments: tuple[api.Type | None, ...]) -> api.Type:
        kind = arguments[0]
        if kind is None or not kind.number:
            raise TypeError(f"quantile orders numbers, not {kind or 'a constant'}")
        return api.FLOAT

    def keys(self, arguments: tuple[api.Argument, ...]) -> Mapping[str, pl.Expr]:
        _share(arguments)
        return {"value": windows.column_of(arguments), "bucket": pl.lit(None, dtype=windows.ddsketch.BUCKET)}

    def finish(
        self, state: pl.DataFrame, group: list[str], arguments: tuple[api.Argument, ...], seconds: float
    ) -> pl.DataFrame:
        value, upto = pl.col("value"), pl.col("seen").cum_sum()
        numbers = state.with_columns(
            windows.ddsketch.numbers().alias("value"), windows.ddsketch.errors().alias("error")
        ).sort("value", nulls_last=True)
        place = (pl.col("seen").sum() - 1) * _share(arguments)
        below, above = upto > place.floor(), upto > place.ceil()
        low, high = value.filter(below).first(), value.filter(above).first()
        part = place - place.floor()
        # Only between different values: infinity minus infinity is NaN.
        between = pl.when((part == 0) | (low == high)).then(low).otherwise(low + (high - low) * part)
        worst = [pl.col("error").filter(side).first() for side in (below, above)]
        made = [between.alias("value"), pl.max_horizontal(worst).alias("error")]
        return numbers.group_by(group).agg(made) if group else numbers.select(made)

    def compact(self, state: pl.DataFrame, group: list[str]) -> pl.DataFrame:
        return windows.ddsketch.shrunk(state, group, self.exact)


def _share(arguments: tuple[api.Argument, ...]) -> float:
    q = arguments[1]
    if isinstance(q, pl.Expr | str) or not 0 <= q <= 1:
        raise ValueError(f"quantile needs a share from 0 to 1, not {q}")
    return float(q)
