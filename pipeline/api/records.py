"""Bytes to records: for inputs and codecs that read text lines."""

import polars as pl

from pipeline.api.expressions import Field
from pipeline.columns.lines import decode, records

LONGEST = 16 * 1024 * 1024
"""A record whose end does not come is cut when an input holds this many bytes of it, so that memory has a bound; the next
record continues it."""


def open_record(data: bytes, offset: int) -> tuple[pl.Series, pl.Series]:
    """`data`, which lies at `offset` and has no newline, as the `@raw` and `@offset` of one record.

    For what is left at the end of an input, and for the parts of a record longer than LONGEST; its batch is not `terminated`."""
    return pl.Series("@raw", [data], dtype=pl.Binary), pl.Series("@offset", [offset], dtype=pl.Int64)


def texts(frame: pl.DataFrame, field: Field, *, strip_return: bool = True) -> pl.Series:
    """The text of a field that is a string, bytes or JSON: String, with U+FFFD for what is not UTF-8 and null where it is null.

    In `@raw` a carriage return is the end of a line of other systems: it is left out where `strip_return` says so."""
    values = field.values(frame)
    if values.dtype != pl.Binary:
        return values
    found = decode(values)[0]
    if strip_return and field.name == "@raw" and found.str.ends_with("\r").any():
        return found.str.strip_suffix("\r")
    return found


__all__ = ["LONGEST", "decode", "open_record", "records", "texts"]
