"""mean(x): the exact mean, rounded once."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from pipeline import api
from pipeline.api import windows


class Mean(api.Aggregate):
    name = "mean"
    doc = (
        "The arithmetic mean of x, skipping null; null when there is nothing. The sum has no error and the quotient is "
        "rounded once; NaN, or both infinities, make NaN."
    )
    example = "latency = mean(request_time) by host"
    parameters = (api.Parameter("x", "The number to average.", types=("int", "float")),)
    reductions = (windows.Reduction("total", windows.How.SUM), windows.Reduction("seen", windows.How.COUNT))

    def returns(self, arguments: tuple[api.Type | None, ...]) -> api.Type:
        (kind,) = arguments
        if kind is None or not kind.number:
            raise TypeError(f"mean averages numbers, not {kind or 'a constant'}")
        return api.FLOAT

    def bind(self, types: tuple[api.Type | None, ...], arguments: tuple[object, ...]) -> api.Aggregate:
        """Floats need a state of their own."""
        return FloatMean() if types[0] == api.FLOAT else Mean()

    def finish(
        self, state: pl.DataFrame, group: list[str], arguments: tuple[api.Argument, ...], seconds: float
    ) -> pl.DataFrame:
        return windows.computed(state, group, ["total", "seen"], _quotient)


class FloatMean(Mean):
    """The same for floats: a row of state per group and range of exponents."""

    reductions = (windows.Reduction("total", windows.How.UNITS), windows.Reduction("seen", windows.How.COUNT))

    def keys(self, arguments: tuple[api.Argument, ...]) -> Mapping[str, pl.Expr]:
        return {"bucket": windows.bucket(windows.column_of(arguments))}

    def finish(
        self, state: pl.DataFrame, group: list[str], arguments: tuple[api.Argument, ...], seconds: float
    ) -> pl.DataFrame:
        return windows.computed(state, group, ["bucket", "total", "seen"], _float_quotient)


def _quotient(totals: list[int], seen: list[int]) -> float | None:
    # Integers of any size divide with one rounding in Python.
    return sum(totals) / sum(seen) if sum(seen) else None


def _float_quotient(buckets: list[int | None], totals: list[int | None], seen: list[int]) -> float | None:
    return windows.total(buckets, totals, sum(seen)) if sum(seen) else None
