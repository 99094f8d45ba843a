"""Errors of the operating system, as ours: what one means for the person who runs pipe."""

from __future__ import annotations

import errno

from pipeline.env import FULL
from pipeline.errors import ConfigurationError, DiskFullError, InternalError, PipeError

_UNUSABLE = (
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.ENXIO,
    errno.EINVAL,
    errno.EEXIST,
)
"""Errors of a path that no retry heals."""


def translated(error: OSError) -> PipeError:
    """DiskFullError where space is missing, ConfigurationError where a path cannot be used, else InternalError."""
    where = f"{error.filename}: " if error.filename else ""
    if error.errno in FULL:
        return DiskFullError(
            f"{where}no space left on the disk",
            "Free some space and start again: nothing that was committed is lost, a run goes on where it was.",
        )
    if error.errno in _UNUSABLE:
        return ConfigurationError(f"{where}{error.strerror}", "Check the path, its owner and its permissions.")
    return InternalError(
        f"{where}{error.strerror or error}", "Nothing that was committed is lost; start again when the cause is gone."
    )
