"""Services and cron may start a command with closed standard streams."""

from __future__ import annotations

import subprocess
import sys

import pytest
from command import PATIENCE, Pipe

PROGRAM = "source a = file('a.log')\nsink q = a -> file('q.raw', format: raw)\n"


def closed(pipe: Pipe, streams: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command with these streams closed by a shell."""
    return subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {streams}', "sh", sys.executable, "-m", "pipeline", *arguments],
        cwd=pipe.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize("streams", ["2>&-", ">&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_program_does_its_work_with_closed_streams(streams: str, pipe: Pipe) -> None:
    """Nothing is said, and no file of ours gets the number of a standard stream."""
    pipe.write("p.pipe", PROGRAM)
    pipe.write("a.log", "one\ntwo\n")
    done = closed(pipe, streams, "run", "p.pipe", "--once")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert (pipe.folder / "q.raw").read_bytes() == b"one\ntwo\n"


@pytest.mark.parametrize(
    "arguments", [["plugins"], ["query", "generate(count: 3)"], ["grok", "%{WORD:w}", "a.log"], ["--version"]]
)
def test_results_for_a_closed_stdout_are_dropped(arguments: list[str], pipe: Pipe) -> None:
    """There is nobody to tell, and nothing has failed."""
    pipe.write("a.log", "one\n")
    done = closed(pipe, ">&-", *arguments)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_mistake_has_its_exit_code_without_a_stderr(pipe: Pipe) -> None:
    """Where nobody can read why, the code still tells."""
    assert closed(pipe, "2>&-", "run", "nope.pipe").returncode == 66


@pytest.mark.parametrize("arguments", [["grok", "%{WORD:w}"], ["fmt", "-"], ["query", "stdin()"]])
def test_a_closed_stdin_is_no_empty_one(arguments: list[str], pipe: Pipe) -> None:
    """A command that needs it says that it is not there."""
    done = closed(pipe, "<&-", *arguments)
    assert done.returncode == 66
    assert b"standard input" in done.stderr
    assert b"Traceback" not in done.stderr
