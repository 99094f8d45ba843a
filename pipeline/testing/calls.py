"""The simulated system calls, in the place of the real ones: for paths under ROOT and for descriptors that a kernel gave."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.testing.kernel import FIRST, ROOT, Kernel

Call = Callable[..., Any]

_BY_DESCRIPTOR = ("close", "write", "pread", "ftruncate", "posix_fallocate", "lseek", "fsync", "fdatasync", "fstat")
_BY_PATH = ("open", "mkdir", "replace", "rename", "unlink", "remove", "stat", "lstat", "statvfs", "scandir", "listdir")

_running: list[Kernel] = []


def current() -> Kernel:
    """The kernel that is in place. Raises IndexError when there is none."""
    return _running[-1]


@contextmanager
def installed(kernel: Kernel) -> Iterator[None]:
    """Calls on descriptors of this kernel and on paths under ROOT are simulated inside the block."""
    before = {name: getattr(os, name) for name in (*_BY_DESCRIPTOR, *_BY_PATH)}
    lock = fcntl.flock
    _running.append(kernel)
    try:
        for name in _BY_DESCRIPTOR:
            setattr(os, name, _descriptor(before[name], getattr(kernel, name)))
        for name in _BY_PATH:
            setattr(os, name, _path(before[name], getattr(kernel, name)))
        fcntl.flock = _descriptor(lock, kernel.flock)
        yield
    finally:
        for name, call in before.items():
            setattr(os, name, call)
        fcntl.flock = lock
        _running.pop()


def _descriptor(real: Call, ours: Call) -> Call:
    def call(descriptor: int, *rest: object) -> object:
        return (ours if isinstance(descriptor, int) and descriptor >= FIRST else real)(descriptor, *rest)

    return call


def _path(real: Call, ours: Call) -> Call:
    def call(path: object = ".", *rest: object, **named: object) -> object:
        name = path if isinstance(path, str) else os.fspath(path) if isinstance(path, Path) else ""
        if name == str(ROOT) or name.startswith(f"{ROOT}/"):
            named.pop("follow_symlinks", None)
            return ours(name, *(os.fspath(more) if isinstance(more, Path) else more for more in rest), **named)
        if isinstance(path, int) and path >= FIRST:
            return current().fstat(path)
        return real(path, *rest, **named)

    return call
