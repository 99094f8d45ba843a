"""How far event time has come."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pipeline.agent.watermarks import LEAD, Activity, watermark, watermarks
from pipeline.plan.effects import Effects
from pipeline.plan.graph import Graph, Port, Stage

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
    activity = Activity(started=0.0)
    for partition, last in seen.items():
        activity.saw("s", partition, last)
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
        ("a stamp from the future is capped", {"a": NOW * 9}, {"a": 1}, {}, frozenset(), NOW + LEAD),
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


WINDOW = SimpleNamespace(idle=10 * SECOND)

GRAPH = Graph(
    "g",
    {
        "a": Stage("a", "source"),
        "b": Stage("b", "source"),
        "both": Stage("both", "transform", upstream=(Port("a"), Port("b"))),
        "one": Stage("one", "transform", upstream=(Port("a"),)),
    },
    frozenset(),
)


def marks(activity: Activity, backlogs: dict[str, dict[str, int]], *effects: Effects, at: float) -> dict[str, int]:
    stored = {"both": {"p": 5 * SECOND, "q": 9 * SECOND}, "one": {"p": 5 * SECOND}}
    windows = {"both": WINDOW, "one": WINDOW}
    return watermarks(
        GRAPH,
        windows,  # type: ignore[arg-type]  # as much of a window as is asked for
        stored,
        effects,
        backlogs,
        {},
        activity,
        now=NOW,
        monotonic=at,
    )


def test_a_stage_waits_for_the_slower_of_its_sources() -> None:
    """A source counts where it is read, with what this commit adds to it."""
    backlogs = {"a": {"p": 1}, "b": {"q": 1}}
    assert marks(Activity(0.0), backlogs, at=100.0) == {"both": 5 * SECOND, "one": 5 * SECOND}
    later = Effects(source="a", high={"both": {"p": 7 * SECOND}, "one": {"p": 4 * SECOND}})
    assert marks(Activity(0.0), backlogs, later, at=100.0) == {"both": 7 * SECOND, "one": 5 * SECOND}


def test_a_source_without_a_time_holds_back_only_what_reads_it() -> None:
    """Unread data of `b` without any event time: `one` does not know `b`."""
    assert marks(Activity(0.0), {"a": {"p": 1}, "b": {"new": 1}}, at=100.0) == {"one": 5 * SECOND}


def test_a_forgotten_partition_leaves_nothing_but_that_there_was_data() -> None:
    """Its record is gone, and the time that passed since is counted as before."""
    activity = Activity(0.0)
    activity.saw("a", "p", 60.0)
    activity.saw("b", "q", 80.0)
    before = marks(activity, {}, at=100.0)
    assert before == {"both": 29 * SECOND, "one": 45 * SECOND}
    activity.forget("b", "q")
    activity.forget("b", "never")
    assert marks(activity, {}, at=100.0) == before
    assert activity.seen == {"a": {"p": 60.0}, "b": {}}
