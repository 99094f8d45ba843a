"""The long form: one event per metric and key."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from pipeline_plugins.aggregates.count import Count
from pipeline_plugins.aggregates.first import First
from pipeline_plugins.aggregates.max import Max
from pipeline_plugins.aggregates.mean import Mean
from pipeline_plugins.aggregates.min import Min
from pipeline_plugins.aggregates.sum import Sum
from pipeline_plugins.aggregates.top import Top

from pipeline import api
from pipeline.api import windows

TIME = pl.Datetime("us", "UTC")


def frame(**columns: list) -> pl.DataFrame:
    events = pl.DataFrame(columns)
    return events.with_columns(
        pl.lit(0, dtype=pl.Int64).cast(TIME).alias("@timestamp"),
        pl.lit("a:1").alias("@partition"),
        pl.int_range(pl.len()).alias("@offset"),
    )


def rows(events: pl.DataFrame, *measures: windows.Measure, size: int = 10_000_000) -> pl.DataFrame:
    plan = windows.plan(windows.Spec(size, measures))
    made = windows.rows(plan, 0, windows.deltas(plan, events)[0])
    kinds = {**windows.columns(plan.spec), "key": api.STRING}
    assert list(made.schema.items()) == [(name, api.dtype(kind)) for name, kind in kinds.items()]
    return made


def key(name: str, kind: api.Type = api.STRING) -> windows.Key:
    return windows.Key((name,), pl.col(name), kind)


def test_a_row_says_its_metric_group_value_window_and_identity():
    """The columns of the simplest window."""
    made = rows(
        frame(status=[200, 404, 200]), windows.Measure("requests", Count(), (), api.INT, (key("status", api.INT),))
    )
    start, end = datetime(1970, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, 0, 0, 10, tzinfo=UTC)
    assert made.rows(named=True) == [
        {"metric": "requests", "by": f'{{"status":{status}}}', "value": count, "window_start": start, "window_end": end}
        | {"key": f'["requests",{{"status":{status}}}]'}
        for status, count in [(200, 2), (404, 1)]
    ]


def test_the_window_over_everything_has_no_bounds():
    """Size 0 leaves `window_start` and `window_end` out."""
    made = rows(frame(a=[1]), windows.Measure("n", Count(), (), api.INT), size=0)
    assert made.rows() == [("n", None, 1, '["n",null]')]


def test_groups_of_any_type_are_json_values():
    """Nulls, booleans, floats, times, JSON and texts with quotes keep their type in `by`."""
    events = frame(
        s=['"\\\n\u2028é'],
        i=[None],
        b=[True],
        f=[1.5],
        t=[datetime(2024, 1, 2, 3, 4, 5, 6, UTC)],
        j=['{"a":[1]}'],
        n=[None],
    ).cast({"t": TIME, "i": pl.Int64, "n": pl.String})
    kinds = {"s": api.STRING, "i": api.INT, "b": api.BOOL, "f": api.FLOAT, "t": api.TIME, "j": api.JSON, "n": api.JSON}
    by = tuple(key(name, kind) for name, kind in kinds.items())
    (text,) = rows(events, windows.Measure("n", Count(), (), api.INT, by)).get_column("by").to_list()
    assert json.loads(text) == {
        "s": '"\\\n\u2028é',
        "i": None,
        "b": True,
        "f": 1.5,
        "t": "2024-01-02T03:04:05.000006Z",
        "j": {"a": [1]},
        "n": None,
    }


def test_null_and_the_text_null_are_different_groups():
    """A null group is kept and told from the string `null`."""
    made = rows(frame(k=[None, "null", None]), windows.Measure("n", Count(), (), api.INT, (key("k"),)))
    assert dict(made.select("key", "value").rows()) == {'["n",{"k":null}]': 2, '["n",{"k":"null"}]': 1}


def test_minus_zero_and_zero_are_one_group():
    """The group is 0.0 whichever came first."""
    made = rows(frame(k=[-0.0, 0.0]), windows.Measure("n", Count(), (), api.INT, (key("k", api.FLOAT),)))
    assert made.select("by", "value").rows() == [('{"k":0.0}', 2)]


def test_nan_infinities_and_null_are_groups_of_their_own():
    """What JSON cannot say is a string in `by`."""
    odd = [float("nan"), None, float("inf"), float("-inf"), 1.5]
    made = rows(frame(k=odd), windows.Measure("n", Count(), (), api.INT, (key("k", api.FLOAT),)))
    assert set(made.get_column("by")) == {
        f'{{"k":{text}}}' for text in ('"NaN"', "null", '"Infinity"', '"-Infinity"', "1.5")
    }
    assert made.get_column("key").n_unique() == 5


def test_a_ranking_has_ranks_and_is_identified_by_them():
    """Ties are in order of the key, null is left out, and the identity holds the rank instead of the key."""
    top = windows.Measure("top", Top(), (2, pl.col("ip")), api.INT, ranked=("ip", api.STRING))
    made = rows(frame(ip=["c", "b", None, "a", "b", None, None]), top)
    assert made.select("by", "value", "rank", "key").rows() == [
        ('{"ip":"b"}', 2, 1, '["top",null,1]'),
        ('{"ip":"a"}', 1, 2, '["top",null,2]'),
    ]


def test_texts_times_and_booleans_are_text_and_durations_seconds():
    """`value` is float as soon as one metric is."""
    events = frame(s=["b", "a"], t=[0, 1_500_000], d=[300_000, 1], b=[True, False], i=[1, 2]).cast(
        {"t": TIME, "d": pl.Duration("us")}
    )
    made = rows(
        events,
        windows.Measure("s", Min(), (pl.col("s"),), api.STRING),
        windows.Measure("t", Max(), (pl.col("t"),), api.TIME),
        windows.Measure("b", First(), (pl.col("b"),), api.BOOL),
        windows.Measure("d", Max(), (pl.col("d"),), api.DURATION),
        windows.Measure("i", Sum(), (pl.col("i"),), api.INT),
    )
    assert made.select("metric", "value", "text").rows() == [
        ("s", None, "a"),
        ("t", None, "1970-01-01T00:00:01.5Z"),
        ("b", None, "true"),
        ("d", 0.3, None),
        ("i", 3.0, None),
    ]


@pytest.mark.parametrize("empty", ["where", "null"])
def test_what_nothing_amounts_to(empty):
    """A metric without `by` has its event: 0 for counts and sums, null for others, and a ranking has none."""
    where = pl.lit(value=False) if empty == "where" else None
    events = frame(x=pl.Series([1 if empty == "where" else None], dtype=pl.Int64))
    x = (pl.col("x"),)
    made = rows(
        events,
        windows.Measure("sum", Sum(), x, api.INT, (), where),
        windows.Measure("mean", Mean(), x, api.FLOAT, (), where),
        windows.Measure("min", Min(), x, api.INT, (), where),
        windows.Measure("first", First(), x, api.INT, (), where),
        windows.Measure("top", Top(), (3, *x), api.INT, (), where, ("x", api.INT)),
    )
    assert made.select("metric", "value").rows() == [("sum", 0.0), ("mean", None), ("min", None), ("first", None)]


def test_a_window_of_empty_rankings_has_no_events():
    """All columns are there nevertheless."""
    top = windows.Measure("top", Top(), (3, pl.col("x")), api.INT, (), None, ("x", api.STRING))
    assert rows(frame(x=pl.Series([None], dtype=pl.String)), top).is_empty()


def test_a_sum_that_does_not_fit_is_null_and_fits_again():
    """Overflow is judged at the end, not on the way."""
    most = 2**63 - 1
    total = windows.Measure("n", Sum(), (pl.col("x"),), api.INT)
    assert rows(frame(x=[most, 1]), total).get_column("value").to_list() == [None]
    assert rows(frame(x=[most, 1, -1]), total).get_column("value").to_list() == [most]


def test_the_identity_survives_more_rows():
    """A revision has the keys of the revision before it."""
    measures = (windows.Measure("n", Count(), (), api.INT, (key("k"),)),)
    before, after = rows(frame(k=["a"]), *measures), rows(frame(k=["a", "a", "b"]), *measures)
    assert set(before.get_column("key")) <= set(after.get_column("key"))
    assert timedelta(0) == after.get_column("window_start").item(0) - before.get_column("window_start").item(0)
