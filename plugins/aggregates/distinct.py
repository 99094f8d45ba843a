"""distinct(x): how many different values."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from pipeline import api
from pipeline.api import windows


class Distinct(api.Aggregate):
    name = "distinct"
    doc = (
        "The number of different values of x, skipping null. Exact: every value is kept until the window is forgotten."
    )
    example = "visitors = distinct(remote_addr)"
    parameters = (api.Parameter("x", "The value to tell apart."),)

    def returns(self, arguments: tuple[api.Type | None, ...]) -> api.Type:
        if arguments[0] is None:
            raise TypeError("distinct counts values of events, not a constant")
        return api.INT

    def keys(self, arguments: tuple[api.Argument, ...]) -> Mapping[str, pl.Expr]:
        return {"value": windows.column_of(arguments)}

    def step(self, arguments: tuple[api.Argument, ...]) -> Mapping[str, pl.Expr]:
        return {}

    def merge(self) -> Mapping[str, pl.Expr]:
        return {}

    def finish(
        self, state: pl.DataFrame, group: list[str], arguments: tuple[api.Argument, ...], seconds: float
    ) -> pl.DataFrame:
        return windows.valued(state, group, pl.col("value").drop_nulls().n_unique().cast(pl.Int64))
