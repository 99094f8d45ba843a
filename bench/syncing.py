"""`python syncing.py MODE ARGUMENTS…`: the pipe command where making writes durable is otherwise than it should be.

MODE `never`: nothing is made durable, so a power cut would lose it. `counted`: everything is, and the last line on standard
error is a JSON object: `files` and `database`, how often each was made durable, and `seconds`, how long that took."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable

import apsw

from pipeline.env import sqlite

USUAL = apsw.vfs_names()[0]
"""SQLite's default before ours."""

KEPT: list[apsw.VFS] = []
"""A VFS is there for as long as its object is."""

COUNTS: dict[str, float] = {"files": 0, "database": 0, "seconds": 0.0}


def never() -> None:
    """Every fsync is nothing."""
    os.fsync = os.fdatasync = lambda _: None
    # A tuple of pragmas is read when a database is opened.
    sqlite.PRAGMAS = (*sqlite.PRAGMAS, "PRAGMA synchronous=OFF")


def counted() -> None:
    """Count the calls, those of SQLite below it."""
    os.fsync, os.fdatasync = counting(os.fsync), counting(os.fdatasync)
    KEPT.append(CountingVFS())


def counting(call: Callable[[int], None]) -> Callable[[int], None]:
    """The call, counted."""

    def replaced(descriptor: int) -> None:
        begun = time.perf_counter()
        call(descriptor)
        COUNTS["files"] += 1
        COUNTS["seconds"] += time.perf_counter() - begun

    return replaced


class CountingFile(apsw.VFSFile):
    """A file of SQLite."""

    def xSync(self, flags: int) -> None:  # noqa: N802 — the name is APSW's
        """Count a sync."""
        begun = time.perf_counter()
        super().xSync(flags)
        COUNTS["database"] += 1
        COUNTS["seconds"] += time.perf_counter() - begun


class CountingVFS(apsw.VFS):
    """The files of the operating system, counted, for every database that is opened from now on."""

    def __init__(self) -> None:
        super().__init__("counting", USUAL, makedefault=True)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 — APSW's
        """Open a file."""
        return CountingFile(USUAL, name, flags)


if __name__ == "__main__":
    {"never": never, "counted": counted}[sys.argv.pop(1)]()
    from pipeline.cli import main

    code = main()
    print(json.dumps(COUNTS), file=sys.stderr)
    sys.exit(code)
