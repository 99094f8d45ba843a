"""The facts of a window, as a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from pipeline.api import formats

if TYPE_CHECKING:
    from rich.console import RenderableType

Fact = Mapping[str, object]

SHOWN = 5
"""Rows of a metric that the table shows."""

FRAME = 4
"""Lines of the table besides its values: window, heading, rule, and the cursor's line."""


class Board:
    """The facts of the newest window, in the order in which they came; a later revision takes the place of its earlier."""

    def __init__(self) -> None:
        self._start = ""
        self._facts: dict[str, Fact] = {}

    def add(self, facts: Sequence[Fact]) -> bool:
        """Take facts in; facts of older windows are ignored. Says whether there is something new to show."""
        news = False
        for fact in facts:
            start = str(fact.get("window_start", ""))
            if start < self._start:
                continue
            if start > self._start:
                self._start, self._facts = start, {}
            self._facts[str(fact.get("id", len(self._facts)))] = fact
            news = True
        return news

    @property
    def facts(self) -> list[Fact]:
        return list(self._facts.values())


def table(facts: Sequence[Fact], height: int | None = None) -> RenderableType:
    """The facts of one window, for rich: metrics in the order in which they came, the highest values of each.

    `height`: lines of the terminal; every metric is shown, with as many of its values as fit."""
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    made.add_column("metric", no_wrap=True)
    made.add_column("by")
    made.add_column("value", justify="right", no_wrap=True)
    metrics: dict[str, list[Fact]] = {}
    for fact in facts:
        metrics.setdefault(str(fact.get("metric", "")), []).append(fact)
    shown = SHOWN if height is None else _fitting([len(rows) for rows in metrics.values()], height - FRAME)
    for metric, rows in metrics.items():
        ordered = sorted(rows, key=_order)
        for place, fact in enumerate(ordered[:shown]):
            made.add_row(
                Text(metric if place == 0 else ""),
                Text(_group(fact), no_wrap=True, overflow="ellipsis"),
                Text(_value(fact)),
            )
        if len(ordered) > shown and height is None:
            made.add_row("", Text(f"… {len(ordered) - shown} more", style="dim"), "")
    return Group(Text(_window(facts[0]) if facts else "no facts yet", style="bold"), made)


def _fitting(sizes: Sequence[int], lines: int) -> int:
    """How many values of each metric fit into so many lines; at least one, at most SHOWN."""
    fits = [count for count in range(1, SHOWN + 1) if sum(min(size, count) for size in sizes) <= lines]
    return max(fits, default=1)


def _order(fact: Fact) -> tuple[float, float]:
    rank, value = fact.get("rank"), fact.get("value")
    return (
        float(rank) if isinstance(rank, (int, float)) else 0.0,
        -float(value) if isinstance(value, (int, float)) else 0.0,
    )


def _window(fact: Fact) -> str:
    """`2026-01-31 12:00:00 – 12:00:10 UTC`."""
    start = datetime.fromisoformat(str(fact["window_start"]))
    end = fact.get("window_end")
    begin = f"{start:%Y-%m-%d %H:%M:%S}"
    if not isinstance(end, str):
        return f"{begin} UTC"
    stop = datetime.fromisoformat(end)
    return f"{begin} – {stop:%H:%M:%S}{'' if stop.date() == start.date() else f' ({stop:%Y-%m-%d})'} UTC"


def _group(fact: Fact) -> str:
    """The group's values; their names too when there are several."""
    by = fact.get("by")
    if not isinstance(by, dict):
        return "" if by is None else _plain(by)
    if len(by) == 1:
        return _plain(next(iter(by.values())))
    return ", ".join(f"{name}={_plain(value)}" for name, value in by.items())


def _value(fact: Fact) -> str:
    value = fact.get("value")
    if value is None:
        value = fact.get("text")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return _plain(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3f}".rstrip("0").rstrip(".")


def _plain(value: object) -> str:
    """A value that cannot talk to the terminal; none is a dash."""
    if value is None:
        return "—"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return formats.printable(text)
