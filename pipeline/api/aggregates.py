"""The contract of aggregates: mergeable, order-independent, columnar.

The engine keeps, for each group, a little table of state. An aggregate says how rows become state, how states merge,
and how state becomes values, all as Polars expressions over columns, so nothing runs per row:

    rows ──keys()──▶ extra group keys   ──step()──▶ state columns          group_by(window, group, extra keys).agg(…)
    states (many, concatenated)         ──merge()─▶ the same columns       group_by(group, extra keys).agg(…)
    state                               ──finish()▶ value (and rank)       one row a group, or k rows for rankings

Merging must be commutative and associative, and stepping then merging must equal stepping everything at once: the engine
cuts batches anywhere, merges in any order, and merges states of other hosts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from pipeline.columns.types import Type

Argument = pl.Expr | int | float | str


@dataclass(frozen=True)
class Parameter:
    """A parameter of an aggregate or a function. `constant` ones are given as Python values, others as expressions.

    `types`: kinds that are accepted (empty: any)."""

    name: str
    doc: str
    types: tuple[str, ...] = ()
    constant: bool = False
    default: int | float | str | bool | None = None
    required: bool = True


class Aggregate(ABC):
    """One aggregate function of windows. Instances are stateless; `@timestamp`, `@partition`, `@offset` may be read.

    `value_parameter` names the parameter that is null-skipped and (for rankings) becomes the group `{f: key}`."""

    name: ClassVar[str]
    doc: ClassVar[str]
    example: ClassVar[str]
    parameters: ClassVar[tuple[Parameter, ...]] = ()
    state_version: ClassVar[int] = 1
    ranking: ClassVar[bool] = False
    """True when `finish` yields several ranked rows a group: `value` is a count and the key is the event's `by`."""
    additive: ClassVar[bool] = False
    """True when values of disjoint parts of a window may be added by a reader (`count`, `sum`): used after eviction."""

    @abstractmethod
    def returns(self, arguments: tuple[Type | None, ...]) -> Type:
        """The type of `value`, given the arguments' types (None for constants). Raise TypeError with a message if they do not fit."""

    def bind(self, types: tuple[Type | None, ...]) -> Aggregate:
        """The aggregate for arguments of these types, where types decide about the state; otherwise the same one."""
        return self

    def keys(self, arguments: tuple[Argument, ...]) -> Mapping[str, pl.Expr]:
        """Extra group keys per row (ValueError for a wrong constant), for state that is kept per distinct value (`top`, `distinct`, `quantile`)."""
        return {}

    def keep(self, arguments: tuple[Argument, ...]) -> pl.Expr | None:
        """Rows that take part (Boolean); None for all. Aggregates skip null inputs here."""
        return None

    @abstractmethod
    def step(self, arguments: tuple[Argument, ...]) -> Mapping[str, pl.Expr]:
        """State columns, as aggregations of a group's rows."""

    @abstractmethod
    def merge(self) -> Mapping[str, pl.Expr]:
        """The same state columns, as aggregations of a group's states."""

    @abstractmethod
    def finish(
        self, state: pl.DataFrame, group: list[str], arguments: tuple[Argument, ...], seconds: float
    ) -> pl.DataFrame:
        """State of one window (columns: `group`, the extra keys, the state columns) to values: columns `group`, `value`,
        and for rankings `key` (of the value's own dtype) and `rank` (Int64, from 1). `seconds` is the window's length.

        `group` may be empty: then all of `state` is one group, and the answer has one row (or k for rankings)."""
