"""Tests that write themselves: lists accepted as they were found, and blocks made of real lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

from pipeline.cli.programs import checked, loaded
from pipeline.errors import ConfigurationError, NoInputError, UsageError
from pipeline.lang import Source
from pipeline.lang.format import format_program
from pipeline.plan.cases import Case
from pipeline.plan.load import Loaded
from pipeline.trials.program import player
from pipeline.trials.record import MOST, block, every, latest, sinks
from pipeline.trials.run import Outcome
from pipeline.trials.update import updated


def accept(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """Write the lists that were not met anew, in their files. Gives how many by file. Raises ConfigurationError where a file
    cannot be written."""
    written: dict[str, int] = {}
    for name, (_, text, number) in updated(outcomes).items():
        try:
            Path(name).write_text(text, encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(f"cannot write {name}: {error.strerror}") from error
        written[name] = number
    return written


def recorded(found: Loaded, asked: Sequence[str]) -> str:
    """A test of the program made of the first lines of files, `SOURCE=FILE` each, that expects what its sinks get now."""
    graph = checked(found, quiet=True)
    lines: dict[str, list[bytes]] = {}
    for one in asked:
        source, _, path = one.partition("=")
        known = [stage.name for stage in graph.sources]
        if source not in known or not path:
            raise UsageError(f"--record takes SOURCE=FILE, and `{one}` is not that", f"Sources are {', '.join(known)}.")
        lines[source] = _lines(path)
    name = "recorded from " + ", ".join(Path(one.partition("=")[2]).name for one in asked)
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


def _lines(path: str) -> list[bytes]:
    try:
        with Path(path).open("rb") as file:
            return [line.removesuffix(b"\n") for line in islice(file, MOST)]
    except OSError as error:
        raise NoInputError(f"cannot read {path}: {error.strerror}") from error
