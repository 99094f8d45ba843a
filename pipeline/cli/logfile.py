"""A log file that is written and rotated as a web server's is."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from pipeline.cli.streams import show
from pipeline.errors import ConfigurationError, UsageError

HOUR = 3_600_000_000

Cut = int | None
"""Rotate at this many bytes; 0: every hour of event time; None: never."""


def cut_of(text: str | None) -> Cut:
    """The value of `--rotate`: `hourly` or a size. Raises UsageError."""
    if text is None:
        return None
    if text == "hourly":
        return 0
    from pipeline.columns.durations import size_bytes

    size = size_bytes(text)
    if not size:
        raise UsageError(f"--rotate {text}: neither `hourly` nor a size", "Write a size as 64MiB.")
    return size


class Pipe:
    """Standard output, written as a LogFile is."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def write(self, data: bytes, time: int) -> None:
        show(data)


class LogFile:
    """Appends lines; renames the file and begins a new one when it is due. Use as a context manager.

    Hourly files become `NAME.2026-01-31_12`, of which the newest `keep` stay; by size, `NAME.1` is the newest of `keep`.
    Raises ConfigurationError where the file cannot be opened or renamed."""

    def __init__(self, path: Path, cut: Cut, keep: int, *, append: bool) -> None:
        self._path, self._cut, self._keep = path, cut, keep
        self._hour: int | None = None
        self._descriptor = -1
        self._size = 0
        self._append = append

    def __enter__(self) -> Self:
        self._guarded(self._open)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def write(self, data: bytes, time: int) -> None:
        """Append whole lines, all of one hour; `time` (µs) is that of the first."""
        hour = time // HOUR
        if self._size > 0 and self._over(hour):
            self._guarded(self._rotate)
        self._hour = hour
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]
        self._size += len(data)

    def _over(self, hour: int) -> bool:
        if self._cut is None:
            return False
        if self._cut == 0:
            return self._hour is not None and hour > self._hour
        return self._size >= self._cut

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        empty = 0 if self._append else os.O_TRUNC
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | empty, 0o644)
        self._size = os.fstat(self._descriptor).st_size

    def _rotate(self) -> None:
        name = self._path.name
        if self._cut == 0:
            stamp = datetime.fromtimestamp((self._hour or 0) * 3600, UTC).strftime("%Y-%m-%d_%H")
            self._path.rename(self._path.with_name(f"{name}.{stamp}"))
            old = sorted(self._path.parent.glob(f"{_literal(name)}.????-??-??_??"))
            for path in old[: max(0, len(old) - self._keep)]:
                path.unlink()
        else:
            for number in range(self._keep - 1, 0, -1):
                older = self._path.with_name(f"{name}.{number}")
                if older.exists():
                    older.replace(self._path.with_name(f"{name}.{number + 1}"))
            if self._keep:
                self._path.replace(self._path.with_name(f"{name}.1"))
            else:
                self._path.unlink()
        os.close(self._descriptor)
        self._open()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except OSError as error:
            raise ConfigurationError(
                f"cannot write {error.filename or self._path}: {error.strerror}", "Check the path and its permissions."
            ) from error


def _literal(name: str) -> str:
    """A name as a glob pattern that matches it alone."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in name)
