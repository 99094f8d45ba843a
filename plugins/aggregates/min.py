"""min(x): the lowest value."""

from __future__ import annotations

import polars as pl

from pipeline import api
from pipeline.api import windows


class Min(api.Aggregate):
    name = "min"
    doc = "The lowest value of x; null when there is none. Texts compare by code points. NaN counts only where nothing else is."
    example = "fastest = min(request_time) by host"
    parameters = (api.Parameter("x", "What to compare.", types=("int", "float", "string", "time", "duration", "bool")),)
    plain = True
    reductions = (windows.Reduction("min", windows.How.MIN),)

    def returns(self, arguments: tuple[api.Type | None, ...]) -> api.Type:
        (kind,) = arguments
        if kind is None or kind.kind not in self.parameters[0].types:
            raise TypeError(f"min compares numbers, strings, times, durations or booleans, not {kind or 'a constant'}")
        return kind

    def finish(
        self, state: pl.DataFrame, group: list[str], arguments: tuple[api.Argument, ...], seconds: float
    ) -> pl.DataFrame:
        return windows.valued(state, group, pl.col("min").min())
