"""Standard streams that somebody closed: `2>&-`, and what services and cron may leave out."""

from __future__ import annotations

import os
import sys
from typing import BinaryIO

from pipeline.errors import NoInputError


def settle() -> None:
    """Open /dev/null in the place of each standard stream that is closed, so that no file of ours gets its number.

    What is written to a closed stream is dropped. A closed standard input stays `None` in `sys`: it is no empty one."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            drop(number)
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 — for as long as the process
    if sys.stderr is None:
        sys.stderr = open(  # noqa: SIM115 — likewise
            2, "w", encoding="utf-8", errors="backslashreplace", closefd=False
        )


def drop(number: int) -> None:
    """Put /dev/null in the place of a standard stream. Raises OSError."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    if nowhere != number:
        os.dup2(nowhere, number)
        os.close(nowhere)
    os.set_inheritable(number, True)


def show(data: bytes) -> None:
    """Write all of the data to standard output, and out of its buffer. Blocks while nobody reads. Raises OSError.

    With PYTHONUNBUFFERED standard output has no buffer, and a signal cuts a write short."""
    left = memoryview(data)
    while left:
        left = left[sys.stdout.buffer.write(left) :]
    sys.stdout.buffer.flush()


def standard_input() -> BinaryIO:
    """Raises NoInputError when the process has none."""
    if sys.stdin is None:
        raise NoInputError("standard input is closed", "Name a file, or pipe something into the command.")
    return sys.stdin.buffer
