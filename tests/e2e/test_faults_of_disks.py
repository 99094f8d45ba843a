"""Disks that are full: said, nothing is lost, and with more space this run or the next completes everything exactly."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from faults import COPY, lines, program, read, rows
from real import Pipe, unpacked, wait_until

from pipeline.agent.control import ask
from pipeline.errors import InternalError


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

    def once(self, name: str, state: str, *, patience: str = "60s") -> subprocess.CompletedProcess[str]:
        """A run that waits so long for space and deliveries."""
        return self.pipe.run("run", name, "--once", "--state", state, "--timeout", patience, before=self.enter)

    def start(self, name: str, state: str) -> subprocess.Popen[bytes]:
        """Follow the inputs."""
        return self.pipe.start("run", name, "--state", state, before=self.enter)

    def status(self, state: str) -> Mapping[str, Any]:
        """What the running agent says of itself; empty where none does, as between two agents."""
        with suppress(InternalError):
            return asyncio.run(ask(self.path.parent / state, {"ask": "status"})) or {}
        return {}

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
        done = small.once(name, "state", patience="3s")
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
    done = small.once(name, "state", patience="3s")
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
    done = small.once(name, "state", patience="3s")
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
        transform words = log | grok('^(?<word>.*)$') | window(1h, groups: 1_000_000) { each = count() by word }
        sink n = words -> file("out/n.ndjson")
    """
    )
    name = program(pipe, text)
    data = [os.urandom(50).hex() for _ in range(200_000)]
    (pipe.folder / "in.log").write_text("\n".join(data) + "\n")
    done = small.once(name, "small/state", patience="3s")
    assert done.returncode == 75, done.stderr
    assert "Traceback" not in done.stderr
    assert "space" in done.stderr
    small.grow("256m")
    done = small.once(name, "small/state")
    assert (done.returncode, done.stderr) == (0, "")
    assert read(pipe.folder / "out/all.log").decode().split() == data
    found = sorted((fact["by"]["word"], fact["value"]) for fact in rows(pipe.folder / "out/n.ndjson"))  # type: ignore[index]
    assert found == sorted((word, 1) for word in data)


SPOOLED = """
source log = file("in.log")
transform parsed = log | grok('^(?<word>.*)$')
sink out = parsed -> file("away/all.csv", format: csv(header: true), roll: {size: 2MiB, age: 1h})
"""


def words(path: Path) -> list[str]:
    """The column of the numbered files of SPOOLED, in order."""
    found = []
    for part in sorted(path.glob("all-*.csv")):
        header, *rest = part.read_bytes().decode().split("\r\n")
        assert header.split(",")[-1] == "word"
        found += [line.split(",")[-1] for line in rest[:-1]]
    return found


def test_a_spool_that_fills_the_disk_stops_reading_and_drains_by_itself(pipe: Pipe, small: Small) -> None:
    """64 MiB for the state, 180 MB of random lines, a destination that is away: the agent stays alive and says why it waits; when the
    destination is back every line arrives once."""
    small.grow("64m")
    name = program(pipe, SPOOLED)
    source = random.Random(1)
    data = [source.randbytes(50).hex() for _ in range(1_800_000)]
    (pipe.folder / "in.log").write_text("\n".join(data) + "\n")
    (pipe.folder / "away").write_bytes(b"no folder")
    process = small.start(name, "small/state")
    wait_until(lambda: "disk" in small.status("small/state").get("degraded", {}), 90, "the disk is low", every=0.3)
    status = small.status("small/state")
    assert "little space is left on the disk" in status["degraded"]["disk"]
    assert "away" in status["degraded"]["out"]
    assert process.poll() is None
    held = status["waiting"]
    assert 20e6 < held["out"] < 64e6
    (pipe.folder / "away").unlink()
    wait_until(lambda: small.status("small/state").get("degraded") == {}, 90, "the disk has space again", every=0.3)
    assert pipe.end(process) == 0
    done = small.once(name, "small/state")
    assert done.returncode == 0, done.stderr
    assert words(pipe.folder / "away") == data
    told = (pipe.folder / "stderr.txt").read_text()
    assert told.count("reading waits for space") == told.count("the disk has space again: reading goes on") >= 1
    assert "no space left" not in told
    assert "Traceback" not in told


@pytest.mark.parametrize("short", ["bytes", "files"])
def test_an_output_on_a_full_disk_goes_on_when_there_is_space(pipe: Pipe, small: Small, short: str) -> None:
    """Also where only names are used up: the agent does not end, and completes the copy by itself."""
    each = "" if short == "bytes" else "/{@offset}"
    name = program(pipe, f'source log = file("in.log") sink out = log -> file("small/out{each}", format: raw)')
    small.grow("8m" if short == "bytes" else "8m,nr_inodes=50")
    data = lines(400_000 if short == "bytes" else 60)
    (pipe.folder / "in.log").write_bytes(data)
    process = small.start(name, "state")
    told = pipe.folder / "stderr.txt"
    wait_until(lambda: "no space left on the disk; reading waits for space" in told.read_text(), 60, "the disk is full")
    small.grow("64m,nr_inodes=1000")

    def copied() -> bytes:
        files = (
            sorted((small.path / "out").iterdir(), key=lambda path: int(path.name)) if each else [small.path / "out"]
        )
        return b"".join(path.read_bytes() for path in files)

    wait_until(lambda: copied() == data, 60, "the copy is complete", every=0.3)
    assert pipe.end(process) == 0
    assert copied() == data
    assert told.read_text().count("\n") == 2
