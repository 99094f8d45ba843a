"""The wide form: one event per group, metrics as columns."""

from __future__ import annotations

import polars as pl
import pytest
from pipeline_plugins.aggregates.count import Count
from pipeline_plugins.aggregates.distinct import Distinct
from pipeline_plugins.aggregates.max import Max
from pipeline_plugins.aggregates.sum import Sum
from pipeline_plugins.aggregates.top import Top

from pipeline import api
from pipeline.api import windows

HOST = windows.Key(("site",), pl.col("site"), api.STRING)
COUNTRY = windows.Key(("geo", "country"), pl.col("geo").struct.field("country"), api.STRING)
EVENTS = pl.DataFrame(
    {
        "@timestamp": pl.Series([0, 1, 2, 3], dtype=pl.Int64).cast(pl.Datetime("us", "UTC")),
        "site": ["a", "a", None, "b"],
        "geo": [{"country": "DE"}, {"country": None}, None, {"country": "DE"}],
        "n": [1, 5, 2**63 - 1, None],
        "s": ["x", "y", "x", None],
    }
)
LARGE = pl.col("n") > 4
MEASURES = (
    windows.Measure("requests", Count(), (), api.INT),
    windows.Measure("large", Count(), (), api.INT, (), LARGE),
    windows.Measure("volume", Sum(), (pl.col("n") + 0,), api.INT),
    windows.Measure("most", Max(), (pl.col("n"),), api.INT, (), LARGE),
    windows.Measure("kinds", Distinct(), (pl.col("s"),), api.INT),
    windows.Measure("top", Top(), (2, pl.col("s")), api.INT, (), None, ("s", api.STRING)),
)


def rows(spec: windows.Spec, *batches: pl.DataFrame) -> pl.DataFrame:
    plan = windows.plan(spec)
    state = windows.merge(plan, [windows.deltas(plan, batch)[0] for batch in batches])
    made = windows.rows(plan, 0, state)
    assert dict(made.drop("key").schema) == {name: api.dtype(kind) for name, kind in windows.columns(spec).items()}
    return made


def test_every_group_has_one_event_with_all_metrics():
    """Groups that a metric's `where` left empty have the value of no rows; a null group is a group."""
    spec = windows.Spec(0, MEASURES, by=(HOST,))
    expected = [
        ('{"site":"a"}', "a", 2, 1, 6, 5, 2, [{"key": "x", "count": 1}, {"key": "y", "count": 1}]),
        ('{"site":"b"}', "b", 1, 0, 0, None, 0, []),
        ('{"site":null}', None, 1, 1, 2**63 - 1, 2**63 - 1, 1, [{"key": "x", "count": 1}]),
    ]
    columns = ("key", "site", *(measure.name for measure in MEASURES))
    assert rows(spec, EVENTS).select(columns).rows() == expected
    assert rows(spec, EVENTS[3:], EVENTS[:1], EVENTS[1:3]).select(columns).rows() == expected


def test_a_value_that_is_null_because_of_its_rows_stays_null():
    """An overflow is not taken for an absent group, whose sum is 0."""
    spec = windows.Spec(0, (windows.Measure("volume", Sum(), (pl.col("n") * 1,), api.INT),), by=(HOST,))
    twice = pl.concat([EVENTS, EVENTS])
    assert dict(rows(spec, twice).select("site", "volume").rows()) == {"a": 12, "b": 0, None: None}


def test_nested_group_fields_are_members_of_records():
    """`by [geo.country, site]` gives a record `geo` and the identity names both."""
    made = rows(windows.Spec(10, MEASURES[:1], by=(COUNTRY, HOST)), EVENTS)
    assert made.select("geo", "site", "requests", "key").rows() == [
        ({"country": "DE"}, "a", 1, '{"geo.country":"DE","site":"a"}'),
        ({"country": "DE"}, "b", 1, '{"geo.country":"DE","site":"b"}'),
        ({"country": None}, "a", 1, '{"geo.country":null,"site":"a"}'),
        ({"country": None}, None, 1, '{"geo.country":null,"site":null}'),
    ]
    assert made.columns[-3:] == ["window_start", "window_end", "key"]


def test_unconditional_metrics_share_one_frame_with_the_groups():
    """`count` and `sum` need no group-by of their own."""
    assert windows.plan(windows.Spec(10, MEASURES, by=(HOST,))).place == (0, 1, 0, 1, 2, 3)


@pytest.mark.parametrize("by", [(HOST, HOST), (windows.Key(("geo",), pl.col("geo"), api.JSON), COUNTRY)])
def test_clashing_group_fields_are_refused(by):
    """One field cannot be there twice, or hold another."""
    with pytest.raises(ValueError, match=r"twice|inside"):
        windows.columns(windows.Spec(10, MEASURES, by=by))
