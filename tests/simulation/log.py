"""The log that is read: numbered lines in files that are rotated, written step by step by somebody else."""

from __future__ import annotations

import gzip
import random
from dataclasses import dataclass, field
from functools import cache

from pipeline.testing.kernel import ROOT
from pipeline.testing.machine import Machine

FOLDER = ROOT / "logs"
LIVE = FOLDER / "access.log"

START = 1_790_000_000
"""The first event's second, a multiple of ten; about when a machine's clock begins."""


def header(generation: int) -> bytes:
    """More than a kilobyte, by which a file cannot be told from what it was before it was written anew."""
    return b"# %d" % generation + b" a header as long as those of some logs" * 30 + b"\n"


VERBS = ("GET", "POST", "PUT")


@cache
def line(number: int, *, second: int | None = None) -> bytes:
    """One in 41 is garbage; event times are out of order by up to three seconds."""
    if number % 41 == 40 and second is None:
        return b"garbage %d\n" % number
    chance = random.Random(number)
    at = START + number // 20 + chance.choice((0, 0, 0, -1, -3)) if second is None else second
    return b"%d %d %s %d\n" % (number, at, VERBS[number % 3].encode(), chance.randrange(5000))


@dataclass
class Log:
    """`lines` is everything that was ever written, `files` the bytes by inode."""

    lines: list[bytes] = field(default_factory=list)
    files: dict[int, bytes] = field(default_factory=dict)
    number: int = 0
    rotations: int = 0

    def fork(self) -> Log:
        return Log(list(self.lines), dict(self.files), self.number, self.rotations)

    def write(self, machine: Machine, count: int, *, second: int | None = None) -> None:
        """Append so many lines, of one second if it is given."""
        parts = [] if machine.get(LIVE) else [header(self.rotations)]
        parts += [line(number, second=second) for number in range(self.number, self.number + count)]
        self.number += count
        self._append(machine, parts)

    def rotate(self, machine: Machine) -> None:
        """Rename what is there; the next write makes a new file."""
        if machine.get(LIVE):
            self.rotations += 1
            for number in range(self.rotations - 1, 0, -1):
                for ending in ("", ".gz"):
                    machine.move(FOLDER / f"access.log.{number}{ending}", FOLDER / f"access.log.{number + 1}{ending}")
            machine.move(LIVE, FOLDER / "access.log.1")

    def rewrite(self, machine: Machine) -> None:
        """Truncate the live file and write it anew, longer than it was: the same name, inode and beginning."""
        size = len(machine.get(LIVE))
        machine.put(LIVE, b"", append=False)
        while len(machine.get(LIVE)) <= size:
            self.write(machine, 10)

    def _append(self, machine: Machine, parts: list[bytes]) -> None:
        if machine.disk.find(str(FOLDER)) is None:
            machine.disk.sync(machine.disk.make(str(FOLDER), machine.time(), folder=True))
            machine.sync_folder(FOLDER)
        machine.put(LIVE, b"".join(parts))
        self.lines += parts
        node = machine.disk.find(str(LIVE))
        assert node is not None
        self.files[node.number] = machine.get(LIVE)

    def compress(self, machine: Machine) -> None:
        """Put a compressed form in the place of the last rotated file, as logrotate does without `delaycompress`."""
        plain = FOLDER / "access.log.1"
        packed = FOLDER / "access.log.1.gz"
        if machine.get(plain):
            machine.put(packed, gzip.compress(machine.get(plain), mtime=0))
            machine.remove(plain)
