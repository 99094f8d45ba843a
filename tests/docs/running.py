"""Programs, run to the end of their input by the real command in a folder of their own, and plugins for them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
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


def install(folder: Path, name: str, points: Mapping[str, Mapping[str, str]], module: str, code: str) -> Path:
    """Make a folder look as if a distribution of one module were installed there. `points`: group → name → object."""
    about = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    groups = [
        f"[{group}]\n" + "".join(f"{point} = {value}\n" for point, value in named.items())
        for group, named in points.items()
    ]
    (about / "entry_points.txt").write_text("\n".join(groups))
    (folder / f"{module}.py").write_text(code, encoding="utf-8")
    return folder
