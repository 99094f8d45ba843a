"""Stamps that are written in the usual way, read by the crate.

The crate reads little and strictly: what it reads, Polars would read as the same time, and it says which rows Polars must see.
"""

from __future__ import annotations

from functools import lru_cache

import polars as pl

from pipeline.columns import native
from pipeline.columns.timeformats import directives


def usual(values: pl.Series, formats: tuple[str, ...]) -> tuple[pl.Series, pl.Series | None] | None:
    """Times (Int64: µs since 1970 in UTC, or of the local clock for stamps without an offset) of a column, and the rows (UInt32)
    whose texts must be read by Polars, None if there are none. Other nulls are final.

    No text may fit two of the formats. None for the whole when the crate is not in use or reads none of them."""
    stamps = _stamps(formats) if values.dtype == pl.String else None
    if stamps is None:
        return None
    times, rows = stamps.read(values.to_frame())
    return pl.DataFrame(times).to_series().alias(values.name), None if rows is None else pl.DataFrame(rows).to_series()


@lru_cache(maxsize=256)
def _stamps(formats: tuple[str, ...]) -> native.Stamps | None:
    if native.kernels is None:
        return None
    stamps = native.kernels.Stamps([directives(form) for form in formats])
    return stamps if stamps.count else None
