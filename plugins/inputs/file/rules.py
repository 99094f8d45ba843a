"""The numbers that following files goes by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

EAGER = 4 * 1024 * 1024
"""Waiting bytes that are read at once: a whole chunk. Fewer wait for PACE, so that a busy log makes few batches."""

PACE = 0.75
"""Seconds between two reads of a growing file. With the poll and a commit, a line has been counted within a second."""

GRACE = 60.0
"""Seconds that a lost generation waits for a copy or a compressed form of its file."""

MEMORY = 7 * 86_400.0
"""Seconds that a generation is known after it is done and its file is gone."""

RESCAN = 5.0
"""Seconds between two scans when no folder says that it changed."""

SCAN_SHARE = 20
"""Where a scan takes long, the pause after it is so many times longer."""

RETRY = 10.0
"""Seconds before a file that could not be opened is tried again."""

QUIET = 1.0
"""With `--once`, a last line without newline is a record when its file has not grown for so many seconds."""

IDLE = 10.0
"""A file that has not grown for so many seconds may be looked at less often."""

LULL = 2.5
"""While no file has grown for IDLE, files are looked at so many times less often."""

STATS = 1_000
"""At most about so many idle files are looked at in a second."""

HANDLES = 200
"""Most files that are open at once."""

HANDLES_SHARE = 4
"""One input opens at most the so many-th part of the files that the process may have open: scans, the state and outputs
need the others."""

TICK = 1_000_000
"""Microseconds in which a file system may give two writes the same modification time."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The options of the input, in seconds and bytes."""

    globs: Sequence[str]
    exclude: Sequence[str] = ()
    at_end: bool = False
    max_line: int = 1024 * 1024
    poll: float = 0.2
    close_after: float = 5.0
