"""Which window a time belongs to.

A tumbling window starts at a multiple of its size since the epoch, also before 1970. A sliding window is made of panes:
tumbling windows as long as the slide. Rows are folded into panes, and the few rows of state are then copied to the
size/slide windows that contain the pane, instead of copying the many rows."""

from __future__ import annotations

import polars as pl

from pipeline.columns.windows.spec import Spec

START = "@window"
"""The column (Int64, µs) with the start of a row's pane or window; it exists inside this package only."""


def starts(frame: pl.DataFrame, spec: Spec) -> pl.Series:
    """The start of each row's pane, Int64 µs."""
    length = spec.slide or spec.size
    if length == 0:
        return pl.Series(START, [0], dtype=pl.Int64).new_from_index(0, frame.height)
    time = frame.get_column(spec.on).dt.timestamp("us")
    return (time - time % length).alias(START)


def spread(states: pl.DataFrame, spec: Spec) -> pl.DataFrame:
    """State of panes to state of every window that contains the pane; not yet merged."""
    slide = spec.slide or spec.size
    return pl.concat([states.with_columns(pl.col(START) - back) for back in range(0, spec.size, slide)])


def windows_of(start: pl.Series, spec: Spec) -> list[int]:
    """Starts of all windows that contain one of these panes, ascending."""
    slide = spec.slide or spec.size
    panes = start.unique().to_list()
    return sorted({pane - back for pane in panes for back in range(0, spec.size or 1, slide or 1)})
