"""What a session leaves of the programs that it ran, and how one without a program file is stopped."""

from __future__ import annotations

import gc
import signal
import subprocess
import weakref
from collections.abc import Callable

import pytest
from command import Pipe

from pipeline.cli import failures, session
from pipeline.columns.panics import PANICS

Start = Callable[..., "subprocess.Popen[bytes]"]


class Knot:
    """Refers to itself, so that only the collector finds that nobody needs it."""

    def __init__(self) -> None:
        self.itself = self


def test_a_program_that_was_replaced_is_set_free() -> None:
    """What was frozen for one agent is collected before the next."""
    knot = Knot()
    alive = weakref.ref(knot)
    try:
        session._settle(first=True)
        del knot
        gc.collect()
        assert alive() is not None
        session._settle(first=False)
        assert alive() is None
    finally:
        gc.unfreeze()


@pytest.mark.parametrize(
    ("number", "code", "told"),
    [
        (signal.SIGTERM, 75, b"the query was stopped before the end of its input"),
        (signal.SIGHUP, 75, b"the query was stopped before the end of its input"),
        (signal.SIGINT, 130, b"stopping"),
    ],
    ids=["SIGTERM", "SIGHUP", "SIGINT"],
)
def test_a_query_that_is_stopped_says_so(started: Start, number: signal.Signals, code: int, told: bytes) -> None:
    """What was printed is not the answer, and the exit code tells."""
    process = started("query", "generate(rate: 100, count: 1000000)", "--format", "json")
    assert process.stdout is not None
    assert process.stdout.readline()
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == code
    assert told in err
    assert b"Traceback" not in err


@pytest.mark.parametrize("raised", [*PANICS, RuntimeError, BaseException])
def test_no_error_ends_in_a_traceback(raised: type[BaseException], capfd: pytest.CaptureFixture[str]) -> None:
    """Also those that are no Exception, such as a panic in Rust: 70."""

    def work() -> None:
        raise raised("index out\nof bounds")

    assert failures.guarded(work) == 70
    _, err = capfd.readouterr()
    assert err.splitlines()[0] == f"pipe: error: a defect of pipe: {raised.__name__}: index out of bounds"
    assert "Traceback" not in err


def test_an_exit_is_an_exit(pipe: Pipe) -> None:
    """SystemExit is no defect."""
    with pytest.raises(SystemExit):
        failures.guarded(lambda: (_ for _ in ()).throw(SystemExit(3)))
