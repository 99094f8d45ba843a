"""Numbers for texts: a dictionary that grows, and says of a column which of its values are new.

There are two, the crate's and its twin. Numbers count from 1 in the order in which values were learnt; 0 is null. Both may be
shared by threads: a reader says how many values it knows of, and is answered as if there were no more.
"""

from __future__ import annotations

import threading
from typing import Protocol

import polars as pl

from pipeline.columns import native
from pipeline.columns.windows.owned import owned


class Keys(Protocol):
    """A dictionary of values of one dtype."""

    @property
    def entries(self) -> int:
        """Values that were learnt."""
        ...

    @property
    def bytes(self) -> int:
        """Bytes of the texts among them."""
        ...

    def codes(self, values: pl.Series, known: int) -> tuple[pl.Series, pl.Series | None]:
        """The number of each value (UInt32) as if only the first `known` had been learnt, new ones counting on from `known` + 1
        in the order in which they come; and the row (UInt32) where each new value is for the first time, None if there is none."""
        ...

    def learn(self, values: pl.Series, known: int) -> bool:
        """Learn the new values that `codes` found. False, and nothing is learnt, unless just `known` are: others came first."""
        ...


def keys(dtype: pl.DataType) -> Keys:
    """An empty dictionary for values of a dtype."""
    if native.kernels is not None and dtype in (pl.String, pl.Binary):
        return _Native(native.kernels.Keys())
    return Twin()


class _Native:
    def __init__(self, inside: native.Keys) -> None:
        self._inside = inside

    @property
    def entries(self) -> int:
        return self._inside.entries

    @property
    def bytes(self) -> int:
        return self._inside.bytes

    def codes(self, values: pl.Series, known: int) -> tuple[pl.Series, pl.Series | None]:
        codes, rows = self._inside.codes(values.to_frame(), known)
        return pl.DataFrame(codes).to_series(), None if rows is None else pl.DataFrame(rows).to_series()

    def learn(self, values: pl.Series, known: int) -> bool:
        return self._inside.learn(values.to_frame(), known)


class Twin:
    """The same in Polars: a frame of `key` and `code` that is joined to the distinct values."""

    def __init__(self) -> None:
        self._known: pl.DataFrame | None = None
        self._bytes = 0
        self._lock = threading.Lock()

    @property
    def entries(self) -> int:
        return 0 if self._known is None else self._known.height

    @property
    def bytes(self) -> int:
        return self._bytes

    def codes(self, values: pl.Series, known: int) -> tuple[pl.Series, pl.Series | None]:
        frame = values.alias("key").to_frame()
        distinct = frame.with_row_index("row").group_by("key", maintain_order=True).first().drop_nulls("key")
        if self._known is None:
            numbered = distinct.with_columns(pl.lit(None, dtype=pl.UInt32).alias("code"))
        else:
            numbered = distinct.join(self._known.head(known), on="key", how="left", maintain_order="left")
        new = pl.col("code").is_null()
        numbered = numbered.with_columns(
            new, pl.col("code").fill_null(known + new.cast(pl.UInt32).cum_sum()).cast(pl.UInt32).alias("number")
        )
        joined = frame.join(numbered.select("key", "number"), on="key", how="left", maintain_order="left")
        rows = numbered.filter("code").get_column("row").cast(pl.UInt32)
        return joined.get_column("number").fill_null(0).alias("code"), None if rows.is_empty() else rows

    def learn(self, values: pl.Series, known: int) -> bool:
        codes = pl.int_range(known + 1, known + values.len() + 1, dtype=pl.UInt32, eager=True)
        # Owned, as what is known must not keep a batch's chunk alive.
        fresh = owned(pl.DataFrame({"key": values, "code": codes}))
        with self._lock:
            first = self.entries == known
            if first:
                self._known = fresh if self._known is None else pl.concat([self._known, fresh], rechunk=True)
                self._bytes += _size(values)
        return first


def _size(values: pl.Series) -> int:
    if values.dtype == pl.String:
        return int(values.str.len_bytes().sum())
    return int(values.bin.size().sum()) if values.dtype == pl.Binary else 0
