"""The disk under a state: when reading waits for space, and when it goes on.

Reading stands still while less than a reserve is free, and for a while after a write found no space. What was read before is
committed, what was sealed is delivered: both make room, and inputs keep what is not read.

A ballast, a file that holds nothing, is given back when a write finds no space, so that a full disk still takes what the
database writes to forget what was delivered. Reading goes on once there is room for the ballast again.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pipeline.env import FULL, Disk, Env
from pipeline.errors import DiskFullError, PipeError

BALLAST = 16 << 20
"""Bytes of the ballast, on a disk that is large enough."""

SOONEST, LATEST = 1.0, 30.0
"""Seconds between tries on a disk that has failed, at least and at most."""

_SMALLEST = 1 << 20
"""Bytes that are read ahead at least."""


class Space:
    """Watches one disk for all agents of a session, one after the other: what `look` and `failed` find holds for the next agent,
    too.

    `folder`: the state directory. `least`: bytes that are kept free (None: `reserve` of the disk). `say` gets (level, text) when
    reading stops for want of space, and when it goes on."""

    def __init__(self, env: Env, folder: Path, say: Callable[[str, str], None], *, least: int | None = None) -> None:
        self._env = env
        self._folder = folder
        self._least = least
        self._say = say
        self._said = False
        self._wait = 0.0
        self._until = float("-inf")
        self._moved = env.clock.monotonic()
        self._worked = False
        self.lack = ""
        """Why reading stands still; empty while it goes on."""

    def look(self) -> None:
        """Find out whether there is space. Blocks for some calls. Where these fail, the next commit says why."""
        if self._env.clock.monotonic() < self._until:
            return
        try:
            self.lack = self._missing(self._env.files.disk(self._folder))
        except OSError:
            self.lack = ""
        if self.lack:
            self._tell()
        elif not self._wait:
            self._over()

    def ahead(self, most: int) -> int:
        """How much may be read but not committed, so that it fits what is kept free: `most`, and of a small disk a 32nd. Blocks for
        a call."""
        try:
            size = self._env.files.disk(self._folder).size
        except OSError:
            size = 0
        return min(most, max(size // 32, _SMALLEST)) if size else most

    def failed(self, error: PipeError) -> float:
        """A write found no space: give the ballast back, and let reading wait. Blocks for a call. Gives the seconds until it
        should be tried again."""
        self._wait = min(max(SOONEST, self._wait * 2), LATEST)
        self._until = self._env.clock.monotonic() + self._wait
        self.lack = error.message
        self._tell()
        with suppress(OSError):  # a disk that takes nothing, not even this
            self._env.files.remove(self._ballast)
        return self._wait

    def moved(self, *, rows: bool = False) -> None:
        """Something was delivered, or `rows` were committed."""
        self._moved = self._env.clock.monotonic()
        if rows:
            self._worked = True
        if rows and self._wait and self._moved >= self._until:
            self._wait = 0.0
            self._over()

    def check(self, timeout: float) -> None:
        """Raises DiskFullError when there is no space, and nothing has moved for so many seconds."""
        if self.lack and self._env.clock.monotonic() - self._moved >= timeout:
            raise DiskFullError(
                self.lack,
                "Free some space and start again: nothing that was committed is lost, a run goes on where it was.",
            )

    def heals(self, error: BaseException) -> bool:
        """Whether an agent that ended with this error can be followed by another one: when the disk is full; and when it is
        read-only, if that began after rows were committed."""
        cause = error.__cause__
        number = cause.errno if isinstance(cause, OSError) else None
        return isinstance(error, DiskFullError) or number in FULL or (number == errno.EROFS and self._worked)

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def _ballast(self) -> Path:
        return self._folder / "ballast"

    def _missing(self, disk: Disk) -> str:
        """What is missing for reading to go on, empty when nothing is. Takes the ballast where there is none."""
        least = reserve(disk) if self._least is None else self._least
        # Once it stands still, reading waits for a little more, so that it does not begin and stop by turns.
        wanted = least + least // 4 if self.lack else least
        size = ballast(disk)
        found = self._env.files.stat(self._ballast)
        held = found is not None and found.size == size
        if not held:
            wanted += size
        if disk.free < wanted:
            return (
                f"little space is left on the disk of {self._folder}: {_mega(disk.free)} MB are free, "
                f"reading goes on at {_mega(wanted if self.lack else wanted + least // 4)} MB"
            )
        if not held:
            try:
                self._env.files.reserve(self._ballast, size)
            except OSError as error:
                if error.errno in FULL:
                    return f"no space left on the disk of {self._folder}: no file can be made"
        return ""

    def _tell(self) -> None:
        if not self._said:
            self._said = True
            self._say("warning", f"{self.lack}; reading waits for space, what is committed is still delivered")

    def _over(self) -> None:
        if self._said:
            self._said = False
            self._say("info", "the disk has space again: reading goes on")


def reserve(disk: Disk) -> int:
    """Bytes that are kept free: 5 % of a disk, within 256 MiB and 1 GiB, of a small one an eighth."""
    return min(max(256 << 20, min(disk.size // 20, 1 << 30)), disk.size // 8)


def ballast(disk: Disk) -> int:
    """Bytes of the ballast: of a small disk a 32nd."""
    return min(BALLAST, disk.size // 32)


def _mega(size: int) -> str:
    return f"{size / 1e6:,.1f}"
