"""What a window computes, free of the language and of plugins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

import polars as pl

from pipeline.columns.types import Type
from pipeline.columns.windows.reductions import Reduction

Argument = pl.Expr | int | float | str


class Aggregation(Protocol):
    """What a window needs of an aggregate; `pipeline.api.Aggregate` documents the contract."""

    ranking: ClassVar[bool]
    bounded: ClassVar[bool]
    plain: ClassVar[bool]
    sketches: ClassVar[bool]
    reductions: ClassVar[tuple[Reduction, ...] | None]

    def keys(self, arguments: tuple[Argument, ...]) -> Mapping[str, pl.Expr]: ...

    def keep(self, arguments: tuple[Argument, ...]) -> pl.Expr | None: ...

    def step(self, arguments: tuple[Argument, ...]) -> Mapping[str, pl.Expr]: ...

    def merge(self) -> Mapping[str, pl.Expr]: ...

    def compact(self, state: pl.DataFrame, group: list[str]) -> pl.DataFrame: ...

    def shorten(self, state: pl.DataFrame, group: list[str], most: int) -> pl.DataFrame: ...

    def finish(
        self, state: pl.DataFrame, group: list[str], arguments: tuple[Argument, ...], seconds: float
    ) -> pl.DataFrame: ...


@dataclass(frozen=True, eq=False)
class Key:
    """A group field. `polars` reads it from a batch's frame."""

    path: tuple[str, ...]
    polars: pl.Expr
    type: Type

    @property
    def name(self) -> str:
        """Its name in the `by` object."""
        return ".".join(self.path)


@dataclass(frozen=True, eq=False)
class Measure:
    """One metric. `ranked` names the ranked argument and its type in `by` (for rankings), `type` is that of its value."""

    name: str
    aggregate: Aggregation
    arguments: tuple[Argument, ...]
    type: Type
    by: tuple[Key, ...] = ()
    where: pl.Expr | None = None
    ranked: tuple[str, Type] | None = None


@dataclass(frozen=True, eq=False)
class Spec:
    """A window. `size` and `slide` in µs; `slide` divides `size`; size 0 is one window over everything, starting at 0.

    `on` is a Datetime("us") column without nulls. With `by`, `rows` gives one event per group, and the measures have no
    `by` of their own. `groups`: the most groups of a metric that `bounded` leaves."""

    size: int
    measures: tuple[Measure, ...]
    on: str = "@timestamp"
    slide: int | None = None
    by: tuple[Key, ...] = ()
    groups: int | None = None
