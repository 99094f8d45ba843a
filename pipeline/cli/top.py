"""`pipe top`: what a running program does, a second at a time."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from pipeline.agent.answers import Answer
from pipeline.cli.coverage import shown
from pipeline.cli.parameters import DURATION
from pipeline.cli.states import asked, folder_of, with_state
from pipeline.cli.tables import text
from pipeline.columns.encode.printable import printable
from pipeline.errors import NoInputError, UsageError

Sample = tuple[float, Answer]

CELL = 60
"""Characters of a text in a table of a node."""


@click.command("top")
@with_state
@click.option("--node", metavar="NAME", help="Show the figures of one node, and what its grok patterns do not match.")
@click.option("--once", is_flag=True, help="Print once and exit.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--every", type=DURATION, default=2.0, metavar="D", help="How often to look [2s].")
def command(file: str | None, state: str | None, node: str | None, once: bool, form: str, every: float) -> None:
    """Show the rows per second of every stage of a running program, and the bytes that wait for each sink."""
    folder = folder_of(file, state)
    before = _sample(folder, node)
    while True:
        time.sleep(every)
        now = _sample(folder, node)
        shown = Top(rates(before, now), *(figures(before, now, node) if node else ((), {})), degraded(now))
        if sys.stdout.isatty() and not once:
            click.clear()
        click.echo(shown.json() if form == "json" else shown.text())
        if once:
            return
        before = now


Rows = Sequence[Mapping[str, object]]


@dataclass(frozen=True)
class Top:
    """One look: the stages; of one node its figures, and its tables by name; what is not as it should be, and why."""

    stages: Rows
    figures: Rows
    tables: Mapping[str, Rows]
    degraded: Mapping[str, str] = field(default_factory=dict)

    def text(self) -> str:
        parts = [f"degraded: {printable(f'{name}: {why}')}" for name, why in self.degraded.items()]
        parts.append(text(self.stages) or "no row has been read yet")
        if self.figures:
            parts.append(text(self.figures))
        parts += [f"{name}\n\n{text(_quoted(rows))}" for name, rows in self.tables.items() if rows]
        return "\n\n".join(parts)

    def json(self) -> str:
        """An object on one line."""
        return json.dumps(
            {"stages": self.stages, "figures": self.figures, "tables": self.tables, "degraded": self.degraded}
        )


def _quoted(rows: Rows) -> Rows:
    """Texts in quotes, so that blanks are seen, and short enough for a table."""
    return [{name: shown(v, CELL) if isinstance(v, str) else v for name, v in row.items()} for row in rows]


def degraded(now: Sample) -> Mapping[str, str]:
    """What is not as it should be: the disk, or sinks by name."""
    told = now[1].get("degraded")
    return told if isinstance(told, dict) else {}


def figures(before: Sample, now: Sample, node: str) -> tuple[Rows, Mapping[str, Rows]]:
    """What a node counts, altogether and per second, and its tables."""
    seconds = max(now[0] - before[0], 1e-6)
    earlier, later = _meters(before[1]).get(node, {}), _meters(now[1]).get(node, {})
    rows = [
        {"figure": name, "per s": round((value - earlier.get(name, 0)) / seconds), "value": value}
        for name, value in sorted(later.items())
    ]
    tables = now[1].get("tables")
    return rows, tables if isinstance(tables, dict) else {}


def rates(before: Sample, now: Sample) -> list[dict[str, object]]:
    """Of each stage: rows in, out, rejected, and filtered per second, rows in altogether, and MB that wait for delivery."""
    seconds = max(now[0] - before[0], 1e-6)
    earlier, later = _stages(before[1]), _stages(now[1])
    waiting = now[1].get("waiting")
    rows = []
    for stage, counts in later.items():
        past = earlier.get(stage, {})

        def rate(outcome: str, counts: Mapping[str, int] = counts, past: Mapping[str, int] = past) -> int:
            return round((counts.get(outcome, 0) - past.get(outcome, 0)) / seconds)

        held = waiting.get(stage, 0) if isinstance(waiting, dict) else 0
        rows.append(
            {
                "stage": stage,
                "in/s": rate("in"),
                "out/s": rate("out"),
                "filtered/s": rate("filtered"),
                "rejected/s": rate("rejected"),
                "in": counts.get("in", 0),
                "waiting MB": round(held / 1e6, 1),
            }
        )
    return rows


def _sample(folder: Path, node: str | None) -> Sample:
    answer, live = asked(folder, {"ask": "status", "node": node})
    if not live:
        raise NoInputError(f"no pipe is running on {folder}", "`pipe audit` shows what it has done.")
    known = answer.get("nodes")
    if node is not None and isinstance(known, list) and node not in known:
        raise UsageError(f"the program has no node {node}", f"It has {', '.join(known)}.")
    return time.monotonic(), answer


def _stages(answer: Answer) -> dict[str, dict[str, int]]:
    stages = answer.get("stages")
    return stages if isinstance(stages, dict) else {}


def _meters(answer: Answer) -> dict[str, dict[str, float]]:
    meters = answer.get("meters")
    return meters if isinstance(meters, dict) else {}
