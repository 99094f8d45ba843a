"""`pipe checkpoint`: how far each input is committed, and what that means for a file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from pipeline.cli.parameters import settings_of, with_settings
from pipeline.cli.states import asked, folder_of, with_state
from pipeline.cli.tables import text
from pipeline.columns.encode.printable import printable
from pipeline.errors import NoInputError, UsageError

FORMAT = click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)


class _Shown(click.Group):
    """A group whose command is `show` where none is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        named = args and (args[0] in self.commands or args[0] in ctx.help_option_names)
        return super().parse_args(ctx, args if named else ["show", *args])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        return super().resolve_command(ctx, args if args and args[0] in self.commands else ["show", *args])


@click.group("checkpoint", cls=_Shown)
def command() -> None:
    """Look at the committed positions, of a running program or a stopped one. Without a command they are shown."""


@command.command("show")
@with_state
@FORMAT
def shown(file: str | None, state: str | None, form: str) -> None:
    """Show the committed position of every partition."""
    answer, _ = asked(folder_of(file, state), {"ask": "checkpoint"})
    positions = answer["positions"]
    if form == "json":
        click.echo(json.dumps(positions, ensure_ascii=False))
    elif isinstance(positions, list):
        rows = [{**row, "position": brief(row["position"])} for row in positions]
        click.echo(text(rows) if rows else "nothing is committed yet")


@command.command("explain")
@click.argument("path")
@with_state
@with_settings
@FORMAT
def explained(path: str, file: str | None, state: str | None, settings: tuple[str, ...], form: str) -> None:
    """Say what a start on this state would make of the file at PATH, and why: what it is known as, how that is known, how far
    it is read, and what is read next. FILE is the program, by default the one that the state belongs to. Nothing is changed."""
    folder = folder_of(file, state)
    answer, _ = asked(folder, {"ask": "checkpoint"})
    program = str(answer["program"]) if file is None else file
    told = list(_beliefs(path, program, settings, answer["positions"]))
    if not told:
        there = Path(path).exists()
        raise NoInputError(
            f"no source of {program} reads {path}"
            if there
            else f"there is no file {path}, and none was read under that name",
            "Check the globs of its sources; relative ones start at the current folder."
            if there
            else "`pipe checkpoint` lists the names of what was read.",
        )
    for belief in told:
        click.echo(json.dumps(belief, ensure_ascii=False) if form == "json" else _text(belief))


def brief(position: object) -> object:
    """A position for people: path and offset where it has them, the whole of it otherwise."""
    if isinstance(position, dict) and "offset" in position:
        return f"{position['path']}:{position['offset']}" if "path" in position else position["offset"]
    return position


def _beliefs(path: str, program: str, settings: tuple[str, ...], positions: object) -> Iterable[Mapping[str, object]]:
    """What each source of the program that reads the file makes of it."""
    from pipeline.agent.context import NodeContext
    from pipeline.agent.telemetry import Journal
    from pipeline.api import Position
    from pipeline.cli.programs import EXPRESSION, checked, loaded, read
    from pipeline.env.real import RealEnv

    if program == EXPRESSION:
        raise UsageError(
            "the program of this state was given with -e", "Name a program with the same sources: … PATH FILE."
        )
    graph = checked(loaded(read(program), settings_of(settings)))
    progress: dict[str, dict[str, Position]] = {}
    for row in positions if isinstance(positions, list) else []:
        progress.setdefault(row["source"], {})[row["partition"]] = row["position"]
    env = RealEnv(1)
    # What it would say of other files is not asked for; of this one the belief says all.
    journal = Journal(lambda _: None, env.clock)
    try:
        for stage in graph.stages.values():
            if stage.input is not None:
                ctx = NodeContext(env, stage.name, journal, once=False)
                belief = stage.input.explain(ctx, progress.get(stage.name, {}), path)
                if belief is not None:
                    yield {"file": path, "source": stage.name, **belief}
    finally:
        journal.close()
        env.close()


def _text(belief: Mapping[str, object]) -> str:
    """A belief for people."""
    lines = [f"{belief['file']}: {belief['verdict']}, in source {belief['source']}"]
    lines += [f"  {label:10}{belief[label]}" for label in ("why", "next")]
    if "path" in belief:
        lines.append(
            f"  {'committed':10}{belief['path']}, byte {_number(belief['offset'])}, partition {belief['partition']}"
        )
    if "unread" in belief:
        unread = "unknown, the file is compressed" if belief["unread"] is None else f"{_number(belief['unread'])} bytes"
        lines.append(f"  {'unread':10}{unread}")
    found = [printable(line) for line in lines]
    found += _table(belief.get("evidence"))
    considered = belief.get("considered")
    for other in considered if isinstance(considered, list) else []:
        found += [
            "",
            printable(f"  not {other['path']}, byte {_number(other['offset'])}, partition {other['partition']}:"),
        ]
        found += _table(other["evidence"])
    return "\n".join(found)


def _table(evidence: object) -> list[str]:
    rows = (
        [{**row, "agrees": "yes" if row["agrees"] else "no"} for row in evidence] if isinstance(evidence, list) else []
    )
    return ["", *(f"  {line}" for line in text(rows).splitlines())] if rows else []


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
