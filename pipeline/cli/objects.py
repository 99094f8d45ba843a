"""Columns as JSON objects, one a line, with the members they have and no other."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from pipeline.columns.encode.values import Member, lines
from pipeline.columns.types import Type


def objects(frame: pl.DataFrame, fields: Mapping[str, Type]) -> bytes:
    """`{…}` and a newline a row: the columns of `frame` that `fields` names, in its order; nulls are left out."""
    if frame.height == 0:
        return b""
    return lines([Member(name, frame[name], kind) for name, kind in fields.items()], None, frame.height)
