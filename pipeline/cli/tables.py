"""Rows as a table of text."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence

from pipeline.columns.encode.printable import printable

Row = Mapping[str, object]


def tabular(rows: Sequence[Row], *, facts: bool) -> list[dict[str, object]]:
    """Events as rows of a table. `facts`: a fact becomes its window, its group and its value, without its identity."""
    if not facts:
        return [{name: value for name, value in row.items() if name != "@timestamp" or len(row) == 1} for row in rows]
    metrics = {str(row.get("metric")) for row in rows}
    return [_fact(row, alone=len(metrics) == 1) for row in rows]


def _fact(row: Row, *, alone: bool) -> dict[str, object]:
    """A fact; where there is one metric `alone`, its name is the column of its values."""
    by = row.get("by")
    group = dict(by) if isinstance(by, dict) else {}
    window = {"window_start": row["window_start"]} if "window_start" in row else {}
    value = row.get("value", row.get("text"))
    if alone:
        return {**window, **group, str(row.get("metric")): value}
    told = ", ".join(f"{name}={_cell(member)}" for name, member in group.items())
    return {**window, "metric": row.get("metric"), "by": told, "value": value}


WIDTH = 200
"""Columns of a table that no terminal shows."""


def text(rows: Sequence[Row]) -> str:
    """The table, without a newline at the end, as wide as the terminal."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    names = list(dict.fromkeys(name for row in rows for name in row))
    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in names:
        numeric = all(type(row.get(name)) in (int, float, type(None)) for row in rows)
        made.add_column(Text(printable(name)), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        made.add_row(*(Text(_cell(row.get(name))) for name in names))
    width = None if sys.stdout.isatty() else WIDTH
    console = Console(file=sys.stdout, width=width, no_color=True, highlight=False)
    with console.capture() as captured:
        console.print(made)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (int, str)):
        return printable(str(value))
    return printable(json.dumps(value, ensure_ascii=False))
