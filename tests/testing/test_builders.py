"""Builders and fakes for tests of plugins."""

from __future__ import annotations

import asyncio

import polars as pl
import pytest

from pipeline import api
from pipeline.testing import FakeContext, batch, columns_of, events, rejected
from pipeline.testing.life import EPOCH


def test_a_batch_of_dicts():
    """Fields have the types of their values, or those that are given; what a row lacks is null."""
    made = batch({"a": 1, "b": {"c": "x"}}, {"a": None, "d": b"\x00"}, types={"e": api.list_of(api.FLOAT)})
    assert events(made) == [
        {"e": None, "a": 1, "b": {"c": "x"}, "d": None},
        {"e": None, "a": None, "b": None, "d": b"\x00"},
    ]
    assert columns_of(made) == api.Columns(
        {"e": api.list_of(api.FLOAT), "a": api.INT, "b": api.record({"c": api.STRING}), "d": api.BYTES}
    )


def test_a_batch_of_lines():
    """Texts and bytes are records; all metadata is there."""
    made = batch("a line", b"\xff", partition="q", start=7)
    assert made.frame["@raw"].to_list() == [b"a line", b"\xff"]
    assert made.frame["@offset"].to_list() == [7, 8]
    assert dict(made.span) == {"q": api.Span(7, 9)}
    assert tuple(made.frame.columns) == api.CARRIED
    assert made.frame["@timestamp"].dt.timestamp("us").to_list() == [EPOCH, EPOCH]


def test_metadata_can_be_given():
    """A name that begins with @ is metadata."""
    made = batch({"@host": "web1", "@raw": b"x"}, {"@host": "web2", "@raw": b"y"})
    assert made.frame["@host"].to_list() == ["web1", "web2"]
    assert made.frame["@raw"].to_list() == [b"x", b"y"]


def test_what_was_rejected():
    """Raw record, reason, field, detail."""
    made = batch("a", "b").reject(pl.Series([False, True]), "odd", field="x", detail="why")
    assert rejected(made) == [(b"b", "odd", "x", "why")]


def test_a_context_keeps_what_is_said_and_counted():
    """Time passes by `sleep` and `advance` alone; log and metrics are lists and counters."""

    async def work(ctx):
        await ctx.clock.sleep(3600)
        ctx.clock.advance(1)
        ctx.log.warning("late", by=2)
        ctx.metrics.count("n.rows", 3)
        ctx.metrics.count("n.rows")
        ctx.metrics.gauge("n.open", 1)
        assert await ctx.run(int, "7") == 7
        return ctx.clock.now(), ctx.clock.monotonic()

    with FakeContext() as ctx:
        assert asyncio.run(work(ctx)) == (EPOCH + 3_601_000_000, 3601)
    assert ctx.clock.sleeps == [3600]
    assert ctx.log.said == [("warning", "late", {"by": 2})]
    assert (ctx.metrics.counts, ctx.metrics.gauges) == ({"n.rows": 4}, {"n.open": 1})


def test_the_world_can_fail():
    """The n-th use of files, threads or random names raises OSError."""
    with FakeContext(fails_at=2) as ctx:
        assert ctx.unique() == "0000000000000001"
        with pytest.raises(OSError, match="the test says so"):
            ctx.unique()
        assert ctx.unique() == "0000000000000003"


def test_the_columns_of_a_batch_with_a_rest_are_open():
    """Members that nobody named are in it."""
    made = batch({"x": 1})
    assert columns_of(made) == api.Columns({"x": api.INT})
    assert columns_of(made.with_columns(pl.Series("@rest", ["{}"]))) == api.Columns({"x": api.INT}, open=True)


def test_rows_may_be_rejected_for_reasons_of_their_own():
    """Each leaves with its reason and its detail, in the order in which they came."""
    reasons, details = pl.Series(["odd", None, "even", "odd"]), pl.Series(["1", None, "2", None])
    made = batch("a", "b", "c", "d").reject(reasons.is_not_null(), reasons, detail=details)
    assert rejected(made) == [(b"a", "odd", None, "1"), (b"c", "even", None, "2"), (b"d", "odd", None, None)]
    assert made.frame["@raw"].to_list() == [b"b"]


def test_options_are_given_by_their_name_in_python_or_in_programs():
    """An alias is for names that Python does not allow."""

    class Options(api.Options):
        since: str = api.option("Where to begin.", alias="from")

    assert Options(since="a") == Options(**{"from": "a"})
    assert list(Options.named()) == ["from"]
