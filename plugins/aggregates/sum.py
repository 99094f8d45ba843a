"""sum(x): the exact sum, whatever the order of events."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from pipeline import api
from pipeline.api import windows


class Sum(api.Aggregate):
    name = "sum"
    doc = (
        "The sum of x, skipping null; 0 when there is nothing to add. Integers are exact, null when the sum does not fit 64 "
        "bits. Floats are added without error and rounded once; NaN, or both infinities, make NaN."
    )
    example = "volume = sum(body_bytes_sent) by status"
    parameters = (api.Parameter("x", "The number to add.", types=("int", "float")),)
    additive = True
    plain = True
    reductions = (windows.Reduction("sum", windows.How.SUM),)

    def returns(self, arguments: tuple[api.Type | None, ...]) -> api.Type:
        (kind,) = arguments
        if kind is None or not kind.number:
            raise TypeError(f"sum adds numbers, not {kind or 'a constant'}")
        return kind

    def bind(self, types: tuple[api.Type | None, ...], arguments: tuple[object, ...]) -> api.Aggregate:
        """Floats need a state of their own."""
        return FloatSum() if types[0] == api.FLOAT else Sum()

    def finish(
        self, state: pl.DataFrame, group: list[str], arguments: tuple[api.Argument, ...], seconds: float
    ) -> pl.DataFrame:
        return windows.valued(state, group, pl.col("sum").sum().cast(pl.Int64, strict=False))


class FloatSum(Sum):
    """The same for floats: a row of state per group and range of exponents."""

    plain = False
    reductions = (windows.Reduction("sum", windows.How.UNITS),)

    def keys(self, arguments: tuple[api.Argument, ...]) -> Mapping[str, pl.Expr]:
        return {"bucket": windows.bucket(windows.column_of(arguments))}

    def finish(
        self, state: pl.DataFrame, group: list[str], arguments: tuple[api.Argument, ...], seconds: float
    ) -> pl.DataFrame:
        return windows.computed(state, group, ["bucket", "sum"], windows.total)
