"""The real command, in a process of its own, in an empty folder."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

PATIENCE = 60


@dataclass
class Pipe:
    """Runs `pipe` in a folder."""

    folder: Path

    def __call__(self, *arguments: str, stdin: bytes = b"", **variables: str) -> subprocess.CompletedProcess[bytes]:
        """Run it to its end."""
        return subprocess.run(
            [sys.executable, "-m", "pipeline", *arguments],
            cwd=self.folder,
            input=stdin,
            capture_output=True,
            timeout=PATIENCE,
            env={**os.environ, **variables},
            check=False,
        )

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start it; standard output and standard error are pipes."""
        return subprocess.Popen(
            [sys.executable, "-m", "pipeline", *arguments],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path


@pytest.fixture
def pipe(tmp_path: Path) -> Pipe:
    return Pipe(tmp_path)


@pytest.fixture
def started(pipe: Pipe):
    """`pipe.start`, and the end of what it started."""
    running: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        running.append(pipe.start(*arguments))
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.communicate()
