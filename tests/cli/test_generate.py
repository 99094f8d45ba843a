"""`pipe generate`: traffic, written and rotated as a web server does."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from command import Pipe

from pipeline.columns.traffic import Traffic

START = "2026-01-31T11:59:58Z"
START_MICROSECONDS = 1_769_860_798_000_000


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_same_seed_writes_the_same_lines(pipe: Pipe) -> None:
    """The count is exact, and the bytes are those of the traffic of seed and start."""
    done = pipe("generate", "--count", "20000", "--seed", "7", "--start", START, "--output", "logs/a.log")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    written = (pipe.folder / "logs" / "a.log").read_bytes()
    assert written == Traffic(7, START_MICROSECONDS, 10_000.0).lines(0, 20_000)
    shown = pipe("generate", "--count", "20000", "--seed", "7", "--start", START)
    assert shown.stdout == written


def test_hourly_rotation_cuts_between_hours(pipe: Pipe) -> None:
    """Lines of an hour are in the file of that hour."""
    pipe("generate", "--count", "30000", "--start", START, "--output", "a.log", "--rotate", "hourly", "--garbage", "0")
    assert names(pipe.folder) == ["a.log", "a.log.2026-01-31_11"]
    old, new = (pipe.folder / "a.log.2026-01-31_11").read_bytes(), (pipe.folder / "a.log").read_bytes()
    assert (old.count(b"\n"), new.count(b"\n")) == (20_000, 10_000)
    assert b"[31/Jan/2026:12:" not in old
    assert b"[31/Jan/2026:11:" not in new
    assert old + new == Traffic(1, START_MICROSECONDS, 10_000.0, garbage=0).lines(0, 30_000)


@pytest.mark.parametrize(("keep", "expected"), [("3", ["a.log", "a.log.1", "a.log.2", "a.log.3"]), ("0", ["a.log"])])
def test_rotation_by_size_keeps_so_many(pipe: Pipe, keep: str, expected: list[str]) -> None:
    """FILE.1 is the newest; no more than `--keep` stay, and what stays is the end of the traffic."""
    pipe("generate", "--count", "80000", "--start", START, "--output", "a.log", "--rotate", "1MiB", "--keep", keep)
    assert names(pipe.folder) == expected
    together = b"".join((pipe.folder / name).read_bytes() for name in reversed(expected))
    assert Traffic(1, START_MICROSECONDS, 10_000.0).lines(0, 80_000).endswith(together)


def test_appending_keeps_what_is_there(pipe: Pipe) -> None:
    """A file is emptied first, unless --append is given."""
    pipe.write("a.log", "before\n")
    pipe("generate", "--count", "3", "--output", "a.log", "--append")
    assert (pipe.folder / "a.log").read_bytes().startswith(b"before\n")
    pipe("generate", "--count", "3", "--output", "a.log")
    assert (pipe.folder / "a.log").read_bytes().count(b"\n") == 3


def test_duration_is_event_time_without_a_rate(pipe: Pipe) -> None:
    """45 s of traffic are 450,000 lines at the pace of event time; here 200 ms."""
    lines = pipe("generate", "--duration", "200ms", "--format", "json").stdout.splitlines()
    assert len(lines) == 2_000
    assert "status" in json.loads(lines[0])


def test_a_rate_is_kept_to_the_end_of_the_count(pipe: Pipe) -> None:
    """With --rate the lines are the same, only slower."""
    done = pipe("generate", "--rate", "20000", "--count", "2000", "--start", START)
    assert done.stdout == Traffic(1, START_MICROSECONDS, 20_000.0).lines(0, 2_000)


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
def test_sigterm_ends_between_two_lines(
    pipe: Pipe, started: Callable[..., subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch, unbuffered: str
) -> None:
    """An endless generator stops with 0 and leaves whole lines, also while it waits for its reader."""
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    process = started("generate", "--rate", "500000", "--start", START)
    assert process.stdout is not None
    first = process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    written = first + process.stdout.read()
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, b"")
    assert written == Traffic(1, START_MICROSECONDS, 500_000.0).lines(0, written.count(b"\n"))


def test_the_database_knows_the_addresses(pipe: Pipe) -> None:
    """`--mmdb` alone writes a database that `geoip` reads."""
    assert pipe("generate", "--mmdb", "geo/geo.mmdb").returncode == 0
    query = "generate(count: 50) | grok('%{NGINX_COMBINED}') | geoip(remote_addr, db: 'geo/geo.mmdb') | where(geo.country != null) | count()"
    assert json.loads(pipe("query", query).stdout)["value"] > 25
