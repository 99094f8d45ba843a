"""`pipe plugins`: what programs can name."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.programs import installed
from pipeline.cli.tables import text
from pipeline.errors import ConfigurationError, PipeError, UsageError
from pipeline.lang import suggestion
from pipeline.plan.catalog import KINDS, Catalog, Kind
from pipeline.plan.pages import SINGULAR, find, page, pages, summary


@click.command("plugins")
@click.argument("name", required=False)
@click.option("--markdown", metavar="DIR", help="Write the docs of all plugins to a folder.")
def command(name: str | None, markdown: str | None) -> None:
    """List the inputs, filters, outputs, codecs, aggregates and functions that are installed, or show the page of one: what it does,
    its options with types and defaults, an example."""
    catalog = installed()
    if markdown is not None:
        _write(catalog, Path(markdown))
    elif name is not None:
        click.echo(_page(catalog, name), nl=False)
    else:
        rows = [
            {"kind": SINGULAR[kind], "name": each, "": _summary(catalog, kind, each)}
            for kind in KINDS
            for each in catalog.names(kind)
        ]
        click.echo(text(rows))


def _page(catalog: Catalog, name: str) -> str:
    kinds = [kind for kind in KINDS if name in catalog.names(kind)]
    if not kinds:
        known = [each for kind in KINDS for each in catalog.names(kind)]
        raise UsageError(f"there is no plugin `{name}`", suggestion(name, known) or "`pipe plugins` lists them.")
    return "\n".join(page(kind, name, find(catalog, kind, name)) for kind in kinds)


def _summary(catalog: Catalog, kind: Kind, name: str) -> str:
    try:
        return summary(find(catalog, kind, name))
    except PipeError as error:
        return f"cannot be used: {error.message}"


def _write(catalog: Catalog, folder: Path) -> None:
    try:
        for path, written in pages(catalog).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(written, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"cannot write {error.filename}: {error.strerror}", "Check the path and its permissions."
        ) from error
