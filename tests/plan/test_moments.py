"""Times of a test: what they say, and what is no time."""

from __future__ import annotations

import pytest

from pipeline.plan.moments import BEGIN, LATEST, read, shown

NOON = BEGIN + 43_200_000_000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("10:00", "2026-01-01T10:00:00Z"),
        ("9:05:07.25", "2026-01-01T09:05:07.250000Z"),
        ("2026-03-29T01:59:59+01:00", "2026-03-29T00:59:59Z"),
        ("2026-03-29 02:00", "2026-03-29T02:00:00Z"),
        ("2026-03-29", "2026-03-29T00:00:00Z"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
        ("2099-12-31T23:59:59.999999Z", "2099-12-31T23:59:59.999999Z"),
    ],
)
def test_a_time_is_read(text: str, said: str) -> None:
    """A clock time is on the day of the time now; a text without a zone is in UTC."""
    time = read(text, NOON)
    assert time is not None
    assert shown(time) == said


@pytest.mark.parametrize(
    "text", ["24:00", "10:60", "10:00:60", "noon", "", "1969-12-31T23:59:59Z", "2300-01-01T00:00:00Z"]
)
def test_what_is_no_time(text: str) -> None:
    """What is no time of a day, no date, or not between 1970 and 2261."""
    assert read(text, NOON) is None


def test_the_last_time() -> None:
    """Times are microseconds that a clock and a 64-bit integer can hold."""
    assert shown(LATEST) == "2261-01-01T00:00:00Z"
