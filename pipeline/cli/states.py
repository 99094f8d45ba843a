"""What a state says of itself: asked over the control socket of the agent that runs on it, else read from its files."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import click

from pipeline.agent.answers import Answer, answer
from pipeline.agent.control import ask
from pipeline.cli.snapshot import snapshot
from pipeline.errors import InternalError, NoInputError, StateError, UsageError

CommandT = TypeVar("CommandT", bound=Callable[..., object])


def with_state(command: CommandT) -> CommandT:
    """The arguments `file` and `state` that name a state directory."""
    option = click.option("--state", metavar="DIR", help="The state directory [default: ./.pipe/<name of FILE>].")
    return click.argument("file", required=False)(option(command))


def folder_of(file: str | None, state: str | None) -> Path:
    """The state directory that is meant; without any name, the only one below ./.pipe. Raises UsageError, NoInputError."""
    if state is not None:
        folder = Path(state)
    elif file is not None:
        folder = Path(".pipe") / Path(file).stem
    else:
        found = sorted(path.parent for path in Path(".pipe").glob("*/state.db"))
        if len(found) != 1:
            told = f"there are {len(found)} states in ./.pipe" if found else "there is no state in ./.pipe"
            raise UsageError(told, "Name the program, or the state directory with --state DIR.")
        folder = found[0]
    folder = folder.absolute()
    if not (folder / "state.db").exists():
        raise NoInputError(
            f"there is no state in {folder}", "Name the program, or its state directory with --state DIR."
        )
    return folder


def asked(folder: Path, request: Mapping[str, object]) -> tuple[Answer, bool]:
    """The answer, and whether a running agent gave it. Raises StateError when the state cannot be read."""
    with suppress(InternalError):
        live = asyncio.run(ask(folder, request))
        if live is not None:
            return live, True
    try:
        with snapshot(folder) as state:
            return answer(state, request), False
    except StateError:
        live = asyncio.run(ask(folder, request))
        if live is None:
            raise
        return live, True
