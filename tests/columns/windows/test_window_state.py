"""Rows to state: which windows, and what stays in memory."""

from __future__ import annotations

import subprocess
import sys

import polars as pl
import pytest
from pipeline_plugins.aggregates.count import Count
from pipeline_plugins.aggregates.sum import Sum
from pipeline_plugins.aggregates.top import Top

from pipeline import api
from pipeline.api import windows

COUNT = windows.Measure("requests", Count(), (), api.INT)
NONE = windows.Measure("nothing", Count(), (), api.INT, where=pl.lit(value=False))


def at(*micros: int) -> pl.DataFrame:
    return pl.DataFrame({"@timestamp": pl.Series(micros, dtype=pl.Int64).cast(pl.Datetime("us", "UTC"))})


def counts(spec: windows.Spec, frame: pl.DataFrame) -> dict[int, list[int]]:
    plan = windows.plan(spec)
    return {
        start: windows.rows(plan, start, state).get_column("value").to_list()
        for start, state in windows.deltas(plan, frame).items()
    }


def test_windows_start_at_multiples_of_their_size_before_and_after_the_epoch():
    """The start of a window is the floor of the time, also for negative times; the end is exclusive."""
    frame = at(-11, -10, -1, 0, 9, 10)
    assert counts(windows.Spec(10, (COUNT,)), frame) == {-20: [1], -10: [2], 0: [2], 10: [1]}


def test_one_window_in_a_batch_gives_the_same_as_many():
    """The path without grouping by window answers alike."""
    spec = windows.Spec(10, (COUNT, NONE))
    many = counts(spec, at(1, 2, 15))
    assert counts(spec, at(1, 2)) == {0: many[0]}
    assert many == {0: [2, 0], 10: [1, 0]}


def test_a_row_is_in_every_window_that_slides_over_it():
    """Size 30 and slide 10 put each row in three windows, whether or not the batch has one pane."""
    spec = windows.Spec(30, (COUNT,), slide=10)
    assert counts(spec, at(5)) == {-20: [1], -10: [1], 0: [1]}
    assert counts(spec, at(5, 15)) == {-20: [1], -10: [2], 0: [2], 10: [1]}


def test_a_window_with_rows_exists_though_no_metric_counts_them():
    """`where` empties a metric, not the window."""
    assert counts(windows.Spec(10, (NONE,)), at(3)) == {0: [0]}
    assert counts(windows.Spec(10, (NONE,)), at(3, 14)) == {0: [0], 10: [0]}
    assert counts(windows.Spec(10, (NONE,), slide=5), at(3, 14)) == {-5: [0], 0: [0], 5: [0], 10: [0]}


def test_no_rows_make_no_window():
    """An empty batch adds nothing."""
    assert counts(windows.Spec(10, (COUNT,)), at()) == {}


def test_size_zero_is_one_window_over_everything():
    """All rows, whatever their time, are in the window that starts at 0."""
    assert counts(windows.Spec(0, (COUNT,)), at(-5, 10**15)) == {0: [2]}


def test_a_constant_argument_counts_once_a_row():
    """`sum(1)` adds one for every row."""
    one = windows.Measure("ones", Sum(), (pl.lit(1),), api.INT)
    assert counts(windows.Spec(10, (one,)), at(1, 2, 3)) == {0: [3]}


def test_metrics_that_group_alike_share_a_frame():
    """Equal `by` and `where` make one group-by; rankings and other conditions have their own."""
    key = windows.Key(("k",), pl.col("k"), api.STRING)
    measures = (
        windows.Measure("requests", Count(), (), api.INT, (key,), pl.col("n") > 1),
        windows.Measure("volume", Sum(), (pl.col("n"),), api.INT, (key,), pl.col("n") > 1),
        windows.Measure("other", Sum(), (pl.col("n"),), api.INT, (key,), pl.col("n") > 2),
        windows.Measure("top", Top(), (1, pl.col("n")), api.INT, (key,), pl.col("n") > 1, ("n", api.INT)),
    )
    plan = windows.plan(windows.Spec(10, measures))
    assert plan.place == (0, 0, 1, 2)
    frame = at(1, 2, 3, 4).with_columns(k=pl.Series(["a", "a", "b", "b"]), n=pl.Series([1, 2, 3, 3]))
    rows = windows.rows(plan, 0, windows.deltas(plan, frame)[0])
    assert rows.select("metric", "by", "value", "rank").rows() == [
        ("requests", '{"k":"a"}', 1, None),
        ("requests", '{"k":"b"}', 2, None),
        ("volume", '{"k":"a"}', 2, None),
        ("volume", '{"k":"b"}', 6, None),
        ("other", '{"k":"b"}', 6, None),
        ("top", '{"k":"a","n":2}', 1, 1),
        ("top", '{"k":"b","n":3}', 2, 1),
    ]


MEMORY = """
import gc, sys
import polars as pl
from pipeline import api
from pipeline.api import windows
from pipeline.columns.windows.owned import owned
from pipeline_plugins.aggregates.top import Top

top = windows.Measure("top", Top(), (3, pl.col("s")), api.INT, (), None, ("s", api.STRING))
plan = windows.plan(windows.Spec(10, (top,)))

def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

def chunk(n):
    text = pl.Series("s", ["x" * 60 + str(n) + "-" + str(i % 100) for i in range(40_000)])
    time = pl.lit(n, dtype=pl.Int64).cast(pl.Datetime("us", "UTC")).alias("@timestamp")
    return text.to_frame().with_columns(time)

keep = {
    "state": lambda frame: windows.deltas(plan, frame),
    "rows": lambda frame: owned(frame.head(3)),
    "views": lambda frame: frame.head(3),
}[sys.argv[1]]
kept = [keep(chunk(n)) for n in range(4)]
before = resident()
kept += [keep(chunk(n)) for n in range(60)]
print((resident() - before) >> 20)
"""


@pytest.mark.parametrize(("what", "low", "high"), [("state", -200, 40), ("rows", -200, 40), ("views", 100, 300)])
def test_state_does_not_keep_the_chunk_alive(what, low, high):
    """60 chunks of 2.7 MB leave a few kilobytes each, not 160 MB as a few plain rows of each do."""
    done = subprocess.run([sys.executable, "-c", MEMORY, what], capture_output=True, text=True, check=True)
    assert low < int(done.stdout) < high
