"""What docs/reliability.md promises has the tests that it names."""

from __future__ import annotations

import re

from pages import ROOT


def test_every_test_that_is_named_exists() -> None:
    """By its name, in the test folder."""
    text = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", text))
    there = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert named
    assert named - there == set()
