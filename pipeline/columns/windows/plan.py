"""From measures to folds. A fold is one group-by and one state frame, shared by the measures that group alike.

Columns of a state frame:

    by.0, by.1, …      values of the group fields
    key.NAME           extra keys of an aggregate (a ranked value, a quantile's input); such a frame has one measure
    NAME               state NAME of a measure; measures whose states have equal names do not share a frame
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from pipeline.columns.windows.spec import Argument, Key, Measure, Spec


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
        )


@dataclass(frozen=True, eq=False)
class Plan:
    """A window ready to run. The state of one window is a frame per fold, in this order; `place[i]` is the fold of
    measure i. With `spec.by`, fold 0 has a row for every group of the window."""

    spec: Spec
    folds: tuple[Fold, ...]
    place: tuple[int, ...]

    def finish(self, index: int, state: tuple[pl.DataFrame, ...]) -> pl.DataFrame:
        """The values of measure `index`: its group columns, `value`, and `key`, `rank` for rankings."""
        measure, fold = self.spec.measures[index], self.folds[self.place[index]]
        own = measure.aggregate.merge()
        frame = state[self.place[index]].select(
            *fold.group, *(pl.col(name).alias(name.removeprefix("key.")) for name in fold.extra), *own
        )
        return measure.aggregate.finish(frame, fold.group, _columns(index, measure), self.spec.size / 1_000_000)

    def neutral(self, index: int, state: tuple[pl.DataFrame, ...]) -> pl.DataFrame:
        """The same for no rows at all: one row without group columns (`count` is 0), none for rankings."""
        measure, fold = self.spec.measures[index], self.folds[self.place[index]]
        frame = state[self.place[index]].clear()
        bare = frame.select(
            *(pl.col(name).alias(name.removeprefix("key.")) for name in fold.extra), *measure.aggregate.merge()
        )
        return measure.aggregate.finish(bare, [], _columns(index, measure), self.spec.size / 1_000_000)


def plan(spec: Spec) -> Plan:
    """Prepare a window. Raises ValueError when an aggregate refuses a constant argument."""
    folds = [Fold(spec.by, None, None, {}, {}, {}, {})] if spec.by else []
    place: list[int] = []
    for index, measure in enumerate(spec.measures):
        fold = _fold(index, measure, spec.by or measure.by)
        at = next((at for at, other in enumerate(folds) if other.shares(fold)), len(folds))
        folds[at : at + 1] = [folds[at].joined(fold) if at < len(folds) else fold]
        place.append(at)
    return Plan(spec, tuple(folds), tuple(place))


def _fold(index: int, measure: Measure, by: tuple[Key, ...]) -> Fold:
    aggregate, arguments = measure.aggregate, _columns(index, measure)
    return Fold(
        by,
        measure.where,
        aggregate.keep(arguments),
        {_name(index, at): given for at, given in enumerate(measure.arguments) if isinstance(given, pl.Expr)},
        {f"key.{name}": key for name, key in aggregate.keys(arguments).items()},
        aggregate.step(arguments),
        aggregate.merge(),
    )


def _columns(index: int, measure: Measure) -> tuple[Argument, ...]:
    """The arguments as the aggregate sees them: columns that hold the expressions' values, so that a literal has a
    value for each row and an expression is computed once."""
    return tuple(
        pl.col(_name(index, at)) if isinstance(given, pl.Expr) else given for at, given in enumerate(measure.arguments)
    )


def _name(index: int, at: int) -> str:
    return f"in.{index}.{at}"


def _equal(one: pl.Expr | None, other: pl.Expr | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.meta.eq(other)
