"""`first` and `last` go by time, then partition, then offset as a number."""

from __future__ import annotations

import itertools

import polars as pl
import pytest
from pipeline_plugins.aggregates.first import First
from pipeline_plugins.aggregates.last import Last

from pipeline import api
from pipeline.api import windows

EVENTS = [
    (5, "a:1", 9, "first"),
    (5, "a:1", 10, "second"),
    (5, "b:1", 2, "third"),
    (5, "c:1", 4, "fourth"),
    (6, "a:1", 11, "before"),
    (6, "b:1", 3, "last"),
    (4, "a:1", 1, None),
    (7, "a:1", 12, None),
]


def frame(events: list[tuple]) -> pl.DataFrame:
    made = pl.DataFrame(events, schema=["@timestamp", "@partition", "@offset", "x"], orient="row")
    return made.cast({"@timestamp": pl.Datetime("us", "UTC"), "x": pl.String})


@pytest.mark.parametrize(("aggregate", "expected"), [(First(), ["first", "second", "third"]), (Last(), ["last"])])
@pytest.mark.parametrize("split", [True, False])
def test_order_is_that_of_the_events_not_of_arrival(aggregate, expected, split):
    """All orders of arrival, in one batch or one batch an event, give the event that comes first (or last) with a value."""
    plan = windows.plan(windows.Spec(10, (windows.Measure("x", aggregate, (pl.col("x"),), api.STRING),)))
    for dropped, value in enumerate(expected):
        for order in itertools.islice(itertools.permutations(EVENTS[dropped:]), 0, None, 499):
            batches = [[event] for event in order] if split else [list(order)]
            state = windows.merge(plan, [windows.deltas(plan, frame(batch))[0] for batch in batches])
            assert windows.rows(plan, 0, state).get_column("text").to_list() == [value]
