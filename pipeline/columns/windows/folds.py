"""Folds: one group-by and one state frame, shared by the measures that group alike.

Columns of a state frame:

    by.0, by.1, …      values of the group fields
    key.NAME           extra keys of an aggregate (a ranked value, a quantile's input); such a frame has one measure
    NAME               state NAME of a measure; measures whose states have equal names do not share a frame
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import polars as pl

from pipeline.columns.windows.reductions import Reductions
from pipeline.columns.windows.spec import Key
from pipeline.columns.windows.states import Part, seen


@dataclass(frozen=True, eq=False)
class Primitive:
    """What a fold does, where its states are primitive reductions: everything by expressions over the batch's columns.

    A row takes part when all `conditions` are true and no value of `present` is null. `values` has what each state
    reduces."""

    keys: Mapping[str, pl.Expr]
    conditions: tuple[pl.Expr, ...]
    present: tuple[pl.Expr, ...]
    reductions: Reductions
    values: Mapping[str, pl.Expr | None]

    def joined(self, other: Primitive) -> Primitive:
        """Both as one; they differ in their states only."""
        return replace(self, reductions={**self.reductions, **other.reductions}, values={**self.values, **other.values})


@dataclass(frozen=True, eq=False)
class Fold:
    """One group-by. `inputs` are the measures' arguments by column name, computed for each row that passes `where`."""

    by: tuple[Key, ...]
    where: pl.Expr | None
    keep: pl.Expr | None
    inputs: Mapping[str, pl.Expr]
    extra: Mapping[str, pl.Expr]
    step: Mapping[str, pl.Expr]
    merge: Mapping[str, pl.Expr]
    primitive: Primitive | None = None
    compact: Callable[[pl.DataFrame, list[str]], pl.DataFrame] | None = None
    shorten: Callable[[pl.DataFrame, list[str], int], pl.DataFrame] | None = None

    @cached_property
    def group(self) -> list[str]:
        return [f"by.{index}" for index in range(len(self.by))]

    @cached_property
    def keys(self) -> list[str]:
        return [*self.group, *self.extra]

    @cached_property
    def reads(self) -> frozenset[str]:
        """Columns of the rows that the state's expressions read besides the inputs (`first` reads `@timestamp`)."""
        expressions = [*self.extra.values(), *self.step.values(), *([] if self.keep is None else [self.keep])]
        return frozenset(name for given in expressions for name in given.meta.root_names()) - {
            *self.inputs,
            *self.group,
        }

    def compacted(self, state: Part) -> Part:
        """The state in bounded size, if the aggregate has a way to it."""
        compact = self.compact
        return state if compact is None else self.named(lambda given: compact(given, self.group), seen(state))

    def named(self, work: Callable[[pl.DataFrame], pl.DataFrame], state: pl.DataFrame) -> pl.DataFrame:
        """What an aggregate makes of a state in which the extra keys have its own names for them."""
        own = {name: name.removeprefix("key.") for name in self.extra}
        return work(state.rename(own)).rename({short: name for name, short in own.items()})

    def shares(self, other: Fold) -> bool:
        """True when one group-by can compute both."""
        return (
            not (self.extra or other.extra)
            and [key.path for key in self.by] == [key.path for key in other.by]
            and _equal(self.where, other.where)
            and _equal(self.keep, other.keep)
            and not (self.step.keys() & other.step.keys())
        )

    def joined(self, other: Fold) -> Fold:
        """Both as one."""
        return Fold(
            self.by,
            self.where,
            self.keep,
            {**self.inputs, **other.inputs},
            {},
            {**self.step, **other.step},
            {**self.merge, **other.merge},
            self.primitive.joined(other.primitive) if self.primitive and other.primitive else None,
        )


def _equal(one: pl.Expr | None, other: pl.Expr | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.meta.eq(other)
