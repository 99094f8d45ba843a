"""`pipe run`: a program, running."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from pipeline.agent.agent import Settings
from pipeline.agent.space import Space
from pipeline.cli.failures import say
from pipeline.cli.parameters import DURATION, SIZE, settings_of, with_settings
from pipeline.cli.programs import EXPRESSION, checked, files_of, loaded, read
from pipeline.cli.session import Session
from pipeline.cli.summary import counted, told
from pipeline.env.real import RealEnv
from pipeline.errors import ConfigurationError, UsageError
from pipeline.lang import Source
from pipeline.plan.load import Loaded


@click.command("run")
@click.argument("file", required=False)
@click.option(
    "-e", "expression", metavar="PROGRAM", help="The program itself instead of a file; its state is temporary."
)
@click.option("--once", is_flag=True, help="Read every source to the end that it has now, deliver, and exit.")
@click.option("--state", metavar="DIR", help="The state directory [default: ./.pipe/<name of FILE>].")
@with_settings
@click.option("--timeout", type=DURATION, default=60.0, metavar="D", help="How long --once waits for deliveries [60s].")
@click.option(
    "--max-spool",
    type=SIZE,
    metavar="SIZE",
    help="How much may wait for delivery before reading waits [256MiB for each sink].",
)
@click.option(
    "--min-free",
    type=SIZE,
    metavar="SIZE",
    help="Space that is kept free on the disk of the state: below it, reading waits "
    "[5 % of the disk, within 256MiB and 1GiB; an eighth of a small one].",
)
@click.option("--watch", is_flag=True, help="Reload when FILE or an included file changes.")
@click.option("--summary/--no-summary", default=None, help="Say at the end what was done [on a terminal].")
def command(
    file: str | None,
    expression: str | None,
    once: bool,
    state: str | None,
    settings: tuple[str, ...],
    timeout: float,
    max_spool: int | None,
    min_free: int | None,
    watch: bool,
    summary: bool | None,
) -> None:
    """Run a program until it is stopped, or with --once to the end of its inputs.

    SIGTERM and Ctrl-C stop it cleanly; a crash loses nothing either: the next start goes on where the last commit was.
    SIGHUP (or a change, with --watch) reloads the program without a pause: what was read before is computed by the old one,
    what is read after by the new one. A bad program is reported and the old one goes on."""
    if (file is None) == (expression is None):
        raise UsageError("run takes a program file, or a program with -e", "pipe run FILE, or pipe run -e 'source …'.")
    if watch and file is None:
        raise UsageError("--watch needs a program file", "A program given with -e does not change.")
    given = settings_of(settings)
    main = Source(EXPRESSION, expression or "") if file is None else read(file)
    found = loaded(main, given)
    graph = checked(found)

    def again() -> Loaded:
        return loaded(main if file is None else read(file), given)

    with _folder(file, state) as folder:
        program = EXPRESSION if file is None else str(Path(file).resolve())
        _check_names(program, str(folder), str(Path.cwd()))
        before = counted(folder)
        env = RealEnv()
        try:
            settings_ = Settings(program, folder, Path.cwd(), once=once, timeout=timeout, max_spool=max_spool)
            space = Space(env, folder, say, least=min_free)
            session = Session(env, settings_, again, watch=watch, space=space)
            asyncio.run(session.run(graph, files_of(found), found.recipe))
        finally:
            env.close()
        if summary or (summary is None and sys.stderr.isatty()):
            print(told(session.graph or graph, session.report, before, folder), file=sys.stderr)  # noqa: T201 — for the person who ran it


@contextmanager
def _folder(file: str | None, state: str | None) -> Iterator[Path]:
    """The state directory: the one that was named, the program's own, or a temporary one."""
    if state is not None:
        yield Path(state).absolute()
    elif file is not None:
        yield (Path(".pipe") / (Path(file).stem or "program")).absolute()
    else:
        with tempfile.TemporaryDirectory(prefix="pipe-", ignore_cleanup_errors=True) as temporary:
            yield Path(temporary) / "state"


def _check_names(*paths: str) -> None:
    """Refuse folders whose names are no text: the state could not say what it belongs to, and where its files are."""
    for path in paths:
        try:
            path.encode()
        except UnicodeEncodeError as error:
            shown = os.fsencode(path).decode(errors="backslashreplace")
            raise ConfigurationError(
                f"the name of {shown} is not UTF-8 text", "Rename the folder, or run the program in another one."
            ) from error
