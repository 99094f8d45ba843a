"""`pipe fmt`: programs in the canonical layout."""

from __future__ import annotations

import click

from pipeline.cli.failures import tell
from pipeline.cli.programs import decode, read
from pipeline.cli.replacing import replace
from pipeline.cli.streams import standard_input
from pipeline.errors import PipeError, UsageError
from pipeline.lang import Source, format_program


@click.command("fmt")
@click.argument("files", nargs=-1, metavar="FILE…")
@click.option("--check", is_flag=True, help="Change nothing; list the files that would change and exit 1.")
def command(files: tuple[str, ...], check: bool) -> int:
    """Put programs into the canonical layout, in place. `-` reads standard input and writes standard output.

    Comments and meaning stay as they are; a program with syntax errors is left alone and the exit code is 65."""
    if not files:
        raise UsageError("fmt needs a file", "Write `pipe fmt FILE…`, or `pipe fmt -` for standard input.")
    code = 0
    for file in files:
        try:
            changed = _stdin(check=check) if file == "-" else _file(file, check=check)
        except PipeError as error:
            tell(error)
            code = error.exit_code
            continue
        if changed and check:
            click.echo(file)
            code = code or 1
    return code


def _stdin(*, check: bool) -> bool:
    source = Source("<stdin>", decode(standard_input().read(), "<stdin>"))
    text = format_program(source)
    if not check:
        click.echo(text, nl=False)
    return text != source.text


def _file(file: str, *, check: bool) -> bool:
    source = read(file)
    text = format_program(source)
    changed = text != source.text
    if changed and not check:
        replace(file, text)
    return changed
