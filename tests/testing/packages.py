"""Packages of plugins, installed and used as their authors do it: in a place of their own, by commands."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 200


@dataclass
class Place:
    """A folder, and what is installed there besides pipe."""

    folder: Path

    @property
    def site(self) -> Path:
        return self.folder / "site"

    def install(self, package: Path) -> None:
        """What `pip install --editable` does, as far as Python sees it: metadata in a folder of installed packages, and a way to
        the code."""
        project = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        about = self.site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n", encoding="utf-8"
        )
        points = "\n".join(
            f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in named.items())
            for group, named in project["entry-points"].items()
        )
        (about / "entry_points.txt").write_text(points, encoding="utf-8")
        for module in package.glob("*.py"):
            (self.site / module.name).symlink_to(module)

    def run(
        self, *command: str, cwd: Path | None = None, stdin: bytes = b"", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a Python module there: `run("pytest")`, `run("pipeline", "check", …)`."""
        search = os.pathsep.join([str(self.site), os.environ.get("PYTHONPATH", "")])
        done = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=cwd or self.folder,
            env={**os.environ, "PYTHONPATH": search, "PYTHONDONTWRITEBYTECODE": "1", **variables},
            input=stdin,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    def copy(self, package: Path) -> Path:
        """A package of this repository, away from it."""
        return Path(shutil.copytree(package, self.folder / package.name))
