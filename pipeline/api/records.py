"""Bytes to records: for inputs and codecs that read text lines."""

import polars as pl

from pipeline.columns.lines import decode, records

LONGEST = 16 * 1024 * 1024
"""A record whose end does not come is cut when an input holds this many bytes of it, so that memory has a bound; the next
record continues it."""


def open_record(data: bytes, offset: int) -> tuple[pl.Series, pl.Series]:
    """`data`, which lies at `offset` and has no newline, as the `@raw` and `@offset` of one record.

    For what is left at the end of an input, and for the parts of a record longer than LONGEST; its batch is not `terminated`."""
    return pl.Series("@raw", [data], dtype=pl.Binary), pl.Series("@offset", [offset], dtype=pl.Int64)


__all__ = ["LONGEST", "decode", "open_record", "records"]
