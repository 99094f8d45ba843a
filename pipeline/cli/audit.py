"""`pipe audit`: every row, accounted for."""

from __future__ import annotations

import json
from collections.abc import Mapping

import click

from pipeline.cli.failures import say
from pipeline.cli.states import asked, folder_of, with_state
from pipeline.cli.tables import text

OUTCOMES = ("in", "out", "filtered", "rejected", "windowed")


@click.command("audit")
@with_state
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(file: str | None, state: str | None, form: str) -> int:
    """Account for every row since the state began: of each stage, in = out + filtered + rejected.

    Rows that a window took are `windowed`; its `out` are facts. Exits 1 when rows are missing."""
    answer, _ = asked(folder_of(file, state), {"ask": "audit"})
    stages = answer["stages"]
    rows = [account(stage, counts) for stage, counts in stages.items()] if isinstance(stages, dict) else []
    if form == "json":
        click.echo(json.dumps(rows))
    else:
        click.echo(text(rows) if rows else "no row has been read yet")
    missing = [row["stage"] for row in rows if row["missing"]]
    if missing:
        say("error", f"rows do not add up in {', '.join(map(str, missing))}")
    return 1 if missing else 0


def account(stage: str, counts: Mapping[str, int]) -> dict[str, object]:
    """The rows of one stage by outcome, and those that are `missing` (negative: too many).

    A source has nothing but `in`. Facts of a window are counted where they come out, with those that the filters after
    the window took, so that of a windowed stage only too few can be told."""
    told: dict[str, object] = {"stage": stage, **{outcome: counts.get(outcome, 0) for outcome in OUTCOMES}}
    gone = counts.get("filtered", 0) + counts.get("rejected", 0)
    if set(counts) <= {"in"}:
        missing = 0
    elif counts.get("windowed"):
        missing = max(0, counts.get("in", 0) - counts["windowed"] - gone)
    else:
        missing = counts.get("in", 0) - counts.get("out", 0) - gone
    return {**told, "missing": missing}
