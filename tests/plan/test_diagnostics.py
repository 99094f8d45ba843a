"""Wrong programs and exactly what the checker says about them.

Each `diagnostics/<name>.pipe` has its expected text in `<name>.txt`. Run this file as a script to write the texts anew,
then read the difference.
"""

from pathlib import Path

import pytest
from fakes import CATALOG

from pipeline.lang import render
from pipeline.lang.codes import CODES
from pipeline.lang.spans import Source
from pipeline.plan.load import load

FOLDER = Path(__file__).parent / "diagnostics"
PROGRAMS = sorted(FOLDER.glob("*.pipe"))


def said(path: Path) -> str:
    loaded = load(Source(path.name, path.read_text(encoding="utf-8")), catalog=CATALOG)
    return "".join(f"{render(diagnostic)}\n" for diagnostic in loaded.diagnostics)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_says_exactly_this(path: Path) -> None:
    """A wrong program yields the diagnostics that are kept beside it, to the character."""
    assert said(path) == path.with_suffix(".txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_codes_are_registered_and_errors_mean_no_graph(path: Path) -> None:
    """Every diagnostic has a documented code, and there is a graph exactly when none of them is an error."""
    loaded = load(Source(path.name, path.read_text(encoding="utf-8")), catalog=CATALOG)
    assert loaded.diagnostics
    assert {diagnostic.code for diagnostic in loaded.diagnostics} <= CODES.keys()
    assert (loaded.graph is None) == any(diagnostic.severity == "error" for diagnostic in loaded.diagnostics)


if __name__ == "__main__":
    for program in PROGRAMS:
        program.with_suffix(".txt").write_text(said(program), encoding="utf-8")
