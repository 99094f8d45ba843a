"""Tests that write themselves: lists accepted as they were found, and blocks made of real lines."""

from __future__ import annotations

import asyncio
import base64
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import click

from pipeline.agent.control import TAP, ask
from pipeline.cli.programs import checked, loaded
from pipeline.cli.replacing import replace
from pipeline.cli.states import folder_of
from pipeline.errors import InternalError, NoInputError, UsageError
from pipeline.lang import Source
from pipeline.lang.format import format_program
from pipeline.plan.cases import Case
from pipeline.plan.load import Loaded
from pipeline.trials.program import player
from pipeline.trials.record import block, every, latest, sinks
from pipeline.trials.run import Outcome
from pipeline.trials.update import updated


def accept(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """Write the lists that were not met anew, in their files. Gives how many by file. Raises ConfigurationError where a file
    cannot be written."""
    written: dict[str, int] = {}
    for name, (_, text, number) in updated(outcomes).items():
        replace(name, text)
        written[name] = number
    return written


@dataclass(frozen=True)
class Live:
    """A program that runs: its file, its state directory if it was named, and how many seconds to listen to it."""

    file: str
    state: str | None
    seconds: float


def recorded(found: Loaded, asked: Sequence[str], count: int, live: Live) -> str:
    """A test of the program that expects what its sinks get now, made of the first `count` lines of files, `SOURCE=FILE` each,
    or of the records that its running agent reads, `SOURCE` each. Waits for these; says on standard error how many came."""
    graph = checked(found, quiet=True)
    lines: dict[str, list[bytes]] = {}
    known = [stage.name for stage in graph.sources]
    for one in asked:
        source, equals, path = one.partition("=")
        if source not in known or (equals and not path):
            raise UsageError(
                f"--record takes SOURCE=FILE or SOURCE, and `{one}` is not that", f"Sources are {', '.join(known)}."
            )
        lines[source] = _lines(path, count) if path else []
    running = [one for one in asked if "=" not in one]
    if running:
        lines |= _heard(running, count, live)
    told = {one: Path(one.partition("=")[2]).name or one for one in asked}
    name = "recorded from " + ", ".join("standard input" if file == "-" else file for file in told.values())
    _, tried = _played(found, block(name, lines, every(graph)))
    first = block(name, lines, sinks(graph), latest(tried))
    start, outcome = _played(found, first)
    whole = next((text for _, text, _ in updated([outcome]).values()), None)
    made = first if whole is None else whole[start:]
    return format_program(Source("recorded", made))


def _played(found: Loaded, made: str) -> tuple[int, Outcome]:
    """Where the test begins at the end of the program's text, and what comes of it."""
    main = found.recipe.main
    before = main.text.rstrip() + "\n\n"
    program = loaded(Source(main.name, before + made), found.recipe.settings)
    checked(program, quiet=True)
    case: Case = program.checked.cases[-1]
    return len(before), player(program)(case)


def _heard(sources: Sequence[str], count: int, live: Live) -> Mapping[str, list[bytes]]:
    folder = folder_of(live.file, live.state)
    request = {"ask": TAP, "sources": list(sources), "most": count, "seconds": live.seconds}
    answer = asyncio.run(ask(folder, request, live.seconds))
    if answer is None:
        raise NoInputError(f"no pipe is running on {folder}", "Start it with `pipe run`, or name a file: SOURCE=FILE.")
    records, came = answer.get("records"), answer.get("came")
    if not isinstance(records, dict) or not isinstance(came, dict):
        raise InternalError(f"the pipe that runs on {folder} answers something else", "Is it of another version?")
    found = {source: [base64.b64decode(one) for one in records[source]] for source in sources}
    for source, taken in found.items():
        click.echo(f"pipe: {source}: {len(taken):,} of {came.get(source, 0):,} records that came", err=True)
    if not any(found.values()):
        raise NoInputError(
            f"no record came in {live.seconds:g} s", "Wait longer with --for, or name a file: SOURCE=FILE."
        )
    click.echo("pipe: they are written as they came: look for secrets and personal data before you keep them", err=True)
    return found


def _lines(path: str, count: int) -> list[bytes]:
    if path == "-":
        return [line.removesuffix(b"\n") for line in islice(sys.stdin.buffer, count)]
    try:
        with Path(path).open("rb") as file:
            return [line.removesuffix(b"\n") for line in islice(file, count)]
    except OSError as error:
        raise NoInputError(f"cannot read {path}: {error.strerror}") from error
