"""Kernels over the distinct values of a column, with a memory.

Logs repeat themselves: a batch of ten thousand lines has a few hundred addresses, pages and seconds, and the next batch has
much the same. So what costs more than a look-up is computed once for each value: a column is numbered, the values that
are new are answered, and the answers are gathered by number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import polars as pl

from pipeline.columns.keys import Keys, keys
from pipeline.columns.windows.owned import owned

Key = TypeVar("Key", bound=str | bytes | int)
Answer = TypeVar("Answer")
Kernel = Callable[[pl.Series], pl.Series]

ENTRIES = 65_536
"""Answers that are remembered across batches; beyond it the memory is emptied and filled anew."""

BYTES = 16 * 1024 * 1024
"""Bytes of texts whose answers are remembered, likewise."""

_CHUNKS = 8
"""Batches that may add answers before they are put together: gathering from more is slow, and so is doing it every time."""


def map_distinct(values: pl.Expr, function: Callable[[Key], Answer | None], dtype: pl.DataType) -> pl.Expr:
    """The column of `function(value)` (of `dtype`), called once for each distinct value; null stays null.

    `function` is pure, never raises, and is a module-level function or a picklable object. Its answers are remembered in a
    bounded memory that threads may share."""
    return values.map_batches(mapped(function, dtype), return_dtype=dtype, is_elementwise=True)


def over_distinct(values: pl.Expr, kernel: Kernel, dtype: pl.DataType) -> pl.Expr:
    """The column of `kernel(series)` (elementwise, of `dtype`), run over the new distinct values only; null stays null."""
    return values.map_batches(Distinct(_Columnar(kernel), dtype), return_dtype=dtype, is_elementwise=True)


def mapped(function: Callable[[Key], Answer | None], dtype: pl.DataType) -> Distinct:
    """What `map_distinct` runs, for a series at hand: it spares the price of a query."""
    return Distinct(_Each(function, dtype), dtype)


class Distinct:
    """Answers a column by `kernel`, which sees every value once. Pickles without what it remembers.

    Threads may share it: what is remembered is a pair of keys and answers that only grows, or is left for a new pair."""

    def __init__(self, kernel: Kernel, dtype: pl.DataType) -> None:
        self.kernel = kernel
        self.dtype = dtype
        self._memory: tuple[Keys, pl.Series] | None = None

    def __reduce__(self) -> tuple[object, ...]:
        return Distinct, (self.kernel, self.dtype)

    @property
    def remembered(self) -> int:
        """How many values have an answer."""
        return 0 if self._memory is None else self._memory[1].len() - 1

    def __call__(self, values: pl.Series) -> pl.Series:
        """The answers for a String, Binary or Int64 column."""
        if values.null_count() == values.len():
            return pl.Series(values.name, [None], dtype=self.dtype).new_from_index(0, values.len())
        known, answers = self._memory or self._empty(values.dtype)
        codes, rows = known.codes(values, answers.len() - 1)
        if rows is not None:
            fresh = values[rows]
            together = pl.concat([answers, self.kernel(fresh).alias(answers.name)])
            if known.learn(fresh, answers.len() - 1):
                self._remember(known, together)
            answers = together
        # `gather` is a query; this is the same without its price.
        return answers[codes].alias(values.name)

    def _empty(self, dtype: pl.DataType) -> tuple[Keys, pl.Series]:
        return keys(dtype), pl.Series("answer", [None], dtype=self.dtype)

    def _remember(self, known: Keys, answers: pl.Series) -> None:
        if known.entries > ENTRIES or known.bytes > BYTES:
            self._memory = None
        else:
            self._memory = known, answers.rechunk() if answers.n_chunks() > _CHUNKS else answers


@dataclass(frozen=True, slots=True)
class _Each(Generic[Key, Answer]):
    """A function of one value as a kernel."""

    function: Callable[[Key], Answer | None]
    dtype: pl.DataType

    def __call__(self, values: pl.Series) -> pl.Series:
        return pl.Series([self.function(value) for value in values.to_list()], dtype=self.dtype)


@dataclass(frozen=True, slots=True)
class _Columnar:
    """A kernel whose answers do not keep the batch alive that asked."""

    kernel: Kernel

    def __call__(self, values: pl.Series) -> pl.Series:
        return owned(self.kernel(values).to_frame()).to_series()
