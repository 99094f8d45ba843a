"""How large a share of the events a condition holds for."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
from pipeline import api
from pipeline.api import windows


class Share(api.Aggregate, api=1):
    name = "share"
    doc = "The share of events, from 0 to 1, for which a condition holds, skipping null; null when there is nothing."
    example = "failed = share(status >= 500) by path"
    parameters = (api.Parameter("condition", "What holds or does not.", types=("bool",)),)

    def returns(self, arguments: tuple[api.Type | None, ...]) -> api.Type:
        if arguments[0] != api.BOOL:
            raise TypeError(f"share takes a condition, not {arguments[0] or 'a constant'}")
        return api.FLOAT

    def keep(self, arguments: tuple[api.Argument, ...]) -> pl.Expr | None:
        return windows.column_of(arguments).is_not_null()

    def step(self, arguments: tuple[api.Argument, ...]) -> Mapping[str, pl.Expr]:
        """Two counts: shares themselves could not be merged."""
        return {"yes": windows.column_of(arguments).sum().cast(pl.Int64), "all": pl.len().cast(pl.Int64)}

    def merge(self) -> Mapping[str, pl.Expr]:
        return {"yes": pl.col("yes").sum(), "all": pl.col("all").sum()}

    def finish(
        self, state: pl.DataFrame, group: list[str], arguments: tuple[api.Argument, ...], seconds: float
    ) -> pl.DataFrame:
        yes, every = pl.col("yes").sum(), pl.col("all").sum()
        return windows.valued(state, group, pl.when(every > 0).then(yes / every))
