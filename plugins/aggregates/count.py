"""count(): how many events."""

from __future__ import annotations

import polars as pl

from pipeline import api
from pipeline.api import windows


class Count(api.Aggregate):
    name = "count"
    doc = "The number of events."
    example = "requests = count() by status"
    additive = True
    plain = True
    reductions = (windows.Reduction("count", windows.How.ROWS),)

    def returns(self, arguments: tuple[api.Type | None, ...]) -> api.Type:
        return api.INT

    def finish(
        self, state: pl.DataFrame, group: list[str], arguments: tuple[api.Argument, ...], seconds: float
    ) -> pl.DataFrame:
        return windows.valued(state, group, pl.col("count").sum())
