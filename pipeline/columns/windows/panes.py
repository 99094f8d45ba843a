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


def windows_of(panes: list[int], spec: Spec) -> dict[int, tuple[int, ...]]:
    """All windows that contain one of these panes, ascending: the start of each, and its panes in order.

    Windows next to each other mostly have the same panes, so there are fewer than twice as many different tuples as
    panes."""
    slide = spec.slide or spec.size
    answer: dict[int, tuple[int, ...]] = {}
    for pane in sorted(panes):
        for start in range(pane - spec.size + slide, pane + 1, slide):
            answer[start] = (*answer.get(start, ()), pane)
    return dict(sorted(answer.items()))
