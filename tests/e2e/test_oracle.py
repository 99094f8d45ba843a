"""A million generated lines through configs/nginx.pipe, against DuckDB on the same file."""

from __future__ import annotations

import json
import random
import shutil
import signal
import time
from pathlib import Path

import pytest
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


def test_ten_kills_lose_and_double_nothing(pipe: Pipe, million: Path, expected: Log) -> None:
    """SIGKILL at random moments of start-up, reading, committing and idling, each followed by a restart."""
    shutil.copy(million, pipe.folder / "access.log")
    moments = random.Random(20261123)
    for _ in range(10):
        process = pipe.start("run", PROGRAM, "--state", "state")
        time.sleep(moments.uniform(0.5, 2.2))
        assert pipe.end(process, signal.SIGKILL) == -signal.SIGKILL
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
