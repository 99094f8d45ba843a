"""Which columns native kernels take."""

from __future__ import annotations

from functools import lru_cache

import polars as pl

from pipeline.columns.types import Type, dtype


@lru_cache(maxsize=1024)
def carrier(kind: Type) -> pl.DataType | None:
    """The dtype of columns of a type that may cross the boundary; None if they must not.

    Names with a NUL must not: they end there in C, and Polars aborts the process. Records and lists of nothing have no
    values to speak of."""
    return dtype(kind) if _crosses(kind) else None


def _crosses(kind: Type) -> bool:
    match kind.kind:
        case "record":
            named = all("\0" not in name and _crosses(inner) for name, inner in kind.fields)
            return named and (kind.open or bool(kind.fields))
        case "list":
            return kind.item is not None and _crosses(kind.item)
        case _:
            return True
