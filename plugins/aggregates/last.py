"""last(x): the value of the latest event that has one."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from pipeline import api
from pipeline.api import windows

ORDER = {"time": "timestamp", "partition": "partition", "offset": "offset"}
"""What events are ordered by: name in the state, name of the metadata column without `@`."""


class Last(api.Aggregate):
    name = "last"
    doc = (
        "The value of x in the latest event where it is not null; null when there is none. Events are in order of "
        "`@timestamp`, then of partition and offset, whatever the order of arrival; those that were made of one event in the order "
        "in which they were made."
    )
    example = "version = last(version) by remote_addr"
    parameters = (api.Parameter("x", "The value to take."),)

    def returns(self, arguments: tuple[api.Type | None, ...]) -> api.Type:
        (kind,) = arguments
        if kind is None:
            raise TypeError("last takes a value of the event, not a constant")
        return kind

    def step(self, arguments: tuple[api.Argument, ...]) -> Mapping[str, pl.Expr]:
        value = windows.column_of(arguments).alias("value")
        order = [pl.col(f"@{name}").alias(alias) for alias, name in ORDER.items()]
        return {"last": _pick(pl.struct(value, *order), value, *order)}

    def merge(self) -> Mapping[str, pl.Expr]:
        state = pl.col("last")
        return {"last": _pick(state, *(state.struct.field(part) for part in ("value", *ORDER)))}

    def finish(
        self, state: pl.DataFrame, group: list[str], arguments: tuple[api.Argument, ...], seconds: float
    ) -> pl.DataFrame:
        return windows.valued(state, group, self.merge()["last"].struct.field("value"))


def _pick(event: pl.Expr, value: pl.Expr, *order: pl.Expr) -> pl.Expr:
    """The last event of those with a value; any when none has one."""
    return event.sort_by([value.is_not_null(), *order], maintain_order=True).last()
