"""Frames that hold only their own bytes.

A String column is a column of views into shared buffers. Slices, and now and then filters and gathers, copy the views and
keep the buffers alive, so ten rows can pin a chunk of many megabytes. What outlives its batch is therefore copied."""

from __future__ import annotations

import io

import polars as pl


def owned(frame: pl.DataFrame) -> pl.DataFrame:
    """The same rows in fresh buffers of the least size. Arrow IPC is the one writer that copies exactly the bytes in use,
    at any depth of nesting."""
    if not any(_views(kind) for kind in frame.dtypes):
        return frame.rechunk()
    buffer = io.BytesIO()
    frame.rechunk().write_ipc_stream(buffer)
    buffer.seek(0)
    return pl.read_ipc_stream(buffer)


def _views(kind: pl.DataType) -> bool:
    return kind in (pl.String, pl.Binary) or kind.is_nested()
