"""Lives that are cut short, paused, or begun with much to do: each makes progress, and together they are exact."""

from __future__ import annotations

import os
import re
import signal
import time
from functools import partial
from pathlib import Path

from faults import COPY, lines, once, program, read, rows, stderr
from real import Pipe, wait_until

SPOOLED = (
    COPY
    + """
transform parsed = log | grok('^line (?<word>[0-9]+)')
sink away = parsed -> file("away/all.csv", format: csv(header: true), roll: {size: 1MiB, age: 1h})
"""
)


def words(pipe: Pipe) -> list[int]:
    """The column of the numbered files of SPOOLED, in order."""
    parts = [path.read_bytes().decode().split("\r\n") for path in sorted((pipe.folder / "away").glob("all-*.csv"))]
    return [int(line.split(",")[-1]) for part in parts for line in part[1:-1]]


def test_a_stop_while_a_destination_is_away_is_quick_and_exact(pipe: Pipe) -> None:
    """0 within ten seconds though segments wait; when the destination is back the next run delivers each line once."""
    name = program(pipe, SPOOLED)
    (pipe.folder / "in.log").write_bytes(lines(200_000))
    (pipe.folder / "away").write_bytes(b"no folder")
    process = pipe.start("run", name, "--state", "state")
    wait_until(lambda: "delivery failed, trying again" in stderr(pipe), 60, "the destination is found to be away")
    begun = time.monotonic()
    assert pipe.end(process) == 0
    assert time.monotonic() - begun < 10
    (pipe.folder / "away").unlink()
    once(pipe, name)
    assert words(pipe) == list(range(200_000))
    assert read(pipe.folder / "out/all.log") == lines(200_000)


def test_a_pause_of_the_whole_process_changes_nothing(pipe: Pipe) -> None:
    """SIGSTOP for ten seconds in a backlog, as when a machine sleeps: no line is lost or doubled, no window is closed early."""
    text = (
        COPY
        + """
        sink n = log | grok('^line (?<word>[0-9])') | window(1h) { each = count() by word } -> file("out/n.ndjson")
    """
    )
    name = program(pipe, text)
    log = pipe.folder / "in.log"
    log.write_bytes(lines(1_000_000))
    process = pipe.start("run", name, "--state", "state")
    wait_until(lambda: read(pipe.folder / "out/all.log") != b"", 60, "the first commit")
    process.send_signal(signal.SIGSTOP)
    with log.open("ab") as file:
        file.write(lines(1000, 1_000_000))
    time.sleep(10)  # the fault itself
    process.send_signal(signal.SIGCONT)
    wait_until(lambda: read(pipe.folder / "out/all.log") == lines(1_001_000), 60, "all lines are copied", every=0.5)
    assert pipe.end(process) == 0
    assert stderr(pipe) == ""
    once(pipe, name)
    assert read(pipe.folder / "out/all.log") == lines(1_001_000)
    assert sum(fact["value"] for fact in rows(pipe.folder / "out/n.ndjson")) == 1_001_000  # type: ignore[misc]


def longer(path: Path, size: int) -> bool:
    return path.exists() and path.stat().st_size > size


def test_twenty_short_lives_make_progress_each(pipe: Pipe) -> None:
    """Killed as soon as it has written something new, whether that is committed or not: no life is spent on what an earlier one
    has done, and at the end every line is there once."""
    name = program(pipe, COPY)
    log, out = pipe.folder / "in.log", pipe.folder / "out/all.log"
    total = 0
    for life in range(20):
        with log.open("ab") as file:
            file.write(lines(20_000, life * 20_000))
        process = pipe.start("run", name, "--state", "state")
        wait_until(partial(longer, out, total), 30, f"life {life} writes something new", every=0.01)
        pipe.end(process, signal.SIGKILL)
        total = out.stat().st_size
    once(pipe, name)
    assert read(out) == lines(400_000)
    assert stderr(pipe) == ""


SPOOL = int(os.environ.get("SPOOL_MIB", "48"))
"""MiB that wait for delivery in the test below. `SPOOL_MIB=1024 pytest tests/e2e/test_faults_of_lives.py -k backlog -s` tells the
figures of a large one."""


def test_a_start_with_a_backlog_of_deliveries_is_quick_and_small(pipe: Pipe) -> None:
    """What waits is neither read nor hashed at the start: the first commit comes at once, memory stays below 400 MB while all of
    it is delivered, and every line is there once."""
    text = (
        COPY
        + """
        transform parsed = log | grok('^(?<word>[0-9]+) (?<all>.*)$')
        sink away = parsed -> file("away/all.csv", format: csv(header: true), roll: {size: 16MiB, age: 1h})
    """
    )
    name = program(pipe, text)
    log, out = pipe.folder / "in.log", pipe.folder / "out/all.log"
    count = SPOOL * 256
    with log.open("wb") as file:
        file.writelines(b"%09d %s\n" % (number, b"x" * 4085) for number in range(count))
    (pipe.folder / "away").write_bytes(b"no folder")
    process = pipe.start("run", name, "--state", "state", "--max-spool", "16GiB", "--min-free", "0")
    wait_until(partial(longer, out, log.stat().st_size - 1), max(60, SPOOL), "all lines wait", every=0.2)
    pipe.end(process, signal.SIGKILL)
    (pipe.folder / "away").unlink()
    before = out.stat().st_size
    with log.open("ab") as file:
        file.write(b"%09d new\n" % count)
    begun = time.monotonic()
    process = pipe.start("run", name, "--state", "state", "--max-spool", "16GiB", "--min-free", "0")
    wait_until(partial(longer, out, before), 30, "the first commit", every=0.01)
    committed = time.monotonic() - begun
    parts = len(list((pipe.folder / "state/outbox").iterdir()))
    wait_until(lambda: len(list((pipe.folder / "state/outbox").iterdir())) <= 1, max(60, SPOOL), "it is delivered")
    found = re.search(r"VmHWM:\s+(\d+) kB", (Path("/proc") / str(process.pid) / "status").read_text())
    assert found is not None
    peak = int(found[1]) / 1e3
    print(f"{SPOOL} MiB: {parts} parts, {committed:.1f} s to a commit, {peak:.0f} MB")  # noqa: T201
    assert pipe.end(process) == 0
    assert committed < 20
    assert peak < 400
    once(pipe, name)
    numbers = [
        int(number)
        for path in sorted((pipe.folder / "away").glob("all-*.csv"))
        for number in re.findall(rb"^(?:[^,]*,)?([0-9]{9}),", path.read_bytes(), re.MULTILINE)
    ]
    assert numbers == list(range(count + 1))
