"""`pipe dlq`: rejected rows that no sink reads, and what becomes of them."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import click

from pipeline.agent.answers import Answer
from pipeline.agent.control import LONGEST_REQUEST, ask
from pipeline.agent.letters import ID, MOST, change
from pipeline.cli.desk import desk
from pipeline.cli.parameters import DURATION
from pipeline.cli.states import asked, folder_of, with_state
from pipeline.cli.tables import text
from pipeline.columns.encode.printable import printable
from pipeline.errors import UsageError

MOST_IDS = LONGEST_REQUEST - 4096
"""Bytes of ids, as a request has them, that one command takes."""

CommandT = TypeVar("CommandT", bound=Callable[..., object])


def filtered(command: CommandT) -> CommandT:
    """The options that say which letters."""
    for option in (
        click.option("--since", type=DURATION, metavar="D", help="Only those of the last so long, such as 1h."),
        click.option("--reason", help="Only those rejected for this reason."),
        click.option("--stage", help="Only those of this stage."),
    ):
        command = option(command)
    return command


def chosen(command: CommandT) -> CommandT:
    """The arguments that say which state and which letters, also by their ids."""
    state = click.option("--state", metavar="DIR", help="The state directory [default: ./.pipe/<name of FILE>].")
    return click.argument("words", nargs=-1, metavar="[FILE] [ID]...")(state(filtered(command)))


def _said(
    words: tuple[str, ...], state: str | None, stage: str | None, reason: str | None, since: float | None
) -> tuple[Path, dict[str, object]]:
    """The state that is meant, and the letters, as a request names them."""
    ids = [word for word in words if ID.fullmatch(word)]
    files = [word for word in words if not ID.fullmatch(word)]
    if len(files) > 1:
        raise UsageError(f"{files[1]} is no id of a dead letter", "Ids are such as 17.3; `pipe dlq show` tells them.")
    if len(" ".join(ids)) + 4 * len(ids) > MOST_IDS:
        raise UsageError(
            f"{len(ids):,} ids are too many at once", "Name whole burials, such as 17; or take some at a time."
        )
    after = None if since is None else int((time.time() - since) * 1e6)
    named = {"ids": ids or None, "stage": stage, "reason": reason, "since": after}
    return folder_of(files[0] if files else None, state), {
        name: value for name, value in named.items() if value is not None
    }


@click.group("dlq", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """Dead letters: rows that could not be processed and that no sink reads. The newest 64 MiB are kept.

    Without a command they are listed."""
    if context.invoked_subcommand is None:
        context.invoke(listed)


@command.command("list")
@with_state
@filtered
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def listed(
    file: str | None,
    state: str | None,
    stage: str | None = None,
    reason: str | None = None,
    since: float | None = None,
    form: str = "text",
) -> None:
    """Count them by stage, filter and reason; and the segments that are held, because their bytes are damaged."""
    folder, named = _said((file,) if file else (), state, stage, reason, since)
    answer, _ = asked(folder, {"ask": "dlq_kinds", **named})
    kinds, held = _rows(answer, "kinds"), _rows(answer, "held")
    for kind in kinds:
        kind |= {"oldest": _time(kind["oldest"]), "newest": _time(kind["newest"])}
    if form == "json":
        click.echo(json.dumps({"letters": kinds, "held": held}, ensure_ascii=False))
        return
    order = ("stage", "filter", "reason", "field", "rows", "retrying", "oldest", "newest")
    click.echo(text([{name: kind[name] for name in order} for kind in kinds]) if kinds else "there are no dead letters")
    if held:
        click.echo(f"\nsegments that are held:\n\n{text(held)}")


@command.command("show")
@chosen
@click.option(
    "--limit", type=click.IntRange(1, MOST), default=20, show_default=True, help="How many, the newest first."
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="json", show_default=True)
def shown(
    words: tuple[str, ...],
    state: str | None,
    stage: str | None,
    reason: str | None,
    since: float | None,
    limit: int,
    form: str,
) -> None:
    """Show them with `@raw`, metadata and `@error`: as JSON, one object a line, or as text.

    With ids (such as 17.3, or 17 for all that were rejected together), show those."""
    folder, named = _said(words, state, stage, reason, since)
    answer, _ = asked(folder, {"ask": "dlq", "limit": limit, **named})
    for letter in _rows(answer, "letters"):
        told = {"id": letter.pop("id"), "rejected": _time(letter.pop("rejected")), **letter}
        click.echo(json.dumps(told, ensure_ascii=False) if form == "json" else f"{_text(told)}\n")


@command.command("retry")
@chosen
@click.option("--all", "everything", is_flag=True, help="All that there are.")
def retried(
    words: tuple[str, ...],
    state: str | None,
    stage: str | None,
    reason: str | None,
    since: float | None,
    everything: bool,
) -> None:
    """Put them in again, at the stage that rejected them: a running agent does it at once, else the next run.

    Each leaves the dead letters in the transaction that has what came of it. One that is rejected again is a new dead letter,
    with the number of tries."""
    count, live = _changed("dlq_retry", everything, *_said(words, state, stage, reason, since))
    click.echo(f"{_letters(count)} put in again{'' if live else ' by the next run'}")


@command.command("drop")
@chosen
@click.option("--all", "everything", is_flag=True, help="All that there are.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def dropped(
    words: tuple[str, ...],
    state: str | None,
    stage: str | None,
    reason: str | None,
    since: float | None,
    everything: bool,
    yes: bool,
) -> None:
    """Remove them for good; `pipe audit` counts them as dropped. Those that are being put in again stay."""
    folder, named = _said(words, state, stage, reason, since)
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("dead letters are removed for good", "Say --yes where nobody can be asked.")
        click.confirm("Remove these dead letters for good?", abort=True, err=True)
    count, _ = _changed("dlq_drop", everything, folder, named)
    click.echo(f"{_letters(count)} removed")


def _changed(what: str, everything: bool, folder: Path, named: Mapping[str, object]) -> tuple[int, bool]:
    """How many letters a change took, and whether a running agent made it."""
    if everything == bool(named):
        raise UsageError(
            "which dead letters are meant?", "Name ids, or --stage, --reason, --since; or --all, and nothing else."
        )
    request = {"ask": what, **named}
    live = asyncio.run(ask(folder, request))
    if live is None:
        with desk(folder) as letters:
            answer: Answer = change(request)(letters)
    else:
        answer = live
    count = answer["letters"]
    return count if isinstance(count, int) else 0, live is not None


def _letters(count: int) -> str:
    return f"{count:,} dead letter{' is' if count == 1 else 's are'}"


def _rows(answer: Mapping[str, object], name: str) -> list[dict[str, object]]:
    found = answer.get(name)
    return found if isinstance(found, list) else []


def _text(letter: Mapping[str, object]) -> str:
    """A letter as lines: name and value."""
    error = letter.get("@error")
    told = error if isinstance(error, dict) else {}
    values = {**{name: value for name, value in letter.items() if name != "@error"}, **told}
    width = max(map(len, values))
    return "\n".join(f"{name:{width}}  {printable(str(value))}" for name, value in values.items() if value is not None)


def _time(microseconds: object) -> str:
    moment = microseconds if isinstance(microseconds, int) else 0
    return datetime.fromtimestamp(moment / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
