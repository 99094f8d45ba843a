"""distinct(x): how many different values."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from pipeline import api
from pipeline.api import windows


class Distinct(api.Aggregate):
    name = "distinct"
    doc = (
        "The number of different values of x, skipping null. Exact up to 10,000 values a group; then HyperLogLog with 16,384 "
        "registers, whose standard error is 0.81 % (lists and records are always counted exactly). Events have `error`: three "
        "standard errors, so that of 1,000 estimates all but three are that close to the number; 0 for a count that is exact. "
        "The answer depends on the values alone, not on their order."
    )
    example = "visitors = distinct(remote_addr)"
    parameters = (api.Parameter("x", "The value to tell apart."),)
    reductions = ()
    state_version = 3
    bounded = sketches = True
    exact = 10_000
    """Values of a group that are kept as they are."""

    def returns(self, arguments: tuple[api.Type | None, ...]) -> api.Type:
        if arguments[0] is None:
            raise TypeError("distinct counts values of events, not a constant")
        return api.INT

    def keys(self, arguments: tuple[api.Argument, ...]) -> Mapping[str, pl.Expr]:
        return {"value": windows.column_of(arguments), "register": pl.lit(None, dtype=windows.hyperloglog.REGISTER)}

    def finish(
        self, state: pl.DataFrame, group: list[str], arguments: tuple[api.Argument, ...], seconds: float
    ) -> pl.DataFrame:
        found = [pl.col("value").drop_nulls().n_unique(), pl.col("register").drop_nulls()]
        lists = state.group_by(group).agg(found) if group else state.select(found[0], found[1].implode())
        counts = [windows.hyperloglog.counted(*row) for row in lists.select("value", "register").iter_rows()]
        error = pl.when(pl.col("register").list.len() > 0).then((pl.col("value") * windows.hyperloglog.ERROR).ceil())
        return lists.select(*group, pl.Series("value", counts, dtype=pl.Int64), "register").select(
            *group, "value", error.otherwise(0).cast(pl.Int64).alias("error")
        )

    def compact(self, state: pl.DataFrame, group: list[str]) -> pl.DataFrame:
        return windows.hyperloglog.shrunk(state, group, self.exact)
