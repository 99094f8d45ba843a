"""`pipe top`: what a running program does, a second at a time."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path

import click

from pipeline.agent.control import Answer
from pipeline.cli.parameters import DURATION
from pipeline.cli.states import asked, folder_of, with_state
from pipeline.cli.tables import text
from pipeline.errors import NoInputError

Sample = tuple[float, Answer]


@click.command("top")
@with_state
@click.option("--once", is_flag=True, help="Print once and exit.")
@click.option("--every", type=DURATION, default=2.0, metavar="D", help="How often to look [2s].")
def command(file: str | None, state: str | None, once: bool, every: float) -> None:
    """Show the rows per second of every stage of a running program, and the bytes that wait for each sink."""
    folder = folder_of(file, state)
    before = _sample(folder)
    while True:
        time.sleep(every)
        now = _sample(folder)
        told = text(rates(before, now))
        if sys.stdout.isatty() and not once:
            click.clear()
        click.echo(told or "no row has been read yet")
        if once:
            return
        before = now


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


def _sample(folder: Path) -> Sample:
    answer, live = asked(folder, {"ask": "status"})
    if not live:
        raise NoInputError(f"no pipe is running on {folder}", "`pipe audit` shows what it has done.")
    return time.monotonic(), answer


def _stages(answer: Answer) -> dict[str, dict[str, int]]:
    stages = answer.get("stages")
    return stages if isinstance(stages, dict) else {}
