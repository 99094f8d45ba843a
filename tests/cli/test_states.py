"""`pipe audit`, `checkpoint`, `dlq`, `top`: a state, asked while its agent runs and when it has stopped."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from command import Pipe

from pipeline.agent.control import LONGEST_REQUEST, ask
from pipeline.cli.top import rates

PROGRAM = """
source log = file("in.log")
transform words = log | grok('^%{WORD:w} %{INT:n:int}$') | where(n > 1)
transform facts = words | window(10s) { n = count() }
sink kept  = words -> null()
sink shown = facts -> console()
"""
LINES = b"a 1\nb 2\n\xff\nc 3\n"


def follow(pipe: Pipe, started: Callable[..., subprocess.Popen[bytes]], *options: str) -> subprocess.Popen[bytes]:
    """A running agent that has committed all of LINES."""
    pipe.write("p.pipe", PROGRAM)
    (pipe.folder / "in.log").write_bytes(LINES)
    process = started("run", "p.pipe", *options)
    while b"offset" not in pipe("checkpoint", "p.pipe", *options, "--format", "json").stdout:
        assert process.poll() is None
    return process


def check_answers(pipe: Pipe) -> None:
    """What all questions answer about LINES."""
    (position,) = json.loads(pipe("checkpoint", "p.pipe", "--format", "json").stdout)
    assert (position["source"], position["position"]["offset"]) == ("log", len(LINES))
    assert f"in.log:{len(LINES)}" in pipe("checkpoint", "p.pipe").stdout.decode()
    audit = pipe("audit", "p.pipe", "--format", "json")
    assert audit.returncode == 0
    assert audit.stderr == b""
    listed = pipe("dlq", "list", "p.pipe").stdout.decode().splitlines()
    assert pipe("dlq").stdout.decode().splitlines() == listed
    assert listed[2].split()[:5] == ["words", "grok", "no_match", "@raw", "1"]
    (letter,) = map(json.loads, pipe("dlq", "show", "p.pipe", "--stage", "words").stdout.splitlines())
    assert (letter["@raw"], letter["@raw_base64"], letter["@offset"]) == ("\ufffd", "/w==", 8)
    assert pipe("dlq", "show", "p.pipe", "--stage", "other").stdout == b""


def test_a_running_agent_and_its_state_say_the_same(
    pipe: Pipe, started: Callable[..., subprocess.Popen[bytes]]
) -> None:
    """The socket (0600) answers while the agent runs; after its stop the state answers the same, and the socket is gone."""
    process = follow(pipe, started)
    control = pipe.folder / ".pipe" / "p" / "control.sock"
    assert control.stat().st_mode & 0o777 == 0o600
    check_answers(pipe)
    top = pipe("top", "p.pipe", "--once", "--every", "100ms")
    assert top.stdout.decode().splitlines()[0].split() == [
        "stage",
        "in/s",
        "out/s",
        "filtered/s",
        "rejected/s",
        "in",
        "waiting",
        "MB",
    ]
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert not control.exists()
    check_answers(pipe)
    assert pipe("top", "p.pipe", "--once").returncode == 66


def test_top_shows_the_figures_of_a_node(pipe: Pipe, started: Callable[..., subprocess.Popen[bytes]]) -> None:
    """With `--node`: what its plugins count, and the kinds of lines that its grok patterns do not match; an unknown node is named."""
    follow(pipe, started)
    shown = pipe("top", "p.pipe", "--once", "--every", "50ms", "--node", "words")
    lines = [line.split() for line in shown.stdout.decode().splitlines()]
    assert [line for line in lines if line and line[0].startswith("grok.")] == [
        ["grok.matched", "0", "3"],
        ["grok.no_match", "0", "1"],
        ["grok.timeout", "0", "0"],
        ["grok.misses"],
    ]
    assert lines[-1] == ["`<bytes>`", "1", "1", "`%{WORD:w}`", "`\ufffd`", "`\ufffd`"]
    told = json.loads(pipe("top", "p.pipe", "--once", "--every", "50ms", "--node", "words", "--format", "json").stdout)
    assert {"figure": "grok.matched", "per s": 0, "value": 3} in told["figures"]
    (miss,) = told["tables"]["grok.misses"]
    assert (miss["kind"], miss["lines"], miss["share"], miss["wanted"]) == ("<bytes>", 1, 1.0, "%{WORD:w}")
    unknown = pipe("top", "p.pipe", "--once", "--every", "50ms", "--node", "wrds")
    assert (unknown.returncode, unknown.stdout) == (64, b"")
    assert b"the program has no node wrds" in unknown.stderr


def made(path: Path) -> int:
    """When it was made (ns); 0 where it is not there."""
    try:
        return path.stat().st_ctime_ns
    except FileNotFoundError:
        return 0


def test_the_state_of_a_killed_agent_answers(pipe: Pipe, started: Callable[..., subprocess.Popen[bytes]]) -> None:
    """A stale socket is in nobody's way: questions are answered from the state, and the next agent takes its place."""
    process = follow(pipe, started)
    process.kill()
    process.communicate(timeout=30)
    control = pipe.folder / ".pipe" / "p" / "control.sock"
    stale = made(control)
    assert stale
    check_answers(pipe)
    follow(pipe, started)
    while made(control) in (0, stale):
        pass  # the state answered, before the agent was there
    check_answers(pipe)


@pytest.mark.parametrize("relative", [False, True])
def test_a_long_path_has_a_socket(
    pipe: Pipe, started: Callable[..., subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch, relative: bool
) -> None:
    """Where a state's path is too long for a socket, the agent is found all the same, by whichever path, and cleans up."""
    folder = pipe.folder / ("s" * 80)
    monkeypatch.chdir(pipe.folder)
    process = follow(pipe, started, "--state", folder.name if relative else str(folder))
    assert (folder / "control.sock").exists()
    for state in (folder.name, str(folder)):
        assert (asyncio.run(ask(Path(state), {"ask": "status"})) or {})["degraded"] == {}
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert not (folder / "control.sock").exists()


def test_a_silent_client_holds_up_nothing(pipe: Pipe, started: Callable[..., subprocess.Popen[bytes]]) -> None:
    """An agent stops while somebody is connected and says nothing."""
    process = follow(pipe, started)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(pipe.folder / ".pipe" / "p" / "control.sock"))
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
        assert (process.returncode, err) == (0, b"")
        assert client.recv(1) == b""


KNOWN = "known questions are status, audit, checkpoint, dlq, dlq_kinds, windows, deltas, trail, table, dlq_retry, dlq_drop, tap"


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b"nonsense\n", "a request is a JSON object on a line"),
        (b"[]\n", "a request is a JSON object"),
        (b"{}\n", KNOWN),
        (b'{"ask": "stop"}\n', KNOWN),
        (b'{"ask": "dlq_drop", "ids": ["1.0", "no"]}\n', "'no' is no id of a dead letter; ids are such as 17 and 17.3"),
        (
            b'{"ask": "dlq_drop", "ids": [%d]}\n' % 10**30,
            f"'{10**30}' is no id of a dead letter; ids are such as 17 and 17.3",
        ),
        (b"x" * (LONGEST_REQUEST + 1) + b"\n", f"a request has at most {LONGEST_REQUEST} bytes"),
    ],
)
def test_a_bad_request_has_an_answer(
    pipe: Pipe, started: Callable[..., subprocess.Popen[bytes]], sent: bytes, told: str
) -> None:
    """Whatever is sent, the reply says what is wrong, and the agent goes on."""
    process = follow(pipe, started)
    folder = pipe.folder / ".pipe" / "p"
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(folder / "control.sock"))
        client.sendall(sent)
        with client.makefile("rb") as replies:
            assert json.loads(replies.readline()) == {"error": told}
    answer = asyncio.run(ask(folder, {"ask": "audit"}))
    assert answer is not None
    assert process.poll() is None


def test_rates_are_differences_over_time() -> None:
    """Rows per second between two samples, and what waits."""
    before = (10.0, {"stages": {"a": {"in": 100}}})
    now = (12.0, {"stages": {"a": {"in": 300, "rejected": 2}}, "waiting": {"a": 2_500_000}})
    (row,) = rates(before, now)
    assert (row["in/s"], row["rejected/s"], row["in"], row["waiting MB"]) == (100, 1, 300, 2.5)
