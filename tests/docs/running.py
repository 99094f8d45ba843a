"""Programs, run to the end of their input by the real command in a folder of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def pipe(
    folder: Path, *arguments: str, stdin: bytes = b"", path: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """`pipe ARGUMENTS` in a folder; `path` is put before everything that Python imports from."""
    search = os.pathsep.join([*([str(path)] if path else []), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": search},
        input=stdin,
        capture_output=True,
        timeout=100,
        check=False,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())
