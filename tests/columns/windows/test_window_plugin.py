"""The filter `window`: options, columns, rejected rows, identity of its state."""

from __future__ import annotations

import pickle
from dataclasses import replace

import polars as pl
import pytest
from pipeline_plugins.aggregates.count import Count
from pipeline_plugins.aggregates.first import First
from pipeline_plugins.aggregates.max import Max
from pipeline_plugins.aggregates.mean import Mean
from pipeline_plugins.aggregates.min import Min
from pipeline_plugins.aggregates.quantile import Quantile
from pipeline_plugins.aggregates.rate import Rate
from pipeline_plugins.aggregates.sum import Sum
from pipeline_plugins.aggregates.top import Top
from pipeline_plugins.filters.window import Options, TimeWindow

from pipeline import api

SECOND = 1_000_000
STATUS = api.Field(("status",), api.INT)
REQUESTS = api.Metric("requests", Count(), ())


def value(*path: str, kind: api.Type = api.STRING) -> api.Expr:
    field = api.Field(path, kind)
    return api.Expr(field.polars, kind, field.name, frozenset([path]))


def window(*metrics: api.Metric, size: int = 10 * SECOND, **options: object) -> TimeWindow:
    """`size` 0, which only queries use, passes the model's limit as they do."""
    made = Options.model_validate({"size": size or SECOND, "block": api.Metrics(metrics), **options})
    return TimeWindow(made.model_copy(update={"size": size}))


def names(plugin: TimeWindow) -> dict[str, str]:
    return {name: str(kind) for name, kind in plugin.schema(api.Columns({})).fields.items()}


def test_the_smallest_window_has_no_text_and_no_rank():
    """`text` and `rank` are columns only where a metric needs them."""
    assert list(names(window(REQUESTS)).items()) == [
        ("id", "string"),
        ("metric", "string"),
        ("by", "json"),
        ("value", "int"),
        ("window_start", "time"),
        ("window_end", "time"),
        ("host", "string"),
        ("revision", "int"),
        ("part", "int"),
        ("partial", "bool"),
    ]


def test_floats_texts_and_rankings_have_their_columns():
    """One float makes `value` float."""
    found = names(
        window(
            REQUESTS,
            api.Metric("top", Top(), (3, value("ip"))),
            api.Metric("first", First(), (value("ip"),)),
            api.Metric("mean", Mean(), (value("n", kind=api.INT),)),
        )
    )
    assert (found["value"], found["text"], found["rank"]) == ("float", "string", "int")


def test_a_window_by_groups_has_the_metrics_as_columns():
    """Nested group fields are records, rankings lists."""
    plugin = window(
        REQUESTS,
        api.Metric("top", Top(), (3, value("ip"))),
        by=(api.Field(("geo", "country"), api.STRING), api.Field(("@path",), api.STRING)),
    )
    assert list(names(plugin).items())[1:5] == [
        ("geo", "{country: string}"),
        ("path", "string"),
        ("requests", "int"),
        ("top", "list of {key: string, count: int}"),
    ]


def test_a_ranking_is_named_by_its_field_or_by_its_text():
    """`top(1, geo.country)` gives `{"geo.country": …}`, an expression its source."""
    lower = api.Expr(pl.col("ip").str.to_lowercase(), api.STRING, "lower(ip)", frozenset([("ip",)]))
    plugin = window(api.Metric("a", Top(), (1, value("geo", "country"))), api.Metric("b", Top(), (1, lower)))
    frame = pl.DataFrame({"@timestamp": [0], "geo": [{"country": "DE"}], "ip": ["A"]})
    _, deltas = plugin.deltas(api.Batch(frame.cast({"@timestamp": pl.Datetime("us", "UTC")}), {}))
    assert plugin.rows(0, deltas[0]).get_column("by").to_list() == ['{"geo.country":"DE"}', '{"lower(ip)":"a"}']


def test_the_null_of_json_is_null():
    """A group of JSON text `null` and of no value is one group."""
    plugin = window(replace(REQUESTS, by=(api.Field(("j",), api.JSON),)))
    frame = pl.DataFrame({"@timestamp": [0, 0, 0], "j": ["null", None, '"null"']})
    _, deltas = plugin.deltas(api.Batch(frame.cast({"@timestamp": pl.Datetime("us", "UTC")}), {}))
    assert dict(plugin.rows(0, deltas[0]).select("by", "value").rows()) == {'{"j":null}': 2, '{"j":"null"}': 1}


NUMBER, TEXT = value("n", kind=api.INT), value("s")
WRONG = {
    "no metrics": (lambda: window(), "a window needs a metric"),
    "slide": (lambda: window(REQUESTS, slide=3 * SECOND), "slide must divide size"),
    "slide too long": (lambda: window(REQUESTS, slide=20 * SECOND), "slide must divide size"),
    "slide of everything": (lambda: window(REQUESTS, size=0, slide=SECOND), "slide must divide size"),
    "on text": (lambda: window(REQUESTS, on=api.Field(("s",), api.STRING)), "s is string, not a time"),
    "on nested": (lambda: window(REQUESTS, on=api.Field(("a", "t"), api.TIME)), "a.t is inside a record"),
    "twice": (lambda: window(REQUESTS, REQUESTS), "there are two metrics requests"),
    "reserved": (lambda: window(replace(REQUESTS, name="window_start"), by=(STATUS,)), "cannot be called window_start"),
    "group": (lambda: window(replace(REQUESTS, name="status"), by=(STATUS,)), "cannot be called status"),
    "two by": (
        lambda: window(replace(REQUESTS, by=(STATUS,)), by=(STATUS,)),
        "requests has a `by` and the window has one",
    ),
    "by host": (lambda: window(REQUESTS, by=(api.Field(("@host",), api.STRING),)), "cannot be called host"),
    "by twice": (lambda: window(replace(REQUESTS, by=(STATUS, STATUS))), "status is there twice"),
    "by bytes": (lambda: window(replace(REQUESTS, by=(api.Field(("@raw",), api.BYTES),))), "@raw is bytes and cannot"),
    "by inside": (
        lambda: window(REQUESTS, by=(api.Field(("a",), api.STRING), api.Field(("a", "b"), api.STRING))),
        "a.b is inside a",
    ),
    "sum": (lambda: window(api.Metric("x", Sum(), (TEXT,))), "x: sum adds numbers, not string"),
    "mean": (lambda: window(api.Metric("x", Mean(), (TEXT,))), "x: mean averages numbers, not string"),
    "min": (lambda: window(api.Metric("x", Min(), (value("l", kind=api.list_of(api.INT)),))), "x: min compares"),
    "max": (lambda: window(api.Metric("x", Max(), (1,))), "not a constant"),
    "quantile": (
        lambda: window(api.Metric("x", Quantile(), (NUMBER, 1.5))),
        "quantile needs a share from 0 to 1, not 1.5",
    ),
    "top": (lambda: window(api.Metric("x", Top(), (0, TEXT))), "top needs a whole number of ranks, at least 1, not 0"),
    "first": (
        lambda: window(api.Metric("x", First(), (value("r", kind=api.record({"a": api.INT})),))),
        "cannot hold a",
    ),
    "rate": (lambda: window(api.Metric("x", Rate(), ()), size=0), "rate() needs a window with a length"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_options_are_refused(name):
    """The message says what does not fit."""
    make, message = WRONG[name]
    with pytest.raises(api.OptionError) as error:
        make()
    assert message in error.value.message
    assert error.value.option in ("block", "slide", "on", "by")


def test_events_without_a_time_and_failed_conversions_are_rejected():
    """`no_time` names the field; a guard of a metric's `where` rejects with its own reason."""
    guard = api.Guard(pl.col("n") < 10, "not_an_int", "n")
    where = api.Expr(pl.col("n") > 1, api.BOOL, "int!(n) > 1", guards=(guard,))
    plugin = window(replace(REQUESTS, where=where), on=api.Field(("t",), api.TIME))
    length = 4
    frame = api.lines([b"x"] * length, pl.Series(range(length)), partition="a", start=0, end=length).frame.with_columns(
        pl.lit("s").alias("@source"),
        pl.lit("h").alias("@host"),
        pl.lit(None, dtype=pl.String).alias("@item"),
        pl.lit(0, dtype=pl.Int64).cast(pl.Datetime("us", "UTC")).alias("@timestamp"),
        pl.Series("t", [0, None, 5, 7], dtype=pl.Int64).cast(pl.Datetime("us", "UTC")),
        pl.Series("n", [1, 2, 3, 11]),
    )
    batch, deltas = plugin.deltas(api.Batch(frame, {}))
    assert [
        (bad["@error"][0]["reason"], bad["@error"][0]["field"], bad["@offset"].to_list()) for bad in batch.rejected
    ] == [
        ("not_an_int", "n", [3]),
        ("no_time", "t", [1]),
    ]
    assert batch.frame.get_column("@offset").to_list() == [0, 2]
    assert plugin.rows(0, deltas[0]).get_column("value").to_list() == [1]


def test_the_fingerprint_changes_with_the_meaning_of_the_state_only():
    """Size, metrics and conditions change it; waiting and keeping do not."""
    here = window(REQUESTS).fingerprint
    assert window(REQUESTS, lateness=SECOND, keep=0, idle=SECOND).fingerprint == here
    condition = api.Expr(pl.col("a"), api.BOOL, "a")
    others = [
        window(REQUESTS, size=SECOND),
        window(REQUESTS, slide=SECOND),
        window(replace(REQUESTS, name="r")),
        window(replace(REQUESTS, by=(STATUS,))),
        window(replace(REQUESTS, where=condition)),
        window(REQUESTS, by=(STATUS,)),
        window(REQUESTS, on=api.Field(("@received",), api.TIME)),
        window(api.Metric("requests", Sum(), (NUMBER,))),
        window(api.Metric("requests", Sum(), (value("n", kind=api.FLOAT),))),
    ]
    assert len({here, *(other.fingerprint for other in others)}) == len(others) + 1


def test_a_pickled_window_gives_the_same_rows():
    """Flows travel to other processes."""
    plugin = window(
        REQUESTS, api.Metric("top", Top(), (3, value("ip"))), api.Metric("v", Sum(), (value("f", kind=api.FLOAT),))
    )
    frame = pl.DataFrame({"@timestamp": [0, 1], "ip": ["a", None], "f": [0.1, 0.2]}).cast(
        {"@timestamp": pl.Datetime("us", "UTC")}
    )
    other = pickle.loads(pickle.dumps(plugin))
    _, deltas = plugin.deltas(api.Batch(frame, {}))
    _, others = other.deltas(api.Batch(frame, {}))
    assert other.rows(0, plugin.load(plugin.dump(others[0]))).rows() == plugin.rows(0, deltas[0]).rows()


def test_explain_says_what_becomes_of_events_after_keep():
    """Counts and sums go on in an extra part, the rest is partial."""
    plugin = window(REQUESTS, api.Metric("top", Top(), (3, value("ip"))))
    assert plugin.describe() == {
        "events after keep": "requests: an extra part to add; top: marked partial",
        "groups": "50,000 of a metric in a window at most; the rest is counted as __other__",
    }
