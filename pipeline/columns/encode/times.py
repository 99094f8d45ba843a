"""Times as RFC 3339 text in UTC.

Formatting a time costs more than all the rest of a short row, so only distinct seconds are formatted: a batch of a log
has few of them."""

from __future__ import annotations

import polars as pl

SECOND = 1_000_000
FIRST = -62_167_219_200 * SECOND
"""0000-01-01T00:00:00Z, µs: the first moment that RFC 3339 can write."""
LAST = 253_402_300_800 * SECOND - 1
"""9999-12-31T23:59:59.999999Z, µs: the last one."""


def writable(times: pl.Series) -> pl.Series:
    """The same Datetime(µs) column with null for times that four-digit years cannot write."""
    count = times.to_physical()
    low, high = count.min(), count.max()
    if not isinstance(low, int) or not isinstance(high, int) or (low >= FIRST and high <= LAST):
        return times
    return times.set(~count.is_between(FIRST, LAST), None)


def strftime(times: pl.Series, unit: int, pattern: str) -> pl.Series:
    """Datetime(µs) to String, null stays null. `unit` (µs) is the length that `pattern` can tell apart: times are cut to
    it and only distinct ones are formatted."""
    if times.null_count() == times.len():
        return times.cast(pl.String)
    cut = writable(times).to_physical() // unit
    distinct = cut.unique()
    texts = (distinct * unit).cast(pl.Datetime("us", "UTC")).dt.to_string(pattern)
    if distinct.len() == 1:
        return texts.new_from_index(0, times.len())
    return cut.replace_strict(distinct, texts, return_dtype=pl.String)


def rfc3339(times: pl.Series) -> pl.Series:
    """Datetime(µs, UTC) to String such as `2026-01-31T12:00:00.25Z`: no trailing zeros, no fraction when it is zero.

    Null, and years outside 0000 to 9999, give null."""
    whole = strftime(times, SECOND, "%Y-%m-%dT%H:%M:%S")
    micros = times.to_physical() % SECOND
    if not (micros > 0).any():
        return whole + "Z"
    digits = (micros + SECOND).cast(pl.String).str.slice(1).str.strip_chars_end("0")
    parts = pl.DataFrame({"whole": whole, "digits": digits})
    dot = pl.when(pl.col("digits") == "").then(pl.lit("")).otherwise(pl.lit("."))
    return parts.select(pl.concat_str("whole", dot, "digits", pl.lit("Z"))).to_series()


def seconds(lengths: pl.Series) -> pl.Series:
    """Duration(µs) to seconds (Float64). Each value is divided: Polars multiplies by the inverse of a constant divisor,
    which is not the nearest number."""
    million = pl.Series([1e6]).new_from_index(0, lengths.len())
    return lengths.to_physical().cast(pl.Float64) / million
