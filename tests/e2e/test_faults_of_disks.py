"""Disks that are full: said, nothing is lost, and with more space the next run completes everything exactly."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from faults import COPY, lines, program, read, rows
from real import Pipe, unpacked


class Small:
    """A file system of its own, in a mount namespace of its own, that `grow` makes larger. `path` is it from outside."""

    def __init__(self, pipe: Pipe, size: str) -> None:
        self.pipe = pipe
        self.folder = pipe.folder / "small"
        self.folder.mkdir()
        root = [] if os.geteuid() == 0 else ["-r"]
        script = f"mount -t tmpfs -o size={size} none small && echo mounted && exec cat"
        self.process = subprocess.Popen(
            ["unshare", *root, "-m", "sh", "-c", script],
            cwd=pipe.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self.process.stdout is not None
        if self.process.stdout.readline() != b"mounted\n":
            self.close()
            pytest.skip("no file system can be mounted here")
        self.path = Path(f"/proc/{self.process.pid}/root{self.folder}")
        user = [] if os.geteuid() == 0 else ["-U", "--preserve-credentials"]
        self.enter = ["nsenter", "-t", str(self.process.pid), "-m", *user, f"--wdns={pipe.folder}"]

    def once(self, name: str, state: str, *more: str) -> subprocess.CompletedProcess[str]:
        return self.pipe.run("run", name, "--once", "--state", state, *more, before=self.enter)

    def grow(self, size: str) -> None:
        mount = self.pipe.call(*self.enter, "mount", "-o", f"remount,size={size}", str(self.folder))
        assert mount.returncode == 0, mount.stderr

    def close(self) -> None:
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
        self.process.wait(timeout=20)


@pytest.fixture
def small(pipe: Pipe) -> Iterator[Small]:
    made = Small(pipe, "8m")
    yield made
    made.close()


def test_a_full_disk_under_the_output_loses_nothing(pipe: Pipe, small: Small) -> None:
    """75 and the path; with more space the next run completes the file exactly."""
    name = program(pipe, COPY.replace("out/all.log", "small/all.log"))
    data = lines(400_000)
    (pipe.folder / "in.log").write_bytes(data)
    for _ in range(2):
        done = small.once(name, "state")
        assert done.returncode == 75, done.stderr
        assert "no space left on the disk" in done.stderr
        assert "Traceback" not in done.stderr
    assert data.startswith((small.path / "all.log").read_bytes())
    small.grow("64m")
    done = small.once(name, "state")
    assert (done.returncode, done.stderr) == (0, "")
    assert (small.path / "all.log").read_bytes() == data


def test_a_full_disk_under_a_compressed_output_loses_nothing(pipe: Pipe, small: Small) -> None:
    """The same for frames: what a full disk cut short is written again as a whole."""
    name = program(pipe, 'source log = file("in.log")\nsink out = log -> file("small/all.log.zst", format: raw)\n')
    data = b"".join(line.hex().encode() + b"\n" for line in (os.urandom(60) for _ in range(200_000)))
    (pipe.folder / "in.log").write_bytes(data)
    done = small.once(name, "state")
    assert done.returncode == 75, done.stderr
    assert "Traceback" not in done.stderr
    small.grow("64m")
    done = small.once(name, "state")
    assert (done.returncode, done.stderr) == (0, "")
    assert unpacked(small.path) == [data]


def test_a_full_disk_under_a_parquet_output_loses_nothing(pipe: Pipe, small: Small) -> None:
    """Whole files wait in the state until they can be delivered: 75, and nothing half-written is left in their place."""
    text = (
        'source log = file("in.log")\n'
        "transform parsed = log | grok('^(?<word>.*)$')\n"
        'sink out = parsed -> file("small/all.parquet", format: parquet)\n'
    )
    name = program(pipe, text)
    data = [os.urandom(60).hex() for _ in range(200_000)]
    (pipe.folder / "in.log").write_text("\n".join(data) + "\n")
    done = small.once(name, "state", "--timeout", "3s")
    assert done.returncode == 75, done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in small.path.glob("*.parquet")] == []
    small.grow("64m")
    done = small.once(name, "state")
    assert done.returncode == 0, done.stderr
    (path,) = small.path.glob("*.parquet")
    copied = pipe.folder / "copied.parquet"
    copied.write_bytes(path.read_bytes())
    assert pl.read_parquet(copied)["word"].to_list() == data


def test_a_full_disk_under_the_state_loses_nothing(pipe: Pipe, small: Small) -> None:
    """75 when the database cannot grow; with more space the next run completes the outputs exactly."""
    text = (
        COPY
        + """
        transform words = log | grok('^(?<word>.*)$') | window(1h) { each = count() by word }
        sink n = words -> file("out/n.ndjson")
    """
    )
    name = program(pipe, text)
    data = [os.urandom(50).hex() for _ in range(200_000)]
    (pipe.folder / "in.log").write_text("\n".join(data) + "\n")
    done = small.once(name, "small/state")
    assert done.returncode == 75, done.stderr
    assert "Traceback" not in done.stderr
    assert "space" in done.stderr
    small.grow("256m")
    done = small.once(name, "small/state")
    assert (done.returncode, done.stderr) == (0, "")
    assert read(pipe.folder / "out/all.log").decode().split() == data
    found = sorted((fact["by"]["word"], fact["value"]) for fact in rows(pipe.folder / "out/n.ndjson"))  # type: ignore[index]
    assert found == sorted((word, 1) for word in data)
