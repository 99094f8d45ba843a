"""A live log through reloads of the real process."""

from __future__ import annotations

import signal
import subprocess
from functools import partial
from pathlib import Path

from faults import lines, program, read, stderr
from real import Pipe, wait_until

TO = 'source log = file("in.log")\nsink out = log -> file("out/{}.log", format: raw)\n'


def wrote(path: Path) -> bool:
    return read(path) != b""


def reload(pipe: Pipe, process: subprocess.Popen[bytes], text: str, times: int) -> None:
    program(pipe, text)
    process.send_signal(signal.SIGHUP)
    wait_until(lambda: stderr(pipe).count("the program is reloaded") == times, 30, f"reload {times}")


def test_line_1_is_under_the_old_program_and_line_2_under_the_new(pipe: Pipe) -> None:
    """Each is in one output only."""
    name = program(pipe, TO.format("a"))
    log = pipe.folder / "in.log"
    log.write_bytes(lines(1))
    process = pipe.start("run", name, "--state", "state")
    wait_until(lambda: read(pipe.folder / "out/a.log") == lines(1), 30, "line 1 is out")
    reload(pipe, process, TO.format("b"), 1)
    with log.open("ab") as file:
        file.write(lines(1, 1))
    wait_until(lambda: read(pipe.folder / "out/b.log") == lines(1, 1), 30, "line 2 is out")
    assert pipe.end(process) == 0
    assert read(pipe.folder / "out/a.log") == lines(1)


def test_a_log_that_grows_through_reloads_is_copied_once(pipe: Pipe) -> None:
    """Twenty programs in turn: together their outputs are the log, each line once, and every one of them had some."""
    name = program(pipe, TO.format(0))
    with (pipe.folder / "in.log").open("ab", buffering=0) as log:
        log.write(lines(5_000))
        process = pipe.start("run", name, "--state", "state")
        for number in range(1, 21):
            out = pipe.folder / f"out/{number - 1}.log"
            wait_until(partial(wrote, out), 30, f"program {number - 1} has written")
            reload(pipe, process, TO.format(number), number)
            log.write(lines(5_000, 5_000 * number))
        whole = lines(5_000 * 21)
        copies = [pipe.folder / f"out/{number}.log" for number in range(21)]
        wait_until(lambda: sum(len(read(copy)) for copy in copies) >= len(whole), 30, "everything is copied")
    assert pipe.end(process) == 0
    assert b"".join(read(copy) for copy in copies) == whole
