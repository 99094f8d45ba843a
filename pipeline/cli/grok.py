"""`pipe grok`: a pattern, tried on lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, TypeVar

import click
import polars as pl

from pipeline.cli.coverage import KINDS, plain, told
from pipeline.cli.objects import objects
from pipeline.cli.streams import show, standard_input
from pipeline.columns.grok import MATCHED, REASON, Grok, GrokError, expand
from pipeline.columns.grok.coverage import Coverage
from pipeline.columns.lines import decode, records
from pipeline.columns.nested import put
from pipeline.columns.types import BOOL, ERROR, FLOAT, INT, STRING, Columns, dtype
from pipeline.errors import NoInputError, ProgramError

CHUNK = 4 << 20
T = TypeVar("T")

_TYPES = {"string": STRING, "int": INT, "float": FLOAT, "bool": BOOL}


@click.command("grok")
@click.argument("pattern")
@click.argument("file", required=False)
@click.option(
    "--or", "others", multiple=True, metavar="PATTERN", help="A pattern for lines that none before it matches."
)
@click.option("--explain", is_flag=True, help="Say what matches, and why the other lines do not.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How --explain is written.")
@click.option("--kinds", type=click.IntRange(1, 200), default=KINDS, help=f"Kinds of lines to explain [{KINDS}].")
def command(pattern: str, file: str | None, others: tuple[str, ...], explain: bool, form: str, kinds: int) -> None:
    """Match lines of FILE (or standard input) with a grok pattern: one JSON object a line.

    pipe grok '%{NGINX_COMBINED}' access.log

    A line that does not match gives {"@error": …}, so the output has as many lines as the input.

    With --explain: how many lines match and what the fields hold; and the lines that do not match, grouped by what they look like, with
    the part of the pattern that stopped there and a change that was tried and helps."""
    patterns = (pattern, *others)
    for one in patterns:
        _checked(one)
    with ExitStack() as stack:
        lines = _lines(_opened(file, stack), file or "standard input")
        if explain:
            coverage = _made(Coverage, patterns)
            for text, offsets in lines:
                coverage.add(text, offsets)
            click.echo(json.dumps(plain(coverage, kinds)) if form == "json" else told(coverage, kinds))
            return
        grok = _made(Grok, patterns)
        for text, _ in lines:
            show(matched(grok, text))


def _checked(pattern: str) -> None:
    """Compile a pattern. Raises ProgramError, with its place, when it is wrong."""
    try:
        expand(pattern)
    except GrokError as error:
        caret = f"\n  {pattern}\n  {' ' * error.position}^" if pattern.isprintable() else ""
        raise ProgramError(f"the pattern is wrong: {error.message}{caret}", error.help) from error


def _made(kind: Callable[[Sequence[str]], T], patterns: Sequence[str]) -> T:
    try:
        return kind(patterns)
    except GrokError as error:
        raise ProgramError(f"the patterns are wrong: {error.message}", error.help) from error


def matched(grok: Grok, text: pl.Series) -> bytes:
    """The fields of each line as a JSON object; `@error` alone for lines that do not match."""
    found = grok.match(text)
    columns, frame = Columns({}), found.select(MATCHED)
    for capture in grok.captures:
        path = tuple(capture.field.split("."))
        columns = columns.with_field(path, _TYPES[capture.type])
        frame = frame.with_columns(put(frame.schema, path, pl.lit(found[capture.field])))
    error = pl.struct(
        pl.lit("grok").alias("filter"),
        pl.lit("no_match").alias("reason"),
        pl.lit(None, dtype=pl.String).alias("field"),
        pl.col(REASON).alias("detail"),
    )
    failed = found.select(pl.when(~pl.col(MATCHED)).then(error).cast(dtype(ERROR)).alias("@error")).to_series()
    return objects(frame.with_columns(failed), {**columns.fields, "@error": ERROR})


def _opened(file: str | None, stack: ExitStack) -> BinaryIO:
    if file is None or file == "-":
        return standard_input()
    try:
        return stack.enter_context(Path(file).open("rb"))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise NoInputError(f"cannot read {file}: {why}", "Check the path and its permissions.") from error


def _lines(file: BinaryIO, name: str) -> Iterator[tuple[pl.Series, pl.Series]]:
    """The lines of a file as String columns with the offset of each, as soon as they come; the last may lack its newline."""
    rest, offset = b"", 0
    while True:
        try:
            data = file.read1(CHUNK)  # type: ignore[attr-defined]  # buffered readers have it
        except OSError as error:
            raise NoInputError(f"cannot read {name}: {error.strerror}", "Is it a file of lines?") from error
        raw, offsets, consumed = records(rest + data if data else rest + b"\n" if rest else b"", offset)
        offset += consumed
        rest = (rest + data)[consumed:] if data else b""
        if raw.len():
            yield decode(raw)[0].str.strip_suffix("\r"), offsets
        if not data:
            return
