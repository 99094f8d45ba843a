"""`pipe checkpoint`: how far each input is committed."""

from __future__ import annotations

import json

import click

from pipeline.cli.states import asked, folder_of, with_state
from pipeline.cli.tables import text


@click.command("checkpoint")
@with_state
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(file: str | None, state: str | None, form: str) -> None:
    """Show the committed position of every partition, of a running program or a stopped one."""
    answer, _ = asked(folder_of(file, state), {"ask": "checkpoint"})
    positions = answer["positions"]
    if form == "json":
        click.echo(json.dumps(positions, ensure_ascii=False))
    elif isinstance(positions, list):
        rows = [{**row, "position": brief(row["position"])} for row in positions]
        click.echo(text(rows) if rows else "nothing is committed yet")


def brief(position: object) -> object:
    """A position for people: path and offset where it has them, the whole of it otherwise."""
    if isinstance(position, dict) and "offset" in position:
        return f"{position['path']}:{position['offset']}" if "path" in position else position["offset"]
    return position
