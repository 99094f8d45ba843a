"""examples/plugins: each package, installed away from this repository, tested by its own tests and used by programs."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import pytest
from packages import Place

EXAMPLES = Path(__file__).parents[2] / "examples" / "plugins"
PACKAGES = sorted(path.parent.name for path in EXAMPLES.glob("*/pyproject.toml"))
OFFLINE = ("hide", "luhn")
"""Filters, whose examples are programs that need no server."""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_there_is_one_of_each_kind():
    """Every kind that `pipe new` makes has an example, and the list names each."""
    groups = {
        group
        for name in PACKAGES
        for group in tomllib.loads((EXAMPLES / name / "pyproject.toml").read_text())["project"]["entry-points"]
    }
    assert groups == {
        f"pipeline.{kind}s" for kind in ("aggregate", "codec", "filter", "function", "input", "output", "resolver")
    }
    index = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert all(f"| [{name}]({name}) |" in index for name in PACKAGES)


@pytest.mark.parametrize("name", PACKAGES)
def test_an_example_passes_its_tests(name, place):
    """From outside of the repository, where only pipe is installed."""
    package = place.copy(EXAMPLES / name)
    place.install(package)
    done = place.run("pytest", "-q", "-W", "error", "-p", "no:cacheprovider", cwd=package)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", OFFLINE)
def test_the_example_of_a_filter_runs(name, place):
    """By the command, with a hundred rows."""
    shutil.copytree(EXAMPLES / name, place.folder / name)
    place.install(place.folder / name)
    page = place.run("pipeline", "plugins", name).stdout
    program = page.partition("```pipe\n")[2].partition("```")[0]
    done = place.run("pipeline", "run", "-e", program, "--once")
    assert (done.returncode, done.stderr) == (0, "")
    assert 95 <= len(done.stdout.splitlines()) <= 100
