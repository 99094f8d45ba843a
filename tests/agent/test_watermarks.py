"""How far event time has come."""

from __future__ import annotations

import pytest

from pipeline.agent.watermarks import AHEAD, Activity, watermark

SECOND = 1_000_000
NOW = 10_000 * SECOND


def mark(
    high: dict[str, int],
    backlog: dict[str, int],
    seen: dict[str, float],
    *,
    computing: frozenset[str] = frozenset(),
    at: float = 100.0,
) -> int | None:
    activity = Activity(started=0.0, seen={"s": seen})
    return watermark(
        high=high,
        backlogs={"s": backlog},
        computing={"s": computing},
        activity=activity,
        idle=10 * SECOND,
        now=NOW,
        monotonic=at,
    )


@pytest.mark.parametrize(
    ("what", "high", "backlog", "seen", "computing", "expected"),
    [
        ("the lowest of busy partitions", {"a": 5, "b": 9}, {"a": 1, "b": 1}, {}, frozenset(), 5),
        ("a partition with recent data counts", {"a": 5, "b": 9}, {"a": 0, "b": 1}, {"a": 95.0}, frozenset(), 5),
        ("a quiet one does not", {"a": 5, "b": 9}, {"a": 0, "b": 1}, {"a": 89.0}, frozenset(), 9),
        ("a finished one does not", {"a": 5, "b": 9}, {"b": 1}, {"a": 99.0, "b": 99.0}, frozenset(), 9),
        ("unread data without a time holds everything", {"b": 9}, {"a": 1, "b": 1}, {}, frozenset(), None),
        ("so does data that is being computed", {"b": 9}, {"b": 1}, {}, frozenset({"a"}), None),
        ("nothing known yet", {}, {}, {}, frozenset(), None),
        ("idle less than `idle`: unknown", {"a": 5}, {}, {"a": 95.0}, frozenset(), None),
        ("all idle: elapsed time is added", {"a": 5}, {"a": 0}, {"a": 80.0}, frozenset(), 5 + 20 * SECOND),
        ("a stamp from the future is capped", {"a": NOW * 9}, {"a": 1}, {}, frozenset(), NOW + AHEAD),
    ],
)
def test_the_watermark_of_a_stage(
    what: str,
    high: dict[str, int],
    backlog: dict[str, int],
    seen: dict[str, float],
    computing: frozenset[str],
    expected: int | None,
) -> None:
    """Each rule of the module's docstring by one case."""
    assert mark(high, backlog, seen, computing=computing) == expected, what
