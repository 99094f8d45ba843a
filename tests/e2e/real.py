"""The real command on real files."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import zstandard

from pipeline.columns.traffic import Traffic

ROOT = Path(__file__).parents[2]
PIPE = (sys.executable, "-m", "pipeline")
START = 1_790_000_000_000_000
"""When the generated logs begin (µs)."""


class Pipe:
    """`pipe` in a folder: `run` to the end, `start` to leave running."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = {**os.environ, **environment}
        self.running: list[subprocess.Popen[bytes]] = []

    def start(
        self, *arguments: str, stdout: int = subprocess.DEVNULL, before: Sequence[str] = ()
    ) -> subprocess.Popen[bytes]:
        with (self.folder / "stderr.txt").open("ab") as errors:
            process = subprocess.Popen(
                [*before, *PIPE, *arguments],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=errors,
            )
        self.running.append(process)
        return process

    def run(
        self, *arguments: str, before: Sequence[str] = (), timeout: float = 240
    ) -> subprocess.CompletedProcess[str]:
        """`before` is a command that runs the rest of its words."""
        return self.call(*before, *PIPE, *arguments, timeout=timeout)

    def call(self, *command: str, timeout: float = 240) -> subprocess.CompletedProcess[str]:
        """Any command, as `pipe` is run."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def end(self, process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM) -> int:
        process.send_signal(how)
        return process.wait(timeout=30)


@pytest.fixture
def pipe(tmp_path: Path):
    """A `Pipe` in an empty folder, whose log is `access.log` there."""
    made = Pipe(tmp_path, {"NGINX_LOG": "access.log*"})
    yield made
    for process in made.running:
        if process.poll() is None:
            process.kill()
            process.wait()


def write_log(path: Path, count: int, *, seed: int = 7, rate: float = 10_000) -> None:
    """Generated traffic, `rate` lines a second of event time."""
    traffic = Traffic(seed, START, rate)
    with path.open("wb") as file:
        for first in range(0, count, 16384):
            file.write(traffic.lines(first, min(16384, count - first)))


@pytest.fixture(scope="session")
def million(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of 1,000,000 lines."""
    path = tmp_path_factory.mktemp("million") / "access.log"
    write_log(path, 1_000_000)
    return path


def unpacked(folder: Path) -> list[bytes]:
    """The bytes of every `.zst` file below a folder, sorted by path."""
    return [
        zstandard.ZstdDecompressor().stream_reader(path.read_bytes(), read_across_frames=True).read()
        for path in sorted(folder.rglob("*.zst"))
    ]


def without_permissions() -> tuple[str, ...]:
    """What goes before a command so that permissions hold for it: root loses its right to overrule them."""
    if os.geteuid() != 0:
        return ()
    assert shutil.which("setpriv"), "setpriv of util-linux is needed to test permissions as root"
    return ("setpriv", "--inh-caps=-all", "--bounding-set=-dac_override,-dac_read_search")


def wait_until(holds: Callable[[], bool], seconds: float, what: str, *, every: float = 0.05) -> None:
    """Wait for a condition with a deadline."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"after {seconds} s still not: {what}"
        time.sleep(every)
