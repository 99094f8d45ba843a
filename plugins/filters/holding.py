"""Rows that filters with memory hold: as bytes for the state, and without the batch that they came in."""

from __future__ import annotations

import io

import polars as pl


def written(rows: pl.DataFrame) -> bytes:
    """Rows as bytes, with their columns and types."""
    body = io.BytesIO()
    rows.write_ipc_stream(body)
    return body.getvalue()


def read(data: bytes) -> pl.DataFrame:
    """The rows of `written`. Raises ValueError for other bytes."""
    try:
        return pl.read_ipc_stream(io.BytesIO(data))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise ValueError(f"these are no rows: {error}") from error


def owned(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows without the batch that they were a part of."""
    return read(written(rows))
