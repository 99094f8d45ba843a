"""Rows that are computed in parts: what comes of them together."""

from __future__ import annotations

import polars as pl

from pipeline import api
from pipeline.lang.spans import Source
from pipeline.plan.flow import Flow
from pipeline.plan.load import load
from pipeline.plan.reentry import condemn, together

PROGRAM = """
source log = generate(count: 1)
transform words = log | grok('^(?<w>[ab]+)')
transform facts = words | window(10s) { n = count() by w }
sink seen = words -> null()
sink shown = facts -> null()
"""


def test_a_batch_in_parts_is_the_batch() -> None:
    """Its range, its records for windows, the time of reading, counts and event time; what is condemned is `in` and `poison`."""
    loaded = load(Source("p.pipe", PROGRAM))
    assert loaded.graph is not None, loaded.diagnostics
    flow = Flow(loaded.graph, "host")
    batch = api.lines(
        [b"a", b"--", b"b", b"a", b"b"], pl.Series([0, 2, 5, 7, 9]), partition="p", start=0, end=11, path="f"
    )
    whole = flow.run("log", batch, 5_000_000)
    parts = [flow.run("log", batch.with_frame(batch.frame[at : at + 2]), 5_000_000) for at in (0, 2, 4)]
    found = together(flow, "log", batch, 5_000_000, parts)
    assert (found.source, found.span, found.received, found.reach) == ("log", batch.span, 5_000_000, whole.reach)
    assert (+found.counts, found.high, found.deltas.keys()) == (+whole.counts, whole.high, whole.deltas.keys())
    assert [(start, window_of(flow, found.deltas["facts"][start])) for start in found.deltas["facts"]] == [
        (start, window_of(flow, whole.deltas["facts"][start])) for start in whole.deltas["facts"]
    ]
    spared = condemn(flow, "log", batch.with_frame(batch.frame[4:]), 5_000_000, "a test")
    fewer = together(flow, "log", batch, 5_000_000, [*parts[:2], spared])
    assert (fewer.counts["log", "in"], fewer.counts["log", "poison"], fewer.counts["words", "in"]) == (5, 1, 4)
    assert (fewer.span, fewer.reach) == (whole.span, whole.reach)


def window_of(flow: Flow, delta: api.Delta) -> list[dict[str, object]]:
    """The rows of a window with this state."""
    step = flow.graph.stages["facts"].window
    assert step is not None
    assert isinstance(step.plugin, api.Window)
    return step.plugin.rows(0, delta).sort("value").to_dicts()
