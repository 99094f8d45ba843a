"""From measures to folds, and back to the measures' values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from pipeline.columns.windows.folds import Fold, Primitive
from pipeline.columns.windows.native import Program, program
from pipeline.columns.windows.reductions import How
from pipeline.columns.windows.spec import Argument, Key, Measure, Spec

Direct = tuple[str, list[tuple[str, int]], tuple[str, int, int] | None, int]
"""A metric's name, its group fields (name, column of the state), what is ranked (name, column, how many), the column of the
value."""

SPELLED = ("string", "int")
"""Kinds of groups that the kernels write as JSON."""


@dataclass(frozen=True, eq=False)
class Plan:
    """A window ready to run. The state of one window is a frame per fold, in this order; `place[i]` is the fold of
    measure i. With `spec.by`, fold 0 has a row for every group of the window."""

    spec: Spec
    folds: tuple[Fold, ...]
    place: tuple[int, ...]

    def finish(self, index: int, state: Sequence[pl.DataFrame]) -> pl.DataFrame:
        """The values of measure `index`: its group columns, `value`, and `key`, `rank` for rankings."""
        measure, fold = self.spec.measures[index], self.folds[self.place[index]]
        given = self._state(index, state)
        return measure.aggregate.finish(given, fold.group, _columns(index, measure), self.spec.size / 1_000_000)

    @cached_property
    def program(self) -> Program:
        """The same for the native kernels."""
        return program(self.spec, self.folds)

    @cached_property
    def direct(self) -> tuple[Direct | None, ...]:
        """For each measure how the kernels make its events of its state; None where they cannot."""
        return tuple(
            _direct(measure, self.folds[at]) for measure, at in zip(self.spec.measures, self.place, strict=True)
        )

    def neutral(self, index: int, state: Sequence[pl.DataFrame]) -> pl.DataFrame:
        """The same for no rows at all: one row without group columns (`count` is 0), none for rankings."""
        measure, group = self.spec.measures[index], self.folds[self.place[index]].group
        bare = self._state(index, state).clear().drop(group)
        return measure.aggregate.finish(bare, [], _columns(index, measure), self.spec.size / 1_000_000)

    def _state(self, index: int, state: Sequence[pl.DataFrame]) -> pl.DataFrame:
        """What the aggregate of measure `index` kept: group columns, its extra keys under its own names, its states."""
        at, aggregate = self.place[index], self.spec.measures[index].aggregate
        names = aggregate.merge() if aggregate.reductions is None else [state.name for state in aggregate.reductions]
        kept = [*self.folds[at].keys, *names]
        return pl.DataFrame([state[at].get_column(name).alias(name.removeprefix("key.")) for name in kept])


def plan(spec: Spec) -> Plan:
    """Prepare a window. Raises ValueError when an aggregate refuses a constant argument."""
    folds = [Fold(spec.by, None, None, {}, {}, {}, {}, Primitive(_groups(spec.by), (), (), {}, {}))] if spec.by else []
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
        _primitive(measure, by),
        aggregate.compact if aggregate.sketches else None,
        aggregate.shorten if aggregate.ranking else None,
    )


def _primitive(measure: Measure, by: tuple[Key, ...]) -> Primitive | None:
    reductions, arguments = measure.aggregate.reductions, measure.arguments
    if reductions is None:
        return None
    given = [pl.lit(argument) if not isinstance(argument, pl.Expr) else argument for argument in arguments]
    keep = measure.aggregate.keep(arguments)
    present = () if keep is None else tuple(value for value in given if keep.meta.eq(value.is_not_null()))
    conditions = (measure.where, None if present else keep)
    return Primitive(
        {**_groups(by), **{f"key.{name}": key for name, key in measure.aggregate.keys(arguments).items()}},
        tuple(condition for condition in conditions if condition is not None),
        present,
        {reduction.name: reduction for reduction in reductions},
        {reduction.name: None if reduction.how is How.ROWS else given[reduction.argument] for reduction in reductions},
    )


def _direct(measure: Measure, fold: Fold) -> Direct | None:
    reductions = measure.aggregate.reductions
    if not measure.aggregate.plain or reductions is None or fold.primitive is None or measure.type.kind != "int":
        return None
    groups, ranked = [key.type for key in measure.by], None
    if measure.ranked is not None:
        name, kind = measure.ranked
        groups.append(kind)
        k = measure.arguments[0]
        if not isinstance(k, int):
            return None
        ranked = (name, len(fold.group), k)
    if any(kind.kind not in SPELLED for kind in groups):
        return None
    value = [*fold.keys, *fold.primitive.reductions].index(reductions[0].name)
    return measure.name, [(key.name, at) for at, key in enumerate(measure.by)], ranked, value


def _groups(by: tuple[Key, ...]) -> dict[str, pl.Expr]:
    return {f"by.{index}": key.polars for index, key in enumerate(by)}


def _columns(index: int, measure: Measure) -> tuple[Argument, ...]:
    """The arguments as the aggregate sees them: columns that hold the expressions' values, so that a literal has a
    value for each row and an expression is computed once."""
    return tuple(
        pl.col(_name(index, at)) if isinstance(given, pl.Expr) else given for at, given in enumerate(measure.arguments)
    )


def _name(index: int, at: int) -> str:
    return f"in.{index}.{at}"
