"""rate(): events per second."""

from __future__ import annotations

import polars as pl

from pipeline import api
from pipeline.api import windows


class Rate(api.Aggregate):
    name = "rate"
    doc = "Events per second: the number of events divided by the window's length. Needs a window with a size."
    example = "speed = rate() by status"
    reductions = (windows.Reduction("rate", windows.How.ROWS),)

    def returns(self, arguments: tuple[api.Type | None, ...]) -> api.Type:
        return api.FLOAT

    def finish(
        self, state: pl.DataFrame, group: list[str], arguments: tuple[api.Argument, ...], seconds: float
    ) -> pl.DataFrame:
        # Not as an expression: Polars divides by a constant as it multiplies with the inverse, which is rounded twice.
        return windows.computed(state, group, ["rate"], lambda counts: sum(counts) / seconds)
