"""The primitive reductions that most aggregates are made of, in one place for both engines.

An aggregate that is made of these is computed by the native kernels, all metrics of a batch in one pass; any other runs as
the Polars expressions that it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import polars as pl

from pipeline.columns.windows.exact import units


class How(StrEnum):
    """What happens to the values of a group, and the state's dtype. All but ROWS skip null."""

    ROWS = "rows"
    """Int64: how many rows."""
    COUNT = "count"
    """Int64: how many values that are not null."""
    SUM = "sum"
    """Int128: the sum of integers."""
    UNITS = "units"
    """Int128: the sum of `exact.units` of floats. Only together with `exact.bucket` as a key."""
    MIN = "min"
    """The value's dtype: the lowest, null when there is none. NaN counts only where nothing else is."""
    MAX = "max"
    """The same for the highest."""


@dataclass(frozen=True)
class Reduction:
    """The state column `name` of an aggregate: `how`, and the position of the argument that is reduced."""

    name: str
    how: How
    argument: int = 0

    def step(self, arguments: Sequence[pl.Expr | int | float | str]) -> pl.Expr:
        """As an aggregation of a group's rows."""
        if self.how is How.ROWS:
            return pl.len().cast(pl.Int64)
        given = arguments[self.argument]
        value = given if isinstance(given, pl.Expr) else pl.lit(given)
        match self.how:
            case How.COUNT:
                return value.count().cast(pl.Int64)
            case How.SUM:
                return value.cast(pl.Int128).sum()
            case How.UNITS:
                return units(value).sum()
            case How.MIN:
                return value.min()
            case How.MAX:
                return value.max()

    def merge(self) -> pl.Expr:
        """As an aggregation of a group's states."""
        state = pl.col(self.name)
        match self.how:
            case How.MIN:
                return state.min()
            case How.MAX:
                return state.max()
            case _:
                return state.sum()

    @property
    def merging(self) -> str:
        """The kernel's name of what `merge` does."""
        return str(self.how) if self.how in (How.MIN, How.MAX) else "add"

    @property
    def wide(self) -> bool:
        """Whether the state has 128 bits."""
        return self.how in (How.SUM, How.UNITS)

    def fits(self, kind: pl.DataType) -> bool:
        """Whether the kernel can reduce values of this dtype."""
        match self.how:
            case How.SUM:
                return kind.is_integer() and kind in WORDS
            case How.UNITS:
                return kind == pl.Float64
            case _:
                return kind in GROUPS


Reductions = Mapping[str, Reduction]

WORDS = (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32)
GROUPS = (*WORDS, pl.Float64, pl.Boolean, pl.String, pl.Datetime("us"), pl.Datetime("us", "UTC"), pl.Duration("us"))
"""Dtypes of values that the kernels group, compare and reduce."""
