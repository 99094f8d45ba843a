"""`pipe checkpoint explain`: what a start on a state would make of a file."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from command import Pipe

PROGRAM = 'source log = file("in.log*")\nsink out = log -> null()\n'
LINES = b"".join(b"line %d\n" % number for number in range(1000))


@pytest.fixture
def read(pipe: Pipe) -> Pipe:
    """A folder in which `p.pipe` has read `in.log` to its end."""
    pipe.write("p.pipe", PROGRAM)
    (pipe.folder / "in.log").write_bytes(LINES)
    assert pipe("run", "p.pipe", "--once").returncode == 0
    return pipe


def belief(pipe: Pipe, *arguments: str) -> dict[str, object]:
    done = pipe("checkpoint", "explain", *arguments, "--format", "json")
    assert (done.returncode, done.stderr) == (0, b"")
    told = json.loads(done.stdout)
    assert isinstance(told, dict)
    return told


def test_a_rotated_file_is_explained(read: Pipe) -> None:
    """As text for people: what it is, why, what comes next, and the evidence."""
    with (read.folder / "in.log").open("ab") as file:
        file.write(b"more\n")
    (read.folder / "in.log").rename(read.folder / "in.log.1")
    done = read("checkpoint", "explain", "in.log.1")
    lines = done.stdout.decode().splitlines()
    assert (done.returncode, done.stderr) == (0, b"")
    assert lines[:3] == [
        "in.log.1: rotated, in source log",
        "  why       it has the inode and the bytes that were committed as in.log",
        f"  next      reads on at byte {len(LINES):,}",
    ]
    assert lines[3].startswith(f"  committed in.log, byte {len(LINES):,}, partition ")
    assert lines[4] == "  unread    5 bytes"
    assert [line.split()[-1] for line in lines[8:]] == ["yes"] * 6


def test_a_running_agent_and_its_state_believe_the_same(
    pipe: Pipe, started: Callable[..., subprocess.Popen[bytes]]
) -> None:
    """It is asked beside a live agent, and answered from the state after its stop, by path or absolute path."""
    pipe.write("p.pipe", PROGRAM)
    (pipe.folder / "in.log").write_bytes(LINES)
    process = started("run", "p.pipe")
    while json.loads(pipe("checkpoint", "--state", ".pipe/p", "--format", "json").stdout or b"[]") == []:
        assert process.poll() is None
    live = belief(pipe, "in.log")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    stopped = belief(pipe, str(pipe.folder / "in.log"), "p.pipe")
    assert live == {**stopped, "file": "in.log"}
    assert (live["verdict"], live["offset"], live["unread"]) == ("same", len(LINES), 0)
    assert belief(pipe, "in.log", "--state", ".pipe/p") == live


def test_only_the_file_that_is_asked_for_is_spoken_of(pipe: Pipe) -> None:
    """A source with a glob that matches nothing, or a file that cannot be read, is no news here."""
    pipe.write("p.pipe", 'source log = file(["in.log", "none.log", "link.log"])\nsink out = log -> null()\n')
    (pipe.folder / "in.log").write_bytes(LINES)
    (pipe.folder / "link.log").symlink_to("link.log")
    done = pipe("run", "p.pipe", "--once")
    assert b"no file matches" in done.stderr
    assert belief(pipe, "in.log")["verdict"] == "same"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("nope.log",), 66, "there is no file nope.log, and none was read under that name"),
        (("p.pipe",), 66, "reads p.pipe"),
        (("in.log", "--state", "nowhere"), 66, "there is no state in "),
        (("in.log", "other.pipe"), 66, "there is no state in "),
        (("in.log", "--set", "x"), 64, "x"),
        ((), 64, "Missing argument 'PATH'"),
    ],
)
def test_a_mistake_is_told(read: Pipe, arguments: tuple[str, ...], code: int, told: str) -> None:
    """No such file, a file that no source reads, no state, no argument: an exit code and what is wrong."""
    done = read("checkpoint", "explain", *arguments)
    assert (done.returncode, done.stdout) == (code, b"")
    assert told in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


def test_without_any_state_there_is_nothing_to_explain(pipe: Pipe) -> None:
    """It says so, and makes none."""
    (pipe.folder / "in.log").write_bytes(LINES)
    done = pipe("checkpoint", "explain", "in.log")
    assert (done.returncode, done.stdout) == (64, b"")
    assert b"there is no state in ./.pipe" in done.stderr
    assert not (pipe.folder / ".pipe").exists()


def test_the_program_must_be_there(read: Pipe) -> None:
    """The state knows the path of its program; when that is gone, it says so."""
    read.write("same.pipe", PROGRAM)
    (read.folder / "p.pipe").unlink()
    done = read("checkpoint", "explain", "in.log")
    assert done.returncode == 66
    assert b"cannot read the program" in done.stderr
    assert belief(read, "in.log", "same.pipe", "--state", ".pipe/p")["verdict"] == "same"


def test_a_file_that_is_gone_is_explained_by_its_name(read: Pipe) -> None:
    """What was read under a name that nothing has now."""
    (read.folder / "in.log").unlink()
    told = belief(read, "in.log")
    assert (told["verdict"], told["offset"], told["unread"]) == ("gone", len(LINES), 0)
    assert not Path(read.folder / "in.log").exists()
