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
        "Exact: every different value is kept with its count until the window is forgotten."
    )
    example = "p99 = quantile(request_time, 0.99) by host"
    parameters = (
        api.Parameter("x", "The number.", types=("int", "float")),
        api.Parameter("q", "The share, from 0 to 1.", types=("int", "float"), constant=True),
    )

    def returns(self, arguments: tuple[api.Type | None, ...]) -> api.Type:
        kind = arguments[0]
        if kind is None or not kind.number:
            raise TypeError(f"quantile orders numbers, not {kind or 'a constant'}")
        return api.FLOAT

    def keys(self, arguments: tuple[api.Argument, ...]) -> Mapping[str, pl.Expr]:
        return {"value": windows.column_of(arguments)}

    def step(self, arguments: tuple[api.Argument, ...]) -> Mapping[str, pl.Expr]:
        _share(arguments)
        return {"seen": windows.column_of(arguments).count().cast(pl.Int64)}

    def merge(self) -> Mapping[str, pl.Expr]:
        return {"seen": pl.col("seen").sum()}

    def finish(
        self, state: pl.DataFrame, group: list[str], arguments: tuple[api.Argument, ...], seconds: float
    ) -> pl.DataFrame:
        value, upto = pl.col("value"), pl.col("seen").cum_sum()
        place = (pl.col("seen").sum() - 1) * _share(arguments)
        low = value.filter(upto > place.floor()).first().cast(pl.Float64)
        high = value.filter(upto > place.ceil()).first().cast(pl.Float64)
        part = place - place.floor()
        # Only between different values: infinity minus infinity is NaN.
        between = pl.when((part == 0) | (low == high)).then(low).otherwise(low + (high - low) * part)
        return windows.valued(state.sort("value", nulls_last=True), group, between)


def _share(arguments: tuple[api.Argument, ...]) -> float:
    q = arguments[1]
    if isinstance(q, pl.Expr | str) or not 0 <= q <= 1:
        raise ValueError(f"quantile needs a share from 0 to 1, not {q}")
    return float(q)
