"""`pipe explain`: what a program will do."""

from __future__ import annotations

import click

from pipeline.cli.parameters import settings_of, with_settings
from pipeline.cli.programs import checked, loaded, read
from pipeline.columns.native import engine
from pipeline.plan.explain import explain


@click.command("explain")
@click.argument("file")
@with_settings
def command(file: str, settings: tuple[str, ...]) -> None:
    """Say node by node what a program will do: the kernels in use, fields with their types, the engine of each pattern, how late is too late,
    and what each sink guarantees."""
    told = explain(checked(loaded(read(file), settings_of(settings))))
    click.echo(f"kernels: {engine()}\n\n{told}", nl=False)
