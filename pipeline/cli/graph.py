"""`pipe graph`: the shape of a program."""

from __future__ import annotations

import click

from pipeline.cli.parameters import settings_of, with_settings
from pipeline.cli.programs import checked, loaded, read
from pipeline.plan.picture import Format, picture


@click.command("graph")
@click.argument("file")
@click.option("--format", "form", type=click.Choice(["text", "mermaid", "dot", "json"]), default="text")
@with_settings
def command(file: str, form: Format, settings: tuple[str, ...]) -> None:
    """Draw a program: as text, or for Mermaid, for Graphviz, or as JSON with the columns of every port."""
    click.echo(picture(checked(loaded(read(file), settings_of(settings))), form), nl=False)
