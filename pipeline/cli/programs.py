"""Program files to checked graphs. What is wrong with a program goes to stderr, all of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from pipeline.errors import NoInputError, ProgramError
from pipeline.lang import Diagnostic, Source, render
from pipeline.plan.catalog import Catalog
from pipeline.plan.graph import Graph
from pipeline.plan.load import Loaded, load

EXPRESSION = "<expression>"
"""What a program given with `-e` is called."""

LARGEST = 16 << 20
"""Bytes of a program file; more than that is not a program."""


def read(path: str) -> Source:
    """A program file. Raises NoInputError when it cannot be read, ProgramError when it is not text."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise NoInputError(f"cannot read the program {path}: {why}", "Check the path and its permissions.") from error
    if len(data) > LARGEST:
        raise ProgramError(f"{path} is larger than {LARGEST >> 20} MiB", "Is this a program?")
    return Source(path, decode(data, path))


def decode(data: bytes, name: str) -> str:
    """The text of a program. Raises ProgramError when it is not UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ProgramError(f"{name}:{line}: this is not UTF-8 text", "Programs are UTF-8; convert the file.") from error


def included(pattern: str, source: Source) -> list[Source]:
    """The files that an `include` names, relative to the file that it stands in, sorted. Raises OSError."""
    folder = Path(source.name).parent
    if not any(character in pattern for character in "*?["):
        path = Path(os.path.normpath(folder / pattern))
        return [_include(path)] if path.exists() else []
    base = Path(pattern).anchor or folder
    found = Path(base).glob(pattern.removeprefix(Path(pattern).anchor))
    return [_include(Path(os.path.normpath(path))) for path in sorted(found) if path.is_file()]


def _include(path: Path) -> Source:
    try:
        return Source(str(path), path.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise OSError(0, "it is not UTF-8 text", str(path)) from error


def installed() -> Catalog:
    """The plugins that programs may name: all that are installed, or those that PIPE_PLUGINS allows."""
    allowed = os.environ.get("PIPE_PLUGINS")
    return Catalog.installed(None if allowed is None else allowed.replace(",", " ").split())


def loaded(main: Source, settings: Mapping[str, str]) -> Loaded:
    """Parse and check a program under the process's environment variables."""
    name = "program" if main.name == EXPRESSION else Path(main.name).stem
    return load(
        main,
        catalog=installed(),
        settings=settings,
        variables=dict(os.environ),
        name=name,
        read=included,
        real=os.path.realpath,
    )


def files_of(found: Loaded) -> tuple[Path, ...]:
    """The program and what it includes."""
    sources = [found.recipe.main, *(source for group in found.recipe.included.values() for source in group)]
    return tuple(dict.fromkeys(Path(source.name).resolve() for source in sources))


def checked(found: Loaded, *, strict: bool = False, quiet: bool = False) -> Graph:
    """The graph of a program; its warnings go to stderr unless it is `quiet`. Raises ProgramError with the diagnostics where there are errors
    (`strict`: or warnings)."""
    errors = sum(diagnostic.severity == "error" for diagnostic in found.diagnostics)
    warnings = len(found.diagnostics) - errors
    name = found.recipe.main.name
    if found.graph is None or errors or (strict and warnings):
        told = " and ".join(_count(n, word) for n, word in ((errors, "error"), (warnings, "warning")) if n)
        raise ProgramError(f"{name} has {told or 'errors'}", "", found.diagnostics)
    if not quiet:
        show(found.diagnostics)
    return found.graph


def show(diagnostics: Iterable[object]) -> None:
    """Diagnostics on stderr, in colours on a terminal."""
    colour = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    for diagnostic in diagnostics:
        if isinstance(diagnostic, Diagnostic):
            print(render(diagnostic, colour=colour), file=sys.stderr)  # noqa: T201 — this is where they go


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
