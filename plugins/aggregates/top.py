"""top(k, x): the most frequent values, ranked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import polars as pl

from pipeline import api
from pipeline.api import windows


class Top(api.Aggregate):
    name = "top"
    doc = (
        "The k most frequent values of x, skipping null: one event a rank, `value` is the count and `by` names the value. "
        "Equal counts are in order of the value. Exact: every value is counted until the window is forgotten, "
        "unless there are more than ten times the `groups` of the window: then the least frequent are given up, there may be fewer "
        "ranks, and facts have `partial: true`. With "
        "`approximate: true` it is a space-saving summary of 10·k, at least 1,000 counters a group, for values without number: "
        "events have `error`, and the true count is between `value - error` and `value`; `error` is at most the group's "
        "events divided by the counters. Then ranks may depend on the order of events, the bound does not; up to as many "
        "different values as counters it is exact, with `error` 0."
    )
    example = "popular = top(10, path) where status in 200..399"
    parameters = (
        api.Parameter("k", "How many ranks, at least 1.", types=("int",), constant=True),
        api.Parameter("x", "The value to rank.", types=("string", "int", "float", "bool", "time", "duration")),
        api.Parameter(
            "approximate",
            "Count in bounded memory, with the error as a column.",
            types=("bool",),
            constant=True,
            default=False,
            required=False,
        ),
    )
    ranking = True
    plain = True
    reductions: ClassVar[tuple[windows.Reduction, ...]] = (windows.Reduction("count", windows.How.ROWS),)

    def returns(self, arguments: tuple[api.Type | None, ...]) -> api.Type:
        kind = arguments[1]
        if kind is None or kind.kind not in self.parameters[1].types:
            raise TypeError(f"top ranks texts, numbers, times, durations or booleans, not {kind or 'a constant'}")
        return api.INT

    def bind(self, types: tuple[api.Type | None, ...], arguments: tuple[object, ...]) -> api.Aggregate:
        """A summary needs a state of its own."""
        k, approximate = arguments[0], arguments[2:] == (True,)
        return ApproximateTop(max(10 * k, 1000)) if approximate and isinstance(k, int) else Top()

    def keys(self, arguments: tuple[api.Argument, ...]) -> Mapping[str, pl.Expr]:
        _ranks(arguments)
        return {"value": windows.column_of(arguments, 1)}

    def keep(self, arguments: tuple[api.Argument, ...]) -> pl.Expr | None:
        return windows.column_of(arguments, 1).is_not_null()

    def finish(
        self, state: pl.DataFrame, group: list[str], arguments: tuple[api.Argument, ...], seconds: float
    ) -> pl.DataFrame:
        if not state.get_column("value").null_count():
            return windows.ranked(state, group, "value", "count", _ranks(arguments))
        told = windows.frequent.raised(state, group)
        ranks = windows.ranked(told.select(*group, "value", "count"), group, "value", "count", _ranks(arguments))
        short = told.filter("short").select(group).unique() if group else None
        if short is None:
            return ranks.with_columns(partial=True)
        marked = short.with_columns(partial=True)
        return ranks.join(marked, on=group, how="left", nulls_equal=True, maintain_order="left")

    def shorten(self, state: pl.DataFrame, group: list[str], most: int) -> pl.DataFrame:
        return windows.frequent.shortened(state, group, most)


class ApproximateTop(Top):
    """The same in bounded memory."""

    bounded = sketches = True
    plain = False
    reductions = (windows.Reduction("count", windows.How.ROWS), windows.Reduction("seen", windows.How.ROWS))

    def __init__(self, counters: int = 1000) -> None:
        self.counters = counters

    def compact(self, state: pl.DataFrame, group: list[str]) -> pl.DataFrame:
        return windows.frequent.shrunk(state, group, self.counters)

    def finish(
        self, state: pl.DataFrame, group: list[str], arguments: tuple[api.Argument, ...], seconds: float
    ) -> pl.DataFrame:
        return windows.frequent.estimated(state, group, _ranks(arguments))


def _ranks(arguments: tuple[api.Argument, ...]) -> int:
    k = arguments[0]
    if not isinstance(k, int) or k < 1:
        raise ValueError(f"top needs a whole number of ranks, at least 1, not {k}")
    return k
