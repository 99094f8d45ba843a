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
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

import polars as pl

from pipeline.columns.types import Type
from pipeline.columns.windows.reductions import Reduction

Argument = pl.Expr | int | float | str


@dataclass(frozen=True)
class Parameter:
    """A parameter of an aggregate or a function. `constant` ones are given as Python values, others as expressions.

    `types`: kinds that are accepted (empty: any). `items`: kinds that elements of a list may have (empty: any)."""

    name: str
    doc: str
    types: tuple[str, ...] = ()
    _: KW_ONLY
    constant: bool = False
    default: int | float | str | bool | None = None
    required: bool = True
    items: tuple[str, ...] = ()


class Aggregate(ABC):
    """One aggregate function of windows. Instances are stateless; `@timestamp`, `@partition`, `@offset` may be read.

    Which of its arguments are null-skipped is its own business; of a ranking, the event's `by` gets the ranked key."""

    api: ClassVar[int | None] = None
    """The contract that it was written for. Those of the house need not say it."""
    name: ClassVar[str]
    doc: ClassVar[str]
    example: ClassVar[str]
    parameters: ClassVar[tuple[Parameter, ...]] = ()
    state_version: ClassVar[int] = 1
    ranking: ClassVar[bool] = False
    """True when `finish` yields several ranked rows a group: `value` is a count and the key is the event's `by`."""
    reductions: ClassVar[tuple[Reduction, ...] | None] = None
    """The state columns, if they are primitive reductions of arguments: `step` and `merge` follow from them, and the engine
    computes them natively, together with those of all other metrics. None: `step` and `merge` are written out."""
    plain: ClassVar[bool] = False
    """True when `finish` gives the only one of `reductions` as it is (a sum that does not fit Int64 as null), or, of a ranking, as
    many keys as its first argument says, by their counts: the engine then need not call it to make events."""
    additive: ClassVar[bool] = False
    """True when values of disjoint parts of a window may be added by a reader (`count`, `sum`): used after eviction."""

    def __init_subclass__(cls, *, api: int | None = None, **further: object) -> None:
        """`class Spread(Aggregate, api=1)` says which contract the class was written for."""
        super().__init_subclass__(**further)
        if api is not None:
            cls.api = api

    @abstractmethod
    def returns(self, arguments: tuple[Type | None, ...]) -> Type:
        """The type of `value`, given the arguments' types (None for constants). Raise TypeError with a message if they do not fit."""

    sketches: ClassVar[bool] = False
    """True when `compact` has something to do. Then there are extra keys."""
    bounded: ClassVar[bool] = False
    """True when `finish` also gives `error`, of the value's own dtype, 0 where the value is exact: of a ranking, the true count is
    between `value - error` and `value`; of others, the true value is between `value - error` and `value + error`."""

    def bind(self, types: tuple[Type | None, ...], arguments: tuple[object, ...]) -> Aggregate:
        """The aggregate for these arguments (constants, expressions) of these types (None for constants), where they decide
        about the state; otherwise the same one."""
        return self

    def compact(self, state: pl.DataFrame, group: list[str]) -> pl.DataFrame:
        """The same state in bounded size, where an aggregate has a sketch: columns as `finish` gets them, and answered alike.
        With `sketches`, it runs after every step and every merge."""
        return state

    def shorten(self, state: pl.DataFrame, group: list[str], most: int) -> pl.DataFrame:
        """Of a ranking: the same state with at most `most` rows, about, by giving up values that are not frequent. What `finish`
        makes of it has a Boolean column `partial`, true where counts may not be exact. It runs where a window has more groups
        than it may have (`window(groups: …)`)."""
        return state

    def keys(self, arguments: tuple[Argument, ...]) -> Mapping[str, pl.Expr]:
        """Extra group keys per row (ValueError for a wrong constant), for state that is kept per distinct value (`top`, `distinct`, `quantile`)."""
        return {}

    def keep(self, arguments: tuple[Argument, ...]) -> pl.Expr | None:
        """Rows that take part (Boolean); None for all. Aggregates skip null inputs here."""
        return None

    def step(self, arguments: tuple[Argument, ...]) -> Mapping[str, pl.Expr]:
        """State columns, as aggregations of a group's rows."""
        return {reduction.name: reduction.step(arguments) for reduction in self._reductions()}

    def merge(self) -> Mapping[str, pl.Expr]:
        """The same state columns, as aggregations of a group's states."""
        return {reduction.name: reduction.merge() for reduction in self._reductions()}

    def _reductions(self) -> tuple[Reduction, ...]:
        if self.reductions is None:
            raise NotImplementedError(f"{self.name} has no reductions, so it needs step() and merge()")
        return self.reductions

    @abstractmethod
    def finish(
        self, state: pl.DataFrame, group: list[str], arguments: tuple[Argument, ...], seconds: float
    ) -> pl.DataFrame:
        """State of one window (columns: `group`, the extra keys, the state columns) to values: columns `group`, `value`,
        and for rankings `key` (of the value's own dtype) and `rank` (Int64, from 1). `seconds` is the window's length.

        `group` may be empty: then all of `state` is one group, and the answer has one row (or k for rankings)."""
