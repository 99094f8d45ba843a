"""Newline-delimited JSON: one object a row."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pipeline.columns.encode.rows import chosen, rest_of
from pipeline.columns.encode.values import lines
from pipeline.columns.types import Columns


def ndjson(frame: pl.DataFrame, columns: Columns, metadata: Sequence[str] = ()) -> bytes:
    """One JSON object and a newline a row, always valid UTF-8.

    Records nest; `@timestamp` comes first, as RFC 3339 with Z; nulls, NaN, infinities and records without members are left out;
    values of type json and the members of `@rest` are written as they came; bytes are UTF-8 with U+FFFD for what is
    not; durations are seconds. Of the metadata only `metadata` is written (see `rows.chosen` for rejected rows)."""
    if frame.height == 0:
        return b""
    return lines(chosen(frame, columns, metadata), rest_of(frame) if columns.open else None, frame.height)
