"""Names and texts that are not UTF-8: bytes to the system, and nothing that a program or a state could hold."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from command import PATIENCE, Pipe

GOOD = b"source a = generate(count: 1)\nsink s = a -> null()\n"


def run(folder: Path | bytes, *arguments: str | bytes, **variables: str | bytes) -> tuple[int, str]:
    """Exit code and stderr of the command in a folder."""
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", *arguments],
        cwd=folder,
        capture_output=True,
        timeout=PATIENCE,
        env={**os.environ, **variables},
        check=False,
    )
    return done.returncode, done.stderr.decode()


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", b"b\xff.pipe"],
        ["run", "good.pipe", "--once", "--state", b"b\xff"],
        ["grok", b"\xff", "good.pipe"],
        ["query", b"file('a\xff.log')"],
        ["run", "-e", GOOD + b"# \xff", "--once"],
        ["run", "good.pipe", "--once", "--set", b"x=\xff"],
    ],
)
def test_an_argument_that_is_no_text_is_a_mistake_of_the_command_line(arguments: list[str | bytes], pipe: Pipe) -> None:
    """64, with the bytes as they can be shown."""
    for name in (b"good.pipe", b"b\xff.pipe"):
        Path(os.fsdecode(bytes(pipe.folder) + b"/" + name)).write_bytes(GOOD)
    code, told = run(pipe.folder, *arguments)
    assert code == 64
    assert "\\xff" in told
    assert "is not UTF-8 text" in told


@pytest.mark.parametrize("command", [["check"], ["explain"], ["run", "--once"]])
def test_a_variable_that_is_no_text_is_an_error_of_the_program_that_asks_for_it(command: list[str], pipe: Pipe) -> None:
    """P109, at the place of the `env`."""
    pipe.write("p.pipe", 'source a = file(env("FOO"))\nsink s = a -> null()\n')
    code, told = run(pipe.folder, *command, "p.pipe", FOO=b"\xff")
    assert code == 65
    assert "p.pipe:1:17: error P109: the environment variable FOO is not UTF-8 text" in told


def test_a_folder_whose_name_is_no_text_cannot_hold_a_state(pipe: Pipe) -> None:
    """78 from `run`; what keeps nothing works there."""
    folder = Path(os.fsdecode(bytes(pipe.folder) + b"/d\xff"))
    folder.mkdir()
    (folder / "p.pipe").write_bytes(GOOD)
    code, told = run(folder, "run", "p.pipe", "--once")
    assert code == 78
    assert "d\\xff/p.pipe is not UTF-8 text" in told
    assert run(folder, "check", "p.pipe")[0] == 0
    assert run(folder, "query", "generate(count: 1)") == (0, "")
