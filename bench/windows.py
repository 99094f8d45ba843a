"""Windows: nine facts of every ten seconds, against the same in Polars and in plain Python."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import subject
from comparison import compare
from measure import Contender
from programs import FACTS, HEAD, PLAIN
from report import Section

from pipeline.env.memory import settle

settle()

import polars as pl  # noqa: E402 — its number of threads is settled before
from samples import blocks  # noqa: E402
from stages import KERNELS, batches, chained, graph  # noqa: E402

from pipeline import api  # noqa: E402

LINES = 300_000
POLARS = "Polars `group_by`, by hand"
TOPS: dict[str, tuple[str, tuple[int, ...] | None]] = {
    "top_ips": ("remote_addr", None),
    "geo_sources": ("remote_user", None),
    "user_agents": ("user_agent", None),
    "popular": ("page", tuple(range(200, 400))),
    "gone": ("page", (404, 410)),
    "unauthorized": ("remote_addr", (401, 403)),
    "throttled": ("remote_addr", (429,)),
}
USED = ("status", "remote_addr", "remote_user", "user_agent", "page", "body_bytes_sent")
Fact = tuple[int, str, str, int]
"""Window (µs), metric, key, value."""


def windows(effort: subject.Effort) -> Section:
    """The facts of the seed job, from parsed events."""
    stages = graph((HEAD + FACTS).format(log="access.log", **PLAIN) + "\nsink out = facts -> null()").stages
    chunks = list(blocks("nginx", effort.lines(LINES)))
    parsed = [chained(stages["parsed"], batch) for batch in batches(chunks)]
    start = pl.col("@timestamp").dt.truncate("10s").dt.timestamp("us").alias("window")
    frames = [batch.frame.select(start, *USED) for batch in parsed]
    rows = [row for frame in frames for row in frame.iter_rows()]
    step = stages["facts"].window
    if step is None or not isinstance(step.plugin, api.Window):
        raise SystemExit("the program has no window")
    window = step.plugin
    expected = _counted(rows)
    contenders: list[Contender[Any]] = [
        Contender(POLARS, len(rows), lambda: _polars(frames), sorted, expected),
        Contender("Python `Counter`", len(rows), lambda: _counted(rows), sorted, expected),
        Contender(f"pipe `window`, {KERNELS}", len(rows), lambda: _ours(window, parsed), _facts, expected),
    ]
    table = compare(f"Nine facts: {len(rows):,} events, {len(expected):,} facts", contenders, effort, POLARS)
    return Section(
        "Windows",
        "The nine facts of the seed job (without GeoIP and user-agent parsing) in windows of ten seconds, from parsed events: "
        "a count by status, a sum, seven rankings of which four have a condition. pipe goes batch by batch, merges the states "
        "and makes the events, as in a run; Polars gets everything at once, Python goes row by row. All facts must be equal.",
        [table],
    )


def _ours(window: api.Window[Any], parsed: Sequence[api.Batch]) -> list[pl.DataFrame]:
    states: defaultdict[int, list[api.Delta]] = defaultdict(list)
    for batch in parsed:
        for start, delta in window.deltas(batch)[1].items():
            states[start].append(delta)
    return [window.rows(start, window.merge(deltas)) for start, deltas in states.items()]


def _facts(frames: Iterable[pl.DataFrame]) -> list[Fact]:
    wanted = (pl.col("window_start").dt.timestamp("us"), "metric", "by", "value")
    return sorted(
        (start, metric, "" if by is None else str(next(iter(json.loads(by).values()))), int(value))
        for frame in frames
        for start, metric, by, value in frame.select(*wanted).iter_rows()
    )


def _polars(frames: Sequence[pl.DataFrame]) -> list[Fact]:
    rows = pl.concat(frames).lazy()
    queries = [
        _query(rows.group_by("window", "status").len("value"), "requests", "status"),
        _query(rows.group_by("window").agg(value=pl.col("body_bytes_sent").sum()), "volume", None),
    ]
    for metric, (key, statuses) in TOPS.items():
        taken = (
            rows.drop_nulls(key) if statuses is None else rows.drop_nulls(key).filter(pl.col("status").is_in(statuses))
        )
        counted = taken.group_by("window", key).len("value").sort("value", key, descending=[True, False])
        queries.append(_query(counted.group_by("window", maintain_order=True).head(10), metric, key))
    return [fact for frame in pl.collect_all(queries) for fact in frame.iter_rows()]


def _query(found: pl.LazyFrame, metric: str, key: str | None) -> pl.LazyFrame:
    by = pl.lit("") if key is None else pl.col(key).cast(pl.String)
    return found.select("window", pl.lit(metric).alias("metric"), by.alias("key"), pl.col("value").cast(pl.Int64))


def _counted(rows: Iterable[tuple[Any, ...]]) -> list[Fact]:
    counts: defaultdict[tuple[int, str], Counter[str]] = defaultdict(Counter)
    tops = [
        (metric, USED.index(key) + 1, None if among is None else set(among)) for metric, (key, among) in TOPS.items()
    ]
    for row in rows:
        window, status, size = row[0], row[1], row[6]
        counts[window, "requests"][str(status)] += 1
        counts[window, "volume"][""] += size or 0
        for metric, place, among in tops:
            if row[place] is not None and (among is None or status in among):
                counts[window, metric][row[place]] += 1
    return sorted(
        (window, metric, key, value)
        for (window, metric), counter in counts.items()
        for key, value in sorted(counter.items(), key=lambda item: (-item[1], item[0]))[
            : 10 if metric in TOPS else None
        ]
    )


if __name__ == "__main__":
    subject.run(windows, __doc__)
