"""Mergeable state of a window: a frame for each fold, which Polars sees only where somebody looks at it.

States are made, merged, written and read by the native kernels; to make a Polars frame of each in between would cost more than
all of that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import overload

import polars as pl

from pipeline.columns.native import Frame

WIDE = pl.Decimal(38, 0)
"""How Int128 travels: Arrow has no integers of that size, and no sum of a window comes near 10^38."""

Part = pl.DataFrame | Frame
"""The state of a fold, by Polars or by the crate."""


class State(Sequence[pl.DataFrame]):
    """The state of one window: a frame per fold of the plan. It does not change."""

    __slots__ = ("_seen", "parts")

    def __init__(self, parts: Iterable[Part]) -> None:
        self.parts = tuple(parts)
        # The same fold is looked at for each of its metrics.
        self._seen: dict[int, pl.DataFrame] = {}

    def __len__(self) -> int:
        return len(self.parts)

    def __iter__(self) -> Iterator[pl.DataFrame]:
        return (self[at] for at in range(len(self.parts)))

    @overload
    def __getitem__(self, at: int) -> pl.DataFrame: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[pl.DataFrame]: ...

    def __getitem__(self, at: int | slice) -> pl.DataFrame | Sequence[pl.DataFrame]:
        if isinstance(at, slice):
            return [self[one] for one in range(len(self.parts))[at]]
        if at not in self._seen:
            self._seen[at] = seen(self.parts[at])
        return self._seen[at]


def parts(state: Sequence[pl.DataFrame]) -> Sequence[Part]:
    """The states of all folds as they are."""
    return state.parts if isinstance(state, State) else state


def seen(part: Part) -> pl.DataFrame:
    """A fold's state for Polars."""
    return part if isinstance(part, pl.DataFrame) else cast(pl.DataFrame(part), WIDE, pl.Int128())


def rows_of(part: Part) -> int:
    """How many rows the state of a fold has."""
    return part.height if isinstance(part, pl.DataFrame) else len(part)


def sent(part: Part) -> Part:
    """A fold's state for the kernels: one chunk, and no Int128."""
    return cast(part.rechunk(), pl.Int128(), WIDE) if isinstance(part, pl.DataFrame) else part


def cast(frame: pl.DataFrame, old: pl.DataType, new: pl.DataType) -> pl.DataFrame:
    """The same frame with another dtype for one."""
    if old not in frame.dtypes:
        return frame
    return pl.DataFrame([column.cast(new) if column.dtype == old else column for column in frame.get_columns()])
