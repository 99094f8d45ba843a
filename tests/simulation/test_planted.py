"""The power of the harness: defects that somebody could make, each planted for a moment and found."""

from __future__ import annotations

from pathlib import Path

import pytest
from hunt import hunt
from planted import PLANTED


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_defect_is_found(what: str) -> None:
    """By the same lives, histories and crash points that the engine passes without it."""
    assert hunt(what) is not None


def test_the_docs_have_them_all() -> None:
    """docs/reliability.md says of each by what it is found."""
    text = (Path(__file__).parents[2] / "docs" / "reliability.md").read_text()
    assert [
        row.split(" | ")[0].removeprefix("| ")
        for row in text.splitlines()
        if row.startswith("| ") and row.split(" | ")[0][2:] in PLANTED
    ] == list(PLANTED)
    assert len(PLANTED) == 15
