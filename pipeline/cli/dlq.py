"""`pipe dlq`: rejected rows that no sink reads."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import click

from pipeline.agent.answers import LETTERS
from pipeline.cli.states import asked, folder_of, with_state
from pipeline.cli.tables import text


class Kind(NamedTuple):
    """Where and why a row was rejected."""

    stage: str
    filter: str
    reason: str
    field: str

    @classmethod
    def of(cls, letter: Mapping[str, object]) -> Kind:
        error = letter.get("@error")
        told = error if isinstance(error, dict) else {}
        return cls(str(letter["stage"]), *(str(told.get(name) or "") for name in ("filter", "reason", "field")))


@click.group("dlq", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """Look at the dead letters: rows that a filter could not process and that no sink reads. The newest 64 MiB are kept.

    Without a command they are listed."""
    if context.invoked_subcommand is None:
        context.invoke(listed)


@command.command("list")
@with_state
def listed(file: str | None, state: str | None) -> None:
    """Count the newest 10,000 by stage, filter and reason."""
    counts: Counter[Kind] = Counter()
    newest: dict[Kind, int] = {}
    for letter in _letters(file, state, LETTERS, None):
        kind = Kind.of(letter)
        rejected = letter["rejected"]
        counts[kind] += 1
        newest[kind] = max(newest.get(kind, 0), rejected if isinstance(rejected, int) else 0)
    rows = [{**kind._asdict(), "rows": rows, "newest": _time(newest[kind])} for kind, rows in counts.most_common()]
    click.echo(text(rows) if rows else "there are no dead letters")


@command.command("show")
@with_state
@click.option("--stage", help="Only those of this stage.")
@click.option(
    "--limit", type=click.IntRange(1, LETTERS), default=20, show_default=True, help="How many, the newest first."
)
def shown(file: str | None, state: str | None, stage: str | None, limit: int) -> None:
    """Print them as JSON, one object a line, with `@raw`, metadata and `@error`."""
    for letter in _letters(file, state, limit, stage):
        rejected = letter.pop("rejected")
        click.echo(json.dumps({"rejected": _time(rejected), **letter}, ensure_ascii=False))


def _letters(file: str | None, state: str | None, limit: int, stage: str | None) -> list[dict[str, object]]:
    answer, _ = asked(folder_of(file, state), {"ask": "dlq", "limit": limit, **({"stage": stage} if stage else {})})
    letters = answer["letters"]
    return letters if isinstance(letters, list) else []


def _time(microseconds: object) -> str:
    moment = microseconds if isinstance(microseconds, int) else 0
    return datetime.fromtimestamp(moment / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
