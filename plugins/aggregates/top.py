"""top(k, x): the most frequent values, ranked."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from pipeline import api
from pipeline.api import windows


class Top(api.Aggregate):
    name = "top"
    doc = (
        "The k most frequent values of x, skipping null: one event a rank, `value` is the count and `by` names the value. "
        "Equal counts are in order of the value. Exact: every value is counted until the window is forgotten."
    )
    example = "popular = top(10, path) where status in 200..399"
    parameters = (
        api.Parameter("k", "How many ranks, at least 1.", types=("int",), constant=True),
        api.Parameter("x", "The value to rank.", types=("string", "int", "float", "bool", "time", "duration")),
    )
    ranking = True

    def returns(self, arguments: tuple[api.Type | None, ...]) -> api.Type:
        kind = arguments[1]
        if kind is None or kind.kind not in self.parameters[1].types:
            raise TypeError(f"top ranks texts, numbers, times, durations or booleans, not {kind or 'a constant'}")
        return api.INT

    def keys(self, arguments: tuple[api.Argument, ...]) -> Mapping[str, pl.Expr]:
        return {"value": windows.column_of(arguments, 1)}

    def keep(self, arguments: tuple[api.Argument, ...]) -> pl.Expr | None:
        return windows.column_of(arguments, 1).is_not_null()

    def step(self, arguments: tuple[api.Argument, ...]) -> Mapping[str, pl.Expr]:
        _ranks(arguments)
        return {"count": pl.len().cast(pl.Int64)}

    def merge(self) -> Mapping[str, pl.Expr]:
        return {"count": pl.col("count").sum()}

    def finish(
        self, state: pl.DataFrame, group: list[str], arguments: tuple[api.Argument, ...], seconds: float
    ) -> pl.DataFrame:
        return windows.ranked(state, group, "value", "count", _ranks(arguments))


def _ranks(arguments: tuple[api.Argument, ...]) -> int:
    k = arguments[0]
    if not isinstance(k, int) or k < 1:
        raise ValueError(f"top needs a whole number of ranks, at least 1, not {k}")
    return k
