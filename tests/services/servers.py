"""Real servers on loopback, from start to end of the tests that use them. `make servers` fetches them."""

from __future__ import annotations

import ctypes
import http.client
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

FETCHED = Path(os.environ.get("PIPE_SERVERS") or Path(__file__).parents[2] / ".servers")

PATIENCE = 120
"""Seconds that a server may take to start on a busy machine."""


def fetched(*names: str) -> Path:
    """A file that `make servers` brings. The test is skipped where it is not there."""
    path = FETCHED.joinpath(*names)
    if not path.exists():
        pytest.skip(f"{names[-1]} is not there: make servers")
    return path


def program(name: str) -> str:
    """A program of this machine. The test is skipped where it is not there."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not there")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int, path: str) -> Callable[[], bool]:
    """Whether something on that port answers a GET with 200."""

    def ask() -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    return ask


class Server:
    """A server process with its log. It ends with this process, whatever happens to that."""

    def __init__(
        self, folder: Path, command: list[str], ready: Callable[[], bool], environment: Mapping[str, str]
    ) -> None:
        self.folder = folder
        self._command = command
        self._ready = ready
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Blocks until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self.folder,
                env={**os.environ, **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_end_with_parent,
            )
        deadline = time.monotonic() + PATIENCE
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError((self.folder / "log").read_text(errors="replace")[-3000:])
            time.sleep(0.05)

    def kill(self) -> None:
        """As a crash does."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def running(server: Server) -> Iterator[Server]:
    try:
        server.start()
        yield server
    finally:
        server.stop()


def _end_with_parent() -> None:
    """PR_SET_PDEATHSIG."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
