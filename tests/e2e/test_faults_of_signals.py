"""Signals at any time: a quick and clean stop, or a reload; the next run goes on exactly."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest
from faults import COPY, lines, once, program, read, stderr
from real import Pipe, unpacked, wait_until


def test_sigterm_before_anything_is_done_kills_and_loses_nothing(pipe: Pipe) -> None:
    """The interpreter is only starting: nobody handles the signal yet, and nothing is left behind."""
    name = program(pipe, COPY)
    (pipe.folder / "in.log").write_bytes(lines(1000))
    assert pipe.end(pipe.start("run", name, "--state", "state")) == -signal.SIGTERM
    assert sorted(path.name for path in pipe.folder.iterdir()) == [name, "in.log", "stderr.txt"]
    assert stderr(pipe) == ""
    once(pipe, name)
    assert read(pipe.folder / "out/all.log") == lines(1000)


@pytest.mark.parametrize("sign", ["state", "state/state.db", "state/control.sock", "out", "out/all.log"])
def test_sigterm_during_start_up_is_a_clean_stop(pipe: Pipe, sign: str) -> None:
    """From before the state is touched: 0 at whichever step it comes, and the next run completes."""
    name = program(pipe, COPY)
    (pipe.folder / "in.log").write_bytes(lines(1000))
    process = pipe.start("run", name, "--state", "state")
    wait_until(lambda: (pipe.folder / sign).exists(), 30, f"{sign} is there", every=0.0005)
    assert pipe.end(process) == 0
    assert stderr(pipe) == ""
    once(pipe, name)
    assert read(pipe.folder / "out/all.log") == lines(1000)


EARLY = """
import signal, sys
from pathlib import Path
import pipeline.cli
import pipeline.cli.PLACE as place

function = place.FUNCTION

def interrupted(*arguments):
    place.FUNCTION = function
    found = function(*arguments)
    Path("p.pipe").write_text(Path("next.pipe").read_text())
    signal.raise_signal(signal.SIGHUP)
    return found

place.FUNCTION = interrupted
sys.exit(pipeline.cli.main(["run", "p.pipe"]))
"""


@pytest.mark.parametrize(("place", "function"), [("streams", "settle"), ("run", "read"), ("run", "RealEnv")])
def test_sighup_during_start_up_reloads(pipe: Pipe, place: str, function: str) -> None:
    """Before the program is read, and after; it is killed by none."""
    (pipe.folder / "p.pipe").write_text(COPY)
    (pipe.folder / "next.pipe").write_text(COPY + 'sink also = log -> file("out/also.log", format: raw)\n')
    (pipe.folder / "in.log").write_bytes(lines(10))
    early = EARLY.replace("PLACE", place).replace("FUNCTION", function)
    process = pipe.start(before=[sys.executable, "-c", early])
    wait_until(lambda: "the program is reloaded" in stderr(pipe), 30, "the program is loaded anew")
    assert pipe.end(process) == 0


def test_a_stop_does_not_wait_for_who_has_stopped_reading(pipe: Pipe) -> None:
    """Two consoles on a pipe that nobody empties: the other sink goes on, and SIGTERM ends with 0 within ten seconds."""
    name = program(pipe, COPY + "sink a = log -> console()\nsink b = log -> console()\n")
    log, out = pipe.folder / "in.log", pipe.folder / "out/all.log"
    log.write_bytes(lines(100_000))
    process = pipe.start("run", name, "--state", "state", stdout=subprocess.PIPE)
    wait_until(lambda: read(out) == lines(100_000), 60, "the file has all lines")
    with log.open("ab") as file:
        file.write(lines(10, 100_000))
    wait_until(lambda: read(out) == lines(100_010), 60, "the file has later lines, too")
    begun = time.monotonic()
    assert pipe.end(process) == 0
    assert time.monotonic() - begun < 10
    assert process.stdout is not None
    with process.stdout as taken:
        assert 0 < taken.read().count(b"\n") < 100_000
    assert stderr(pipe) == ""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_in_a_backlog_is_quick_and_exact(pipe: Pipe, how: signal.Signals) -> None:
    """0 within ten seconds; the next run goes on at the line after the last one."""
    name = program(pipe, COPY.replace("out/all.log", "out/all.log.zst"))
    (pipe.folder / "in.log").write_bytes(lines(2_000_000))
    process = pipe.start("run", name, "--state", "state")
    wait_until(lambda: (pipe.folder / "out/all.log.zst").exists(), 30, "the first commit")
    begun = time.monotonic()
    assert pipe.end(process, how) == 0
    assert time.monotonic() - begun < 10
    once(pipe, name)
    assert unpacked(pipe.folder / "out") == [lines(2_000_000)]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_when_idle_is_clean(pipe: Pipe, how: signal.Signals) -> None:
    """0, and every byte is in the output."""
    name = program(pipe, COPY)
    (pipe.folder / "in.log").write_bytes(lines(10))
    process = pipe.start("run", name, "--state", "state")
    wait_until(lambda: read(pipe.folder / "out/all.log") == lines(10), 30, "the log is copied")
    assert pipe.end(process, how) == 0
    assert "Traceback" not in stderr(pipe)


def test_a_second_sigterm_changes_nothing(pipe: Pipe) -> None:
    """Impatient supervisors send it twice: still a clean stop."""
    name = program(pipe, COPY)
    (pipe.folder / "in.log").write_bytes(lines(500_000))
    process = pipe.start("run", name, "--state", "state")
    wait_until(lambda: (pipe.folder / "out/all.log").exists(), 30, "the first commit")
    for _ in range(3):
        process.send_signal(signal.SIGTERM)
    assert pipe.end(process) == 0
    assert stderr(pipe) == ""
    once(pipe, name)
    assert read(pipe.folder / "out/all.log") == lines(500_000)


def test_a_reload_of_a_broken_program_keeps_the_old_one(pipe: Pipe) -> None:
    """The diagnostics are shown, the old program goes on; a repaired one takes over without losing or doubling a line."""
    name = program(pipe, COPY)
    log, out = pipe.folder / "in.log", pipe.folder / "out/all.log"
    log.write_bytes(lines(10))
    process = pipe.start("run", name, "--state", "state")
    wait_until(lambda: read(out) == lines(10), 30, "the log is copied")
    program(pipe, COPY.replace("log ->", "lgo ->"))
    process.send_signal(signal.SIGHUP)
    wait_until(lambda: "the new program is not used" in stderr(pipe), 30, "the broken program is reported")
    with log.open("ab") as file:
        file.write(lines(10, 10))
    wait_until(lambda: read(out) == lines(20), 30, "the old program goes on")
    program(pipe, COPY + 'sink also = log -> file("out/also.log", format: raw)\n')
    process.send_signal(signal.SIGHUP)
    wait_until(lambda: "the program is reloaded" in stderr(pipe), 30, "the good program is loaded")
    with log.open("ab") as file:
        file.write(lines(10, 20))
    wait_until(lambda: read(pipe.folder / "out/also.log") == lines(10, 20), 30, "the new sink has the new lines")
    assert pipe.end(process) == 0
    assert read(out) == lines(30)
    assert "Traceback" not in stderr(pipe)
