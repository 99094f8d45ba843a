"""A million generated lines through configs/nginx.pipe, against DuckDB on the same file."""

from __future__ import annotations

import json
import random
import shutil
import signal
import threading
import time
from pathlib import Path

import pytest
from cgroups import sidecar
from oracle import Log, published
from real import ROOT, Pipe, unpacked, wait_until

PROGRAM = str(ROOT / "configs" / "nginx.pipe")


@pytest.fixture(scope="session")
def expected(million: Path) -> Log:
    return Log(million)


def agrees(pipe: Pipe, million: Path, expected: Log) -> None:
    """Every fact of every window, the archive's bytes, and in = parsed + rejected."""
    out = pipe.folder / "out"
    facts, wanted = published(out / "facts.ndjson"), expected.facts()
    assert facts == wanted, (
        f"{len(facts - wanted)} wrong, {len(wanted - facts)} missing: {sorted(facts ^ wanted, key=str)[:6]}"
    )
    rejected = (out / "rejected.ndjson").read_bytes().count(b"\n")
    assert expected.lines == 1_000_000 == expected.parsed + rejected
    # The archive is split by the hour of the event; what was rejected has only the hour of its reading.
    archived = b"".join(unpacked(out / "raw"))
    assert sorted(archived.splitlines()) == sorted(million.read_bytes().splitlines())
    assert pipe.run("audit", "--state", "state").returncode == 0


def test_every_fact_equals_what_duckdb_computes(pipe: Pipe, million: Path, expected: Log) -> None:
    """One run from the beginning to the end."""
    shutil.copy(million, pipe.folder / "access.log")
    done = pipe.run("run", PROGRAM, "--once", "--state", "state")
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    agrees(pipe, million, expected)


def test_half_a_core_and_a_gigabyte_are_enough(pipe: Pipe, million: Path, expected: Log) -> None:
    """A container's limits make the run slower, and nothing else."""
    shutil.copy(million, pipe.folder / "access.log")
    with sidecar() as within:
        if within is None:
            pytest.skip("no control group can be made here")
        done = pipe.run("run", PROGRAM, "--once", "--state", "state", before=within)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    agrees(pipe, million, expected)


def test_a_stop_in_the_middle_changes_nothing(pipe: Pipe, million: Path, expected: Log) -> None:
    """SIGTERM after the first commit ends with 0 within ten seconds, and the next start goes on."""
    shutil.copy(million, pipe.folder / "access.log")
    rejected = pipe.folder / "out" / "rejected.ndjson"
    process = pipe.start("run", PROGRAM, "--state", "state")
    wait_until(lambda: rejected.exists() and rejected.stat().st_size > 0, 60, "the first commit")
    begun = time.monotonic()
    assert pipe.end(process) == 0
    assert time.monotonic() - begun < 10
    (checkpoint,) = json.loads(pipe.run("checkpoint", "--state", "state", "--format", "json").stdout)
    assert 0 < checkpoint["position"]["offset"] < million.stat().st_size
    assert pipe.run("run", PROGRAM, "--once", "--state", "state").returncode == 0
    agrees(pipe, million, expected)


KILLS = 100


class Writer(threading.Thread):
    """Writes a log as a web server does, 10,000 lines for each `more`, slice by slice; it is renamed away every 50,000 lines."""

    def __init__(self, lines: list[bytes], path: Path) -> None:
        super().__init__(daemon=True)
        self.lines = lines
        self.path = path
        self.asked = threading.Semaphore(0)
        self.pace = threading.Event()

    def run(self) -> None:
        for first in range(0, len(self.lines), 10_000):
            self.asked.acquire()
            if first and first % 50_000 == 0:
                self.path.rename(self.path.with_name(f"access.log.{first // 50_000}"))
            with self.path.open("ab", buffering=0) as log:
                for slice_ in range(first, first + 10_000, 1_000):
                    log.write(b"".join(self.lines[slice_ : slice_ + 1_000]))
                    self.pace.wait(0.1)

    def more(self) -> None:
        self.asked.release()


def test_a_hundred_kills_through_twenty_rotations_lose_and_double_nothing(
    pipe: Pipe, million: Path, expected: Log
) -> None:
    """SIGKILL at random moments: half of them anywhere in the start, half after a commit of that life."""
    moments = random.Random(20261123)
    out = pipe.folder / "out"
    writer = Writer(million.read_bytes().splitlines(keepends=True), pipe.folder / "access.log")
    writer.start()

    def written() -> int:
        return sum(path.stat().st_size for path in out.rglob("*") if path.is_file())

    for kill in range(KILLS):
        before = written()
        writer.more()
        process = pipe.start("run", PROGRAM, "--state", "state")
        if kill % 2:
            wait_until(lambda before=before: written() > before, 60, f"a commit in life {kill}")  # type: ignore[misc]
            time.sleep(moments.uniform(0.0, 0.5))
        else:
            time.sleep(moments.uniform(0.0, 1.2))
        assert pipe.end(process, signal.SIGKILL) == -signal.SIGKILL
    writer.pace.set()
    writer.join(timeout=60)
    assert not writer.is_alive()
    done = pipe.run("run", PROGRAM, "--once", "--state", "state")
    assert done.returncode == 0, done.stderr
    agrees(pipe, million, expected)


def test_a_single_archive_is_the_log_byte_for_byte(pipe: Pipe, million: Path) -> None:
    """All rows to one path: parsed and rejected lines are in source order."""
    shutil.copy(million, pipe.folder / "access.log")
    program = """
        source log = file("access.log")
        transform parsed = log | grok('%{NGINX_COMBINED}')
        sink archive = [parsed, parsed.rejected] -> file("all.log.zst", format: raw)
    """
    assert pipe.run("run", "-e", program, "--once").returncode == 0
    (archived,) = unpacked(pipe.folder)
    assert archived == million.read_bytes()
