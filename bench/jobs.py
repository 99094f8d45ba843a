"""Programs run by the real command on files, and whether what they wrote is right.

Nothing heavy is imported here: a child's peak memory is never less than its parent's at the start.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import zstandard
from facts import Metric, metrics
from measure import Cost, measured

PIPE = [sys.executable, "-m", "pipeline"]


@contextmanager
def workplace() -> Iterator[Path]:
    """A folder for logs, programs and what they write; it is removed in the end."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def job(folder: Path, program: str) -> Cost:
    """One run of a program that writes below `folder`/out, from nothing to the end of its input."""
    return measured([*PIPE, "run", str(fresh(folder, program)), "--once", "--state", str(folder / "state")])


@contextmanager
def running(folder: Path, program: str) -> Iterator[int]:
    """The same without an end, in the background: its process id, once it works. Stopped cleanly at the end."""
    command = [*PIPE, "run", str(fresh(folder, program)), "--state", str(folder / "state")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        patience = time.monotonic() + 60
        while not any((folder / "state").glob("*")) and process.poll() is None and time.monotonic() < patience:
            time.sleep(0.05)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        if process.wait(timeout=30) != 0:
            raise SystemExit(f"pipe run ended with {process.returncode}")


@contextmanager
def growing(log: Path, rate: int) -> Iterator[None]:
    """Meanwhile a log grows by so many lines a second."""
    process = subprocess.Popen([*PIPE, "generate", "--rate", str(rate), "--output", str(log)])
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def fresh(folder: Path, program: str) -> Path:
    """A program in a folder that has neither outputs nor a state."""
    for name in ("out", "state"):
        shutil.rmtree(folder / name, ignore_errors=True)
    path = folder / "job.pipe"
    path.write_text(program, encoding="utf-8")
    return path


@contextmanager
def arrivals(folder: Path) -> Iterator[dict[float, float]]:
    """Meanwhile the published facts are looked at 50 times a second: start of a window → when its first fact was there (both s)."""
    seen: dict[float, float] = {}
    over = threading.Event()

    def look() -> None:
        path, read = folder / "out" / "facts.ndjson", 0
        while not over.wait(0.02):
            now = time.time()
            size = path.stat().st_size if path.exists() else 0
            if size > read:
                with path.open("rb") as file:
                    file.seek(read)
                    lines, _, _ = file.read(size - read).rpartition(b"\n")
                read += len(lines) + 1
                for line in lines.splitlines():
                    seen.setdefault(datetime.fromisoformat(json.loads(line)["window_start"]).timestamp(), now)

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        yield seen
    finally:
        over.set()
        looking.join()


def facts(folder: Path) -> dict[str, Metric]:
    """What the facts that a job published add up to, by metric."""
    return metrics(folder / "out" / "facts.ndjson")


def same(what: str, got: object, expected: object) -> None:
    """End the program when a result is wrong."""
    if got != expected:
        raise SystemExit(f"{what}: wrong, {got} instead of {expected}")


def verify(folder: Path, found: Mapping[str, int], *, archive: bool = True) -> None:
    """Compare a run of the seed job with what Python's `re` found in its log."""
    published = facts(folder)
    same("requests", published["requests"].total, found["matched"])
    same("volume", published["volume"].total, found["volume"])
    if archive:
        same("the archive's bytes and checksum", unpacked(folder), (found["bytes"], found["crc"]))


def archives(folder: Path) -> list[Path]:
    """The files of the archive, in order."""
    return sorted((folder / "out" / "raw").rglob("*.zst"))


def unpacked(folder: Path) -> tuple[int, int]:
    """Length and CRC-32 of what the archive holds."""
    size = crc = 0
    for path in archives(folder):
        with (
            path.open("rb") as file,
            zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as plain,
        ):
            while block := plain.read(1 << 20):
                size, crc = size + len(block), zlib.crc32(block, crc)
    return size, crc


def beginning(path: Path, size: int) -> tuple[int, int]:
    """Length and CRC-32 of the first `size` bytes of a file."""
    crc, left = 0, size
    with path.open("rb") as file:
        while left and (block := file.read(min(left, 1 << 20))):
            crc, left = zlib.crc32(block, crc), left - len(block)
    return size - left, crc


def free(folder: Path) -> int:
    """Bytes that the folder's file system has left."""
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize
