"""Records as they came."""

from __future__ import annotations

import polars as pl


def raw(frame: pl.DataFrame, *, terminated: bool = True) -> bytes:
    """Every `@raw` (Binary) and a newline, byte for byte; a null is an empty record.

    `terminated` False leaves out the last newline: for a last record that had none in its source."""
    if frame.height == 0:
        return b""
    body = b"\n".join(frame["@raw"].fill_null(b"").to_list())
    return body + b"\n" if terminated else body
