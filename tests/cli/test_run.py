"""`pipe run`: a program, from its start to its end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from command import Pipe

COPY = """
source log = file("in.log")
transform words = log | grok('^%{WORD:w} %{INT:n:int}$')
sink shown = words -> console()
sink kept  = words -> file("out.ndjson")
"""

Start = Callable[..., "subprocess.Popen[bytes]"]


def facts(output: bytes) -> list[dict[str, object]]:
    return [{key: value for key, value in json.loads(line).items() if key[0] != "@"} for line in output.splitlines()]


def line_of(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    return process.stdout.readline()


def test_once_shows_every_event_and_goes_on_later(pipe: Pipe) -> None:
    """A finite run prints one object an event; the next run on the same state reads only what is new."""
    pipe.write("copy.pipe", COPY)
    log = pipe.write("in.log", "a 1\nb 2\nbroken\nc 3\n")
    first = pipe("run", "copy.pipe", "--once")
    assert first.returncode == 0, first.stderr
    assert first.stderr == b""
    assert facts(first.stdout) == [{"w": "a", "n": 1}, {"w": "b", "n": 2}, {"w": "c", "n": 3}]
    assert (pipe.folder / ".pipe" / "copy" / "state.db").exists()
    with log.open("a") as file:
        file.write("d 4\n")
    second = pipe("run", "copy.pipe", "--once", "--summary")
    assert facts(second.stdout) == [{"w": "d", "n": 4}]
    assert facts((pipe.folder / "out.ndjson").read_bytes()) == facts(first.stdout) + facts(second.stdout)
    told = second.stderr.decode().splitlines()
    assert told[1] == "rejected  0"
    assert told[2] == "sent      1 shown · 1 kept"


def test_a_program_on_the_command_line_leaves_nothing(pipe: Pipe, tmp_path_factory: pytest.TempPathFactory) -> None:
    """`-e` runs in a temporary state that is gone at the end, with constants from `--set`."""
    temporary = tmp_path_factory.mktemp("temporary")
    program = "let most = 2\nsource a = generate(count: most) sink s = a -> console()"
    done = pipe("run", "-e", program, "--once", "--set", "most=5", TMPDIR=str(temporary))
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(done.stdout.splitlines()) == 5
    assert [*pipe.folder.iterdir(), *temporary.iterdir()] == []


def test_a_state_knows_its_program(pipe: Pipe) -> None:
    """Another program on the same state is refused with 73, and told whose it is."""
    pipe.write("in.log", "a 1\n")
    one = pipe.write("one.pipe", COPY)
    pipe.write("two.pipe", COPY)
    assert pipe("run", "one.pipe", "--once", "--state", "state").returncode == 0
    refused = pipe("run", "two.pipe", "--once", "--state", "state")
    assert refused.returncode == 73
    assert f"belongs to another program: {one}".encode() in refused.stderr


def test_what_cannot_be_delivered_waits(pipe: Pipe) -> None:
    """A sink that does not take everything within --timeout: 75 with its reason, and the next run delivers the rest."""
    pipe.write("in.log", "a 1\n")
    pipe.write("copy.pipe", COPY)
    command = [sys.executable, "-m", "pipeline", "run", "copy.pipe", "--once", "--timeout", "300ms"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, cwd=pipe.folder, stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == 75, done.stderr
    assert b"not everything was delivered in 0.3 s: shown: [Errno 28] No space left on device" in done.stderr
    assert b"Nothing is lost" in done.stderr
    assert facts(pipe("run", "copy.pipe", "--once").stdout) == [{"w": "a", "n": 1}]


def test_sigterm_stops_cleanly_and_loses_nothing(pipe: Pipe, started: Start) -> None:
    """SIGTERM ends a following run with 0; everything that was read is committed and read only once."""
    pipe.write("copy.pipe", COPY)
    log = pipe.write("in.log", "a 1\n")
    process = started("run", "copy.pipe")
    assert facts(line_of(process)) == [{"w": "a", "n": 1}]
    refused = pipe("run", "copy.pipe")
    assert refused.returncode == 73
    assert b"in use by another pipe" in refused.stderr
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, b"", b"")
    with log.open("a") as file:
        file.write("b 2\n")
    assert facts(pipe("run", "copy.pipe", "--once").stdout) == [{"w": "b", "n": 2}]


def test_interrupt_stops_as_sigterm_does(pipe: Pipe, started: Start) -> None:
    """The first Ctrl-C is a clean stop that says so."""
    pipe.write("copy.pipe", COPY)
    pipe.write("in.log", "a 1\n")
    process = started("run", "copy.pipe")
    line_of(process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert b"stopping" in err


@pytest.mark.parametrize("how", ["signal", "watch"])
def test_a_reload_takes_a_good_program_and_refuses_a_bad_one(pipe: Pipe, started: Start, how: str) -> None:
    """After SIGHUP or a change: a bad program is reported and the old one goes on; a good one goes on where the old stopped."""

    def change(program: str) -> None:
        pipe.write("copy.pipe", program)
        if how == "signal":
            process.send_signal(signal.SIGHUP)

    def told(text: bytes) -> None:
        assert process.stderr is not None
        while text not in (line := process.stderr.readline()):
            assert line, f"ended before it said {text!r}"

    pipe.write("copy.pipe", COPY)
    log = pipe.write("in.log", "a 1\n")
    process = started("run", "copy.pipe", *(["--watch"] if how == "watch" else []))
    assert facts(line_of(process)) == [{"w": "a", "n": 1}]
    change(COPY.replace("grok", "grko"))
    told(b"the one that was started goes on")
    change(COPY.replace("console", "| set { n = n * 10 } -> console").replace("-> | ", "| "))
    told(b"is reloaded")
    with log.open("a") as file:
        file.write("b 2\n")
    assert facts(line_of(process)) == [{"w": "b", "n": 20}]
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, b"")


def test_includes_are_read_relative_to_their_program(pipe: Pipe) -> None:
    """An include and a glob of includes are found beside the file that names them, from any current folder."""
    (pipe.folder / "parts" / "more").mkdir(parents=True)
    pipe.write("parts/main.pipe", 'include "source.pipe"\ninclude "more/*.pipe"\n')
    pipe.write("parts/source.pipe", "source a = generate(count: 2)\n")
    pipe.write("parts/more/sink.pipe", "sink s = a -> console()\n")
    done = pipe("run", "parts/main.pipe", "--once")
    assert (done.returncode, len(done.stdout.splitlines()), done.stderr) == (0, 2, b"")
    missing: Path = pipe.write("parts/main.pipe", 'include "nope.pipe"\n')
    assert missing.exists()
    assert b"parts/main.pipe:1:" in pipe("check", "parts/main.pipe").stderr


def test_a_reader_that_goes_away_ends_the_run(pipe: Pipe) -> None:
    """`pipe run … | head -1`: no error, no traceback, no process left behind."""
    process = pipe.start("run", "-e", "source a = generate(rate: 2000) sink s = a -> console(format: json)")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=30) == 0
    assert b"Traceback" not in process.stderr.read()
    process.stderr.close()
