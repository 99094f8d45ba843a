"""Kernels over the distinct values of a column.

Logs repeat themselves: a batch of ten thousand lines has a few hundred addresses, pages and seconds. What Polars cannot
express, or only slowly, is computed once for each distinct value and joined back, so its price falls with the repetition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

import polars as pl

from pipeline.columns.windows.owned import owned

Key = TypeVar("Key", bound=str | bytes | int)
Answer = TypeVar("Answer")

ENTRIES = 65_536
"""Answers that one mapping remembers across batches; beyond it the memory is emptied and filled anew."""

LONGEST = 256
"""Texts longer than this are never remembered, so that the memory is bounded in bytes too."""


def map_distinct(values: pl.Expr, function: Callable[[Key], Answer | None], dtype: pl.DataType) -> pl.Expr:
    """The column of `function(value)` (of `dtype`), called once for each distinct value; null stays null.

    `function` is pure, never raises, and is a module-level function or a picklable object. Its answers are remembered in a
    bounded cache that threads may share."""
    return values.map_batches(Mapped(function, dtype), return_dtype=dtype, is_elementwise=True)


def over_distinct(values: pl.Expr, kernel: Callable[[pl.Series], pl.Series], dtype: pl.DataType) -> pl.Expr:
    """The column of `kernel(series)` (elementwise, of `dtype`, null for null), run over the distinct values only."""
    return values.map_batches(Spread(kernel, dtype), return_dtype=dtype, is_elementwise=True)


class Spread:
    """Runs a columnar kernel over the distinct values of a series and joins its answers back."""

    def __init__(self, kernel: Callable[[pl.Series], pl.Series], dtype: pl.DataType) -> None:
        self.kernel = kernel
        self.dtype = dtype
        self._known: pl.DataFrame | None = None

    def __reduce__(self) -> tuple[object, ...]:
        return Spread, (self.kernel, self.dtype)

    def __call__(self, values: pl.Series) -> pl.Series:
        runs = values.rle_id()
        if runs.len() and 4 * (int(runs[-1]) + 1) < runs.len():
            # Sorted or nearly so, as stamps are: comparing neighbours is much cheaper than hashing every value.
            first = pl.select(runs.diff().fill_null(1) != 0).to_series()
            return self._hashed(values.filter(first)).gather(runs)
        return self._hashed(values)

    def _hashed(self, values: pl.Series) -> pl.Series:
        distinct = values.drop_nulls().unique()
        if distinct.is_empty():
            return pl.Series(values.name, [None], dtype=self.dtype).new_from_index(0, values.len())
        if 2 * distinct.len() > values.len():
            return self.kernel(values).rename(values.name)
        joined = (
            values.alias("value")
            .to_frame()
            .join(self._answers(distinct), on="value", how="left", maintain_order="left")
        )
        return joined.get_column("answer").rename(values.name)

    def _answers(self, distinct: pl.Series) -> pl.DataFrame:
        """`value` and `answer` of at least these values; what earlier batches had is not computed again."""
        known = self._known
        asked = distinct.alias("value").to_frame()
        if known is not None:
            asked = asked.join(known, on="value", how="anti")
            if asked.is_empty():
                return known
        fresh = asked.with_columns(self.kernel(asked.get_column("value")).alias("answer"))
        together = fresh if known is None else pl.concat([known, fresh])
        if _short(fresh.get_column("value")):
            # Owned, as what is remembered must not keep a batch's chunk alive.
            kept = owned(fresh)
            if known is not None and known.height + kept.height <= ENTRIES:
                kept = pl.concat([known, kept])
            self._known = kept
        return together


def _short(values: pl.Series) -> bool:
    """Whether values may be remembered: few, and none long."""
    if values.len() > ENTRIES:
        return False
    return values.dtype != pl.String or not bool((values.str.len_bytes() > LONGEST).any())


class Mapped(Generic[Key, Answer]):
    """Runs a function of one value over the distinct values of a series, with a bounded memory. Pickles without the memory."""

    def __init__(self, function: Callable[[Key], Answer | None], dtype: pl.DataType) -> None:
        self.function = function
        self.dtype = dtype
        self._spread = Spread(self._column, dtype)
        self._known: dict[Key, Answer | None] = {}

    def __reduce__(self) -> tuple[object, ...]:
        return Mapped, (self.function, self.dtype)

    def __call__(self, values: pl.Series) -> pl.Series:
        return self._spread(values)

    def _column(self, values: pl.Series) -> pl.Series:
        return pl.Series(values.name, self._answers(values), dtype=self.dtype)

    def _answers(self, values: Iterable[Key | None]) -> list[Answer | None]:
        known, function = self._known, self.function
        if len(known) > ENTRIES:
            known = self._known = {}
        room = ENTRIES - len(known)
        answers: list[Answer | None] = []
        for value in values:
            if value is None:
                answers.append(None)
                continue
            try:
                answers.append(known[value])
            except KeyError:
                answer = function(value)
                answers.append(answer)
                if room > 0 and (isinstance(value, int) or len(value) <= LONGEST):
                    known[value] = answer
                    room -= 1
        if room <= 0:
            self._known = {}
        return answers
