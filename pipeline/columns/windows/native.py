"""A plan for the native kernels: which columns of a batch they need, and what they do with them.

All expressions of a window are computed in one query, equal ones once; plain columns are taken as they are. Folds that the
kernels do not know (an aggregate with steps of its own, a group of lists) are left to the twin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from pipeline.columns.native import Kernels
from pipeline.columns.windows.folds import Fold, Primitive
from pipeline.columns.windows.reductions import GROUPS, Reductions
from pipeline.columns.windows.spec import Spec
from pipeline.columns.windows.states import Part, sent


@dataclass(frozen=True)
class Pass:
    """One fold for the kernel: numbers are places in `Program.columns`."""

    at: int
    keys: list[tuple[str, int]]
    conditions: list[int]
    present: list[int]
    states: list[tuple[str, str, int | None]]
    reductions: Reductions

    def fits(self, kinds: Sequence[pl.DataType]) -> bool:
        """Whether the kernel knows the dtypes of this fold's columns."""
        return all(kinds[key] in GROUPS for _, key in self.keys) and all(
            at is None or self.reductions[name].fits(kinds[at]) for name, _, at in self.states
        )


@dataclass(frozen=True, eq=False)
class Program:
    """What to compute of a batch (column 0 is the time), and the folds over it."""

    columns: tuple[pl.Expr, ...]
    passes: tuple[Pass, ...]
    length: int

    def states(self, kernels: Kernels, frame: pl.DataFrame) -> dict[int, dict[int, Part]]:
        """State frames by start of the pane and place of the fold, without those folds that the kernel does not know."""
        needed = self._needed(frame)
        kinds = needed.dtypes
        runs = [made for made in self.passes if made.fits(kinds)]
        found = kernels.window_states(
            needed, 0, self.length, [(made.keys, made.conditions, made.present, made.states) for made in runs]
        )
        return {start: {made.at: state for made, state in zip(runs, states, strict=True)} for start, states in found}

    @cached_property
    def _computed(self) -> list[pl.Expr]:
        """The columns that a batch does not have."""
        return [value.alias(f"@{at}") for at, value in enumerate(self.columns) if not value.meta.is_column()]

    @cached_property
    def _names(self) -> list[str]:
        """Where each column is, beside the computed ones."""
        plain = [value.meta.output_name() if value.meta.is_column() else "" for value in self.columns]
        return [name or f"@{at}" for at, name in enumerate(plain)]

    def _needed(self, frame: pl.DataFrame) -> pl.DataFrame:
        # Beside the rows, so that a constant has a value for each.
        rows = frame.with_columns_seq(self._computed) if self._computed else frame
        needed = pl.DataFrame([rows.get_column(name).alias(f"@{at}") for at, name in enumerate(self._names)])
        return needed.rechunk() if needed.n_chunks() > 1 else needed


def program(spec: Spec, folds: Sequence[Fold]) -> Program:
    """Prepare a window for the kernel."""
    columns: list[pl.Expr] = [pl.col(spec.on)]

    def place(value: pl.Expr) -> int:
        at = next((at for at, other in enumerate(columns) if other.meta.eq(value)), len(columns))
        if at == len(columns):
            columns.append(value)
        return at

    passes = [_pass(at, fold.primitive, place) for at, fold in enumerate(folds) if fold.primitive is not None]
    return Program(tuple(columns), tuple(passes), spec.slide or spec.size)


def merged(kernels: Kernels, folds: Sequence[tuple[Fold, Sequence[Part]]]) -> list[Part | None]:
    """For each fold the state of all these states; None where the kernel does not know it."""
    known = [fold.primitive if _merges(fold, states) else None for fold, states in folds]
    given = [
        (
            [sent(state) for state in states],
            [(name, at) for at, name in enumerate(fold.keys)],
            [
                (name, state.merging, len(fold.keys) + at)
                for at, (name, state) in enumerate(primitive.reductions.items())
            ],
        )
        for (fold, states), primitive in zip(folds, known, strict=True)
        if primitive is not None
    ]
    made = iter(kernels.window_merged(given) if given else ())
    return [None if primitive is None else next(made) for primitive in known]


def _merges(fold: Fold, states: Sequence[Part]) -> bool:
    """Whether this can be given to the kernel, which says itself what of it it does not know."""
    wide = () if fold.primitive is None else [name for name, kept in fold.primitive.reductions.items() if kept.wide]
    return fold.primitive is not None and all(
        name in wide or kind in GROUPS
        for state in states
        if isinstance(state, pl.DataFrame)
        for name, kind in state.schema.items()
    )


def _pass(at: int, fold: Primitive, place: Callable[[pl.Expr], int]) -> Pass:
    return Pass(
        at,
        [(name, place(key)) for name, key in fold.keys.items()],
        [place(condition) for condition in fold.conditions],
        [place(value) for value in fold.present],
        [
            (name, str(fold.reductions[name].how), None if value is None else place(value))
            for name, value in fold.values.items()
        ],
        fold.reductions,
    )
