"""Random lives of a log: whatever happens to the files, every line comes exactly once."""

import gzip
import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from input_tail import Tail
from input_world import World

ACTIONS = [
    "write",
    "write",
    "write",
    "part",
    "step",
    "step",
    "wait",
    "rotate",
    "rotate gz",
    "copytruncate",
    "restart",
    "crash",
]


class Log:
    """A writer of numbered lines, and its logrotate."""

    def __init__(self, folder):
        self.path = folder / "a.log"
        self.path.write_bytes(b"")
        self.written = []
        self._number = 0
        self._open = b""

    def write(self, size):
        for _ in range(size):
            self._number += 1
            line = self._open + b"line %d %s" % (self._number, b"." * (self._number % 50))
            self._append(line[len(self._open) :] + b"\n")
            self._open = b""
            self.written.append(line)

    def part(self):
        """The beginning of a line, whose rest comes with the next one."""
        more = b"part %d " % self._number
        self._append(more)
        self._open += more

    def end_line(self):
        if self._open:
            self.write(1)

    def _append(self, data):
        with self.path.open("ab") as file:
            file.write(data)

    def shift(self):
        """access.log.1 → .2 and so on; compressed ones keep their ending."""
        for number in range(30, 0, -1):
            for ending in ("", ".gz"):
                old = self.path.with_name(f"a.log.{number}{ending}")
                if old.exists():
                    old.rename(old.with_name(f"a.log.{number + 1}{ending}"))

    def rotate(self):
        self.end_line()
        self.shift()
        self.path.rename(self.path.with_name("a.log.1"))
        self.path.write_bytes(b"")

    def compress(self):
        """What logrotate's delaycompress does: the newest rotated plain file is compressed."""
        for number in range(1, 32):
            plain = self.path.with_name(f"a.log.{number}")
            if plain.exists():
                packed = plain.with_name(plain.name + ".gz")
                packed.write_bytes(gzip.compress(plain.read_bytes(), 1))
                os.utime(packed, ns=(plain.stat().st_atime_ns, plain.stat().st_mtime_ns))
                plain.unlink()
                return

    def copytruncate(self):
        self.shift()
        shutil.copyfile(self.path, self.path.with_name("a.log.1"))
        os.truncate(self.path, 0)


def live(folder, actions, sizes):
    """Play the actions; give what was written and what was read."""
    log = Log(folder)
    tail = Tail(World(), folder / "a.log*")
    for action, size in zip(actions, sizes, strict=True):
        match action:
            case "write":
                log.write(size)
            case "part":
                log.part()
            case "step":
                tail.step()
                tail.ctx.clock.elapsed += 0.2
            case "wait":
                tail.wait(size / 3)
            case "rotate":
                log.rotate()
            case "rotate gz":
                log.rotate()
                log.compress()
            case "copytruncate":
                # A copy of a beginning is no copy of a line: the writer finishes it, as a service with line buffers does.
                log.end_line()
                log.copytruncate()
                tail.wait(1.5)
            case "restart":
                tail.restart()
            case "crash":
                # A batch that was not committed is read again.
                committed, records = dict(tail.progress), list(tail.records)
                tail.step()
                tail.progress, tail.records = committed, records
                tail.restart()
    log.end_line()
    tail.wait(90)
    tail.restart()
    tail.wait(90)
    tail.follower.close()
    return log.written, tail


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_line_comes_exactly_once(data):
    """Writes, rotations, compression, truncation, stops and crashes in any order."""
    actions = data.draw(st.lists(st.sampled_from(ACTIONS), min_size=3, max_size=40))
    sizes = data.draw(st.lists(st.integers(1, 30), min_size=len(actions), max_size=len(actions)))
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr("pipeline_plugins.inputs.file.generation.CHUNK", 256)
        written, tail = live(Path(folder), actions, sizes)
    assert Counter(tail.records) == Counter(written)
    assert tail.ctx.metrics["possible_loss_bytes"] == 0
    assert set(tail.follower.backlog.values()) <= {0}
