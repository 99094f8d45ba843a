"""count(): how many events."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from pipeline import api
from pipeline.api import windows


class Count(api.Aggregate):
    name = "count"
    doc = "The number of events."
    example = "requests = count() by status"
    additive = True

    def returns(self, arguments: tuple[api.Type | None, ...]) -> api.Type:
        return api.INT

    def step(self, arguments: tuple[api.Argument, ...]) -> Mapping[str, pl.Expr]:
        return {"count": pl.len().cast(pl.Int64)}

    def merge(self) -> Mapping[str, pl.Expr]:
        return {"count": pl.col("count").sum()}

    def finish(
        self, state: pl.DataFrame, group: list[str], arguments: tuple[api.Argument, ...], seconds: float
    ) -> pl.DataFrame:
        return windows.valued(state, group, pl.col("count").sum())
