"""`pipe grok`: a pattern, tried on lines."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import click
import polars as pl

from pipeline.cli.objects import objects
from pipeline.columns.grok import MATCHED, REASON, Coverage, Grok, GrokError, Miss, coverage
from pipeline.columns.lines import decode, records
from pipeline.columns.nested import put
from pipeline.columns.types import BOOL, ERROR, FLOAT, INT, STRING, Columns, dtype
from pipeline.errors import NoInputError, ProgramError

CHUNK = 4 << 20
MISSES = 20
_TYPES = {"string": STRING, "int": INT, "float": FLOAT, "bool": BOOL}


@click.command("grok")
@click.argument("pattern")
@click.argument("file", required=False)
@click.option("--explain", is_flag=True, help="Say how many lines match, and how far the pattern gets on the others.")
def command(pattern: str, file: str | None, explain: bool) -> None:
    """Match lines of FILE (or standard input) with a grok pattern: one JSON object a line.

    pipe grok '%{NGINX_COMBINED}' access.log

    A line that does not match gives {"@error": …}, so the output has as many lines as the input."""
    try:
        grok = Grok(pattern)
    except GrokError as error:
        caret = f"\n  {pattern}\n  {' ' * error.position}^" if pattern.isprintable() else ""
        raise ProgramError(f"the pattern is wrong: {error.message}{caret}", error.help) from error
    with ExitStack() as stack:
        lines = _lines(_opened(file, stack), file or "standard input")
        if explain:
            click.echo(_explained(grok, lines))
            return
        for text in lines:
            sys.stdout.buffer.write(matched(grok, text))
            sys.stdout.buffer.flush()


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
        return sys.stdin.buffer
    try:
        return stack.enter_context(Path(file).open("rb"))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise NoInputError(f"cannot read {file}: {why}", "Check the path and its permissions.") from error


def _lines(file: BinaryIO, name: str) -> Iterator[pl.Series]:
    """The lines of a file as String columns, as soon as they come; the last may lack its newline."""
    rest = b""
    while True:
        try:
            data = file.read1(CHUNK)  # type: ignore[attr-defined]  # buffered readers have it
        except OSError as error:
            raise NoInputError(f"cannot read {name}: {error.strerror}", "Is it a file of lines?") from error
        raw, _, consumed = records(rest + data if data else rest + b"\n" if rest else b"", 0)
        rest = (rest + data)[consumed:] if data else b""
        if raw.len():
            yield decode(raw)[0].str.strip_suffix("\r")
        if not data:
            return


def _explained(grok: Grok, lines: Iterator[pl.Series]) -> str:
    total = Coverage(0, 0, 0, ())
    for text in lines:
        part = (
            coverage(grok, text, most=MISSES - len(total.misses))
            if len(total.misses) < MISSES
            else _counted(grok, text)
        )
        misses = [Miss(total.lines + m.row, m.pattern, m.matched, m.element, m.saw) for m in part.misses]
        total = Coverage(
            total.lines + part.lines,
            total.matched + part.matched,
            total.timeouts + part.timeouts,
            (*total.misses, *misses),
        )
    fields = ", ".join(f"{capture.field}: {capture.type}" for capture in grok.captures)
    share = 100 * total.matched / total.lines if total.lines else 0.0
    told = [
        f"matched   {total.matched:,} of {total.lines:,} lines ({share:.2f} %)",
        *([f"timeouts  {total.timeouts:,}"] if total.timeouts else []),
        f"engine    {grok.engine}{f': {grok.reason}' if grok.reason else ''}",
        f"fields    {fields or 'none'}",
    ]
    for miss in total.misses:
        told += ["", f"line {miss.row + 1}", f"  matched   {_shown(miss.matched)}"]
        told += [
            f"  wanted    {_shown(miss.element) if miss.element else 'another alternative'}",
            f"  saw       {_shown(miss.saw)}",
        ]
    left = total.lines - total.matched - len(total.misses)
    return "\n".join([*told, *(["", f"… and {left:,} more lines that do not match"] if left > 0 else [])])


def _counted(grok: Grok, text: pl.Series) -> Coverage:
    found = grok.match(text)
    return Coverage(text.len(), int(found[MATCHED].sum()), int((found[REASON] == "timeout").sum()), ())


def _shown(text: str) -> str:
    """Text in quotes that cannot talk to the terminal."""
    told = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return f"`{told}`" if told else "nothing"
