"""Rows that were made of one record, where that matters: filters that fail on them, samples, and what comes first."""

from __future__ import annotations

import polars as pl
import pytest
from pipeline_plugins.filters.sample import Options as SampleOptions
from pipeline_plugins.filters.sample import Sample

from pipeline import api
from pipeline.columns.batch import stamp
from pipeline.errors import InternalError
from pipeline.lang.spans import Source
from pipeline.plan import isolation
from pipeline.plan.flow import Flow
from pipeline.plan.load import load


class Options(api.Options):
    """None."""


class Fails(api.Filter[Options]):
    """On everything."""

    name = "fails"
    options_model = Options
    example = ""

    def schema(self, columns: api.Columns) -> api.Columns:
        return columns

    def apply(self, batch: api.Batch) -> api.Batch:
        raise ValueError("no")


def batch(*counts: int) -> api.Batch:
    """A record for each number, made into so many rows."""
    made = api.lines([b"x"] * len(counts), pl.Series(range(len(counts))), partition="p", start=0, end=len(counts))
    return stamp(made, source="s", host="h", now=0).repeated(pl.Series(counts))


def test_a_record_of_many_rows_ends_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many rows it is made into; all of them are rejected."""
    monkeypatch.setattr(isolation, "IN_A_ROW", 3)
    found, failing = isolation.applied(Fails(Options()), batch(20, 30), "t: fails")
    assert failing is not None
    assert (failing.rows, failing.of, failing.records) == (50, 50, 2)
    assert found.frame.height == 0
    assert found.rejected[0].select("@offset", "@item").rows() == [
        (at, str(number)) for at, count in enumerate((20, 30)) for number in range(count)
    ]


def test_records_in_a_row_end_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """By their number, not that of their rows."""
    monkeypatch.setattr(isolation, "IN_A_ROW", 3)
    with pytest.raises(InternalError, match="t: fails failed on 3 records in a row"):
        isolation.applied(Fails(Options()), batch(20, 30, 2), "t: fails")


def test_each_row_is_sampled_by_itself() -> None:
    """By its own identity: of one record some rows are kept, and the same ones wherever batches end."""
    rows, sample = batch(400), Sample(SampleOptions(every=4))
    kept = sample.apply(rows).frame["@item"].to_list()
    parts = [sample.apply(rows.with_frame(part)).frame["@item"] for part in (rows.frame[:150], rows.frame[150:])]
    assert 60 < len(kept) < 140
    assert pl.concat(parts).to_list() == kept


PROGRAM = """
source log = generate(count: 1)
transform words = log | set { part = string(@raw) } | split(part, on: ' ')
transform facts = words | window(10s) { earliest = first(part)  latest = last(part) }
sink shown = facts -> null()
"""


def test_rows_of_one_record_have_the_order_in_which_they_were_made() -> None:
    """For `first` and `last`: all else that events are ordered by is the same in them."""
    loaded = load(Source("p.pipe", PROGRAM))
    assert loaded.graph is not None, loaded.diagnostics
    flow = Flow(loaded.graph, "host")
    text = " ".join(str(number) for number in range(3000)).encode()
    given = api.lines([text, text], pl.Series([0, 9]), partition="p", start=None, end=9)
    (delta,) = flow.run("log", given, 5_000_000).deltas["facts"].values()
    step = flow.graph.stages["facts"].window
    assert step is not None
    assert isinstance(step.plugin, api.Window)
    found = {row["metric"]: row["text"] for row in step.plugin.rows(0, delta).to_dicts()}
    assert found == {"earliest": "0", "latest": "2999"}
