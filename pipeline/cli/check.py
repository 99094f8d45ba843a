"""`pipe check`: everything that is wrong with a program, at once."""

from __future__ import annotations

import click

from pipeline.cli.parameters import settings_of, with_settings
from pipeline.cli.programs import checked, loaded, read


@click.command("check")
@click.argument("file")
@click.option("--strict", is_flag=True, help="Warnings are errors, too.")
@with_settings
def command(file: str, strict: bool, settings: tuple[str, ...]) -> None:
    """Check a program without running it: names, types, options, templates. Exits 65 when there are errors."""
    checked(loaded(read(file), settings_of(settings)), strict=strict)
