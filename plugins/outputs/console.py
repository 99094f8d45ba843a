"""The terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal, TextIO

import polars as pl

from pipeline import api
from pipeline.api import formats
from pipeline.api.world import Files

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

Fact = Mapping[str, object]

SHOWN = 5
"""Rows of a metric that the table shows."""

FRAME = 4
"""Lines of the table besides its values: window, heading, rule, and the cursor's line."""


class Options(api.Options):
    format: Literal["auto", "table", "json"] = api.option(
        "`table`: a live table of the last window's facts. `json`: one object a line. `auto`: a table of facts on a "
        "terminal, lines otherwise.",
        default="auto",
    )


class Console(api.Output[Options]):
    """Shows events on standard output.

    Facts of a window are a table on a terminal, drawn anew with each window: five rows of each metric, the highest first.
    Everything else, and everything that is not on a terminal, is one JSON object a line, as `file` writes it.

    Lines of an interrupted run may be shown again after a restart."""

    name = "console"
    options_model = Options
    example = """
source access = generate(count: 100)
transform facts = access
  | grok('%{NGINX_COMBINED}')
  | window(10s) { requests = count() by status }
sink out = facts -> console()
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.stream: TextIO | None = None
        """Where to write; standard output unless set before `open`."""
        self._columns = api.Columns({})
        self._board = Board()
        self._live: Live | None = None
        self._ctx: api.Context | None = None

    def schema(self, columns: api.Columns) -> None:
        self._columns = columns

    def guarantee(self) -> tuple[api.Guarantee, str]:
        return "at least once", "what was shown just before a crash may be shown again"

    @property
    def layout(self) -> api.Layout:
        return api.Layout(roll=api.Roll(age=0), extension=".ndjson")

    def encode(self, frame: pl.DataFrame) -> bytes:
        return formats.ndjson(frame, self._columns)

    async def open(self, ctx: api.Context) -> None:
        self._ctx = ctx
        stream = self.stream = self.stream or sys.stdout
        facts = {"metric", "window_start"} <= set(self._columns.fields)
        wanted = self.options.format == "table" or (self.options.format == "auto" and stream.isatty())
        if facts and wanted:
            from rich.console import Console as Terminal
            from rich.live import Live

            self._live = Live(console=Terminal(file=stream), auto_refresh=False)

    async def close(self) -> None:
        if self._live is not None:
            self._live.stop()

    async def deliver(self, segment: api.Segment) -> api.Result:
        if self._ctx is not None:
            await self._ctx.run(self._show, segment, self._ctx.files)
        return api.Result()

    def _show(self, segment: api.Segment, files: Files) -> None:
        data = segment.read(files)
        if self._live is not None:
            if self._board.add([json.loads(line) for line in data.splitlines()]):
                self._live.start()
                height = self._live.console.size.height
                self._live.update(table(self._board.facts, height), refresh=True)
        elif self.stream is not None:
            self.stream.write(data.decode())
            self.stream.flush()


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
    """Text that cannot talk to the terminal: what is not printable is spelled out."""
    if value is None:
        return "—"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
