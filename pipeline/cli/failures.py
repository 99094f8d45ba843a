"""How a command ends: every error as a message, advice and an exit code, never as a traceback.

PIPE_DEBUG=1 in the environment shows the traceback of what is reported.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress

import click

from pipeline.agent.failures import translated
from pipeline.cli.streams import drop
from pipeline.errors import PipeError, ProgramError

INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 + SIGINT, as shells count it."""

USAGE, INTERNAL = 64, 70


def guarded(work: Callable[[], object]) -> int:
    """Do the work and report how it ends. An int that the work gives is the exit code, anything else is 0."""
    try:
        return _reported(work)
    finally:
        _settle_stdout()


def _reported(work: Callable[[], object]) -> int:
    try:
        result = work()
        sys.stdout.flush()
    except BrokenPipeError:
        return 0
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return USAGE
    except PipeError as error:
        tell(error)
        return error.exit_code
    except OSError as error:
        # That no command has put into words: its results could not be written.
        failure = translated(error)
        tell(failure)
        return failure.exit_code
    except (SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # noqa: BLE001 — the last guard before a traceback; a panic in Rust is no Exception
        told = " ".join(str(error).split())[:500]
        say("error", f"a defect of pipe: {type(error).__name__}: {told}")
        say("help", "PIPE_DEBUG=1 shows where. Nothing that was committed is lost.")
        _debug(error)
        return INTERNAL
    return result if type(result) is int else 0


def say(level: str, text: str) -> None:
    """A line on stderr: `pipe: error: …`, or `help: …`."""
    prefix = "help" if level == "help" else f"pipe: {level}"
    note(f"{prefix}: {text}")


def note(line: str) -> None:
    """A finished line on stderr. A stderr that nobody reads is no reason to stop."""
    with suppress(OSError, ValueError):
        print(line, file=sys.stderr, flush=True)  # noqa: T201 — this is where messages go


def tell(error: PipeError) -> None:
    """The error, its diagnostics first, on stderr."""
    if isinstance(error, ProgramError) and error.diagnostics:
        from pipeline.cli.programs import show

        show(error.diagnostics)
    say("error", error.message)
    if error.help:
        say("help", error.help)
    _debug(error)


def _debug(error: BaseException) -> None:
    if os.environ.get("PIPE_DEBUG"):
        traceback.print_exception(error)


def _settle_stdout() -> None:
    """Where what is buffered cannot be written, it is let go: the interpreter must not complain about it at its end."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            drop(sys.stdout.fileno())
