"""Names in the folder of tests."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

TESTS = Path(__file__).parents[1]


def test_no_two_modules_of_the_tests_have_one_name():
    """Outside packages each is imported by its bare name, so a second one would be taken for the first or not, by chance."""
    modules = [path for path in TESTS.rglob("*.py") if not (path.parent / "__init__.py").exists()]
    assert [
        name for name, count in Counter(path.name for path in modules).items() if count > 1 and name != "conftest.py"
    ] == []
