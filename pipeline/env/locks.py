"""Locks on files, which end with the process that holds them."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from pipeline.errors import StateError


def take(path: Path) -> Callable[[], None] | None:
    """Lock a file that is there for nothing else, and make it where there is none. Gives its release, or None when another
    process has it (`pipeline.env.Files.lock`)."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if isinstance(error, BlockingIOError):
            return None
        raise
    held = [descriptor]

    def release() -> None:
        # Once: by the second time the number may be that of somebody else's file.
        if held:
            os.close(held.pop())

    return release


def hold(descriptor: int, path: Path) -> None:
    """Lock a file that is appended to, until it is closed. Where a file system has no locks it goes without. Raises StateError
    when somebody else has it open to append."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise StateError(
            f"another process writes {path}",
            "Only one may write a file. Is it another program's, or does another pipe run on a copy of this state?",
        ) from error
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
            raise
