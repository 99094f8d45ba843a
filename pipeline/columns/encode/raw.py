"""Records as they came."""

from __future__ import annotations

import io

import polars as pl

from pipeline.columns.native import kernels


def raw(frame: pl.DataFrame, *, terminated: bool = True) -> bytes:
    """Every `@raw` (Binary) and a newline, byte for byte; a null is an empty record.

    `terminated` False leaves out the last newline: for a last record that had none in its source."""
    if frame.height == 0:
        return b""
    records = frame.get_column("@raw")
    body = _twin(records) if kernels is None else kernels.raw(records.to_frame())
    return body if terminated else body.removesuffix(b"\n")


def _twin(records: pl.Series) -> bytes:
    try:
        return _text(records.cast(pl.String))
    except pl.exceptions.ComputeError:
        return b"".join(record + b"\n" for record in records.fill_null(b"").to_list())


def _text(records: pl.Series) -> bytes:
    """Lines of valid UTF-8, by the fastest writer that Polars has: CSV of one column that is never quoted."""
    buffer = io.BytesIO()
    records.to_frame().write_csv(buffer, include_header=False, quote_style="never", line_terminator="\n")
    return buffer.getvalue()
