"""Wrong programs and exactly what is said about them.

Each `diagnostics/<name>.pipe` has its expected text in `<name>.txt`. Run this file as a script to write the texts anew,
then read the difference.
"""

from pathlib import Path

import pytest

from pipeline.lang import CODES, Source, parse_program, render

FOLDER = Path(__file__).parent / "diagnostics"
PROGRAMS = sorted(FOLDER.glob("*.pipe"))


def said(path: Path) -> str:
    parsed = parse_program(Source(path.name, path.read_text(encoding="utf-8")))
    return "".join(f"{render(diagnostic)}\n" for diagnostic in parsed.diagnostics)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_says_exactly_this(path: Path) -> None:
    """A wrong program yields the diagnostics that are kept beside it, to the character."""
    assert said(path) == path.with_suffix(".txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_codes_are_registered(path: Path) -> None:
    """Every diagnostic has a documented code, and every wrong program has a diagnostic."""
    diagnostics = parse_program(Source(path.name, path.read_text(encoding="utf-8"))).diagnostics
    assert diagnostics
    assert {diagnostic.code for diagnostic in diagnostics} <= CODES.keys()


if __name__ == "__main__":
    for program in PROGRAMS:
        program.with_suffix(".txt").write_text(said(program), encoding="utf-8")
