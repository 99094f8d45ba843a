"""The commands of `pipe`, by name. A command's module is imported when it is called: most of them bring Polars along."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module

import click

from pipeline import __version__
from pipeline.env import memory
from pipeline.errors import UsageError


class CommandsByName(click.Group):
    """A group that knows its commands as name → (module of `pipeline.cli`, a line for the list)."""

    def __init__(self, modules: Mapping[str, tuple[str, str]]) -> None:
        version = click.option(
            "--version",
            is_flag=True,
            expose_value=False,
            is_eager=True,
            callback=_version,
            help="Show the version, and which kernels run: native or Python.",
        )
        super().__init__(
            name="pipe",
            help="A log pipeline: programs in a small language, run exactly once.",
            epilog="Start with `pipe run FILE`, or `pipe query 'file(\"a.log\") | …'`. Exit codes follow sysexits(3).",
            context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        )
        version(self)
        self._modules = modules

    def call(self, arguments: list[str]) -> object:
        """Run a command and give what it gives. Raises its errors as they are, click's own included, and UsageError for
        arguments that are not text."""
        for argument in arguments:
            if not argument.isascii():
                _check_text(argument)
        try:
            with self.make_context("pipe", arguments) as context:
                return self.invoke(context)
        except click.exceptions.Exit as finished:
            return finished.exit_code

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._modules:
            return None
        module = f"pipeline.cli.{self._modules[cmd_name][0]}"
        if module not in sys.modules:
            with memory.lasting():
                import_module(module)
        command = sys.modules[module].command
        if not isinstance(command, click.Command):
            raise TypeError(f"{module} has no command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in self._modules and not name.startswith("-"):
            close = get_close_matches(name, self._modules, n=1)
            hint = f"Did you mean `{close[0]}`?" if close else "`pipe --help` lists the commands."
            raise click.UsageError(f"There is no command `{name}`. {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in self._modules.items()])


def _check_text(argument: str) -> None:
    """Refuse bytes that are not UTF-8. Programs and the state are text, and so are the names in them."""
    try:
        argument.encode()
    except UnicodeEncodeError as error:
        shown = os.fsencode(argument).decode(errors="backslashreplace")
        raise UsageError(f"the argument {shown} is not UTF-8 text", "Rename the file, or change the text.") from error


def _version(context: click.Context, _option: click.Parameter, asked: bool) -> None:
    if asked and not context.resilient_parsing:
        from pipeline.columns.native import engine

        click.echo(f"pipe {__version__}\nkernels: {engine()}")
        context.exit()
