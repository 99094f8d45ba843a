"""Both engines of the window kernels in one process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl
import pytest


@contextmanager
def twin() -> Iterator[None]:
    """Inside, everything runs in Python and Polars."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("blobs", "deltas", "hyperloglog", "merges", "rows", "values"):
            patch.setattr(sys.modules[f"pipeline.columns.windows.{name}"], "kernels", None)
        yield


def told(frame: pl.DataFrame) -> tuple[object, list[str]]:
    """A frame without the order of its rows: the dtypes by name, and the rows as sorted texts (NaN equals NaN, -0.0 is not 0.0)."""
    return frame.schema, sorted(repr(row) for row in frame.iter_rows())
