"""Symbolic links on the way to a file."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_MOST = 40
"""Links that the kernel follows in one path."""


def followed(path: Path) -> tuple[set[int], os.stat_result]:
    """The owners of all symbolic links that lead to what `path` names, in folders and at its end; and what that is.

    Raises OSError where there is no such path, and for links that go round in a circle."""
    owners: set[int] = set()
    at, links = Path("/"), 0
    found = at.lstat()
    rest = list(reversed(path.absolute().parts[1:]))
    while rest:
        part = rest.pop()
        step = at.parent if part == ".." else at / part
        found = step.lstat()
        if not stat.S_ISLNK(found.st_mode):
            at = step
            continue
        owners.add(found.st_uid)
        links += 1
        if links > _MOST:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
        target = step.readlink()
        if target.is_absolute():
            at = Path("/")
        rest.extend(part for part in reversed(target.parts) if part != "/")
    return owners, found
