"""Every aggregate against a row-by-row reference, for any cut into batches, any order of rows and any order of merging."""

from __future__ import annotations

import itertools
import json
import math
import random
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import polars as pl
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pipeline_plugins import aggregates
from pipeline_plugins.aggregates.count import Count
from pipeline_plugins.aggregates.distinct import Distinct
from pipeline_plugins.aggregates.first import First
from pipeline_plugins.aggregates.last import Last
from pipeline_plugins.aggregates.max import Max
from pipeline_plugins.aggregates.mean import Mean
from pipeline_plugins.aggregates.min import Min
from pipeline_plugins.aggregates.quantile import Quantile
from pipeline_plugins.aggregates.rate import Rate
from pipeline_plugins.aggregates.sum import Sum
from pipeline_plugins.aggregates.top import ApproximateTop, Top
from pipeline_plugins.filters.window import Options, TimeWindow

from pipeline import api

SECOND = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    time: int
    partition: str
    offset: int
    k: str | None
    i: int | None
    f: float | None
    s: str | None
    t: int | None


def frame_of(rows: list[Row]) -> pl.DataFrame:
    time = pl.Datetime("us", "UTC")
    schema = {
        "time": pl.Int64,
        "partition": pl.String,
        "offset": pl.Int64,
        "k": pl.String,
        "i": pl.Int64,
        "f": pl.Float64,
    }
    schema |= {"s": pl.String, "t": pl.Int64}
    frame = pl.DataFrame([vars(row) for row in rows], schema=schema)
    renamed = frame.rename({"time": "@timestamp", "partition": "@partition", "offset": "@offset"})
    return renamed.with_columns(pl.col("@timestamp", "t").cast(time))


def field(name: str, kind: api.Type) -> api.Expr:
    return api.Expr(pl.col(name), kind, name, frozenset([(name,)]))


K = (api.Field(("k",), api.STRING),)
POSITIVE = api.Expr((pl.col("i") > 0).fill_null(value=False), api.BOOL, "i > 0")
INTEGER, REAL, TEXT, TIME = (
    field("i", api.INT),
    field("f", api.FLOAT),
    field("s", api.STRING),
    field("t", api.TIME),
)


def positive(row: Row) -> bool:
    return row.i is not None and row.i > 0


def exact(values: list[float]) -> float:
    finite = [Fraction(value) for value in values if math.isfinite(value)]
    if len(finite) < len(values):
        return sum(value for value in values if not math.isfinite(value))
    total = sum(finite, Fraction(0))
    return divided(total.numerator, total.denominator)


def divided(over: int, under: int) -> float:
    try:
        return over / under
    except OverflowError:
        return math.inf if over > 0 else -math.inf


def average(values: list[float]) -> float | None:
    if not values:
        return None
    if any(not math.isfinite(value) for value in values):
        return exact(values)
    total = sum((Fraction(value) for value in values), Fraction(0)) / len(values)
    return divided(total.numerator, total.denominator)


def fits(total: int) -> int | None:
    return total if -(2**63) <= total < 2**63 else None


def extreme(pick, values):
    numbers = [value for value in values if value == value] or values
    return pick(numbers, default=None)


def ordered(values: list[float]) -> list[float]:
    return sorted(values, key=lambda value: (math.isnan(value), value))


def quantile(values: list[float], q: float) -> float | None:
    if not values:
        return None
    place = (len(values) - 1) * q
    low, high = ordered(values)[math.floor(place)], ordered(values)[math.ceil(place)]
    part = place - math.floor(place)
    return float(low) if part == 0 or low == high else low + (high - low) * part


def by_event(rows: list[Row], name: str) -> list:
    inside = sorted(
        (row for row in rows if getattr(row, name) is not None), key=lambda r: (r.time, r.partition, r.offset)
    )
    return [getattr(row, name) for row in inside]


def first(values: list):
    return values[0] if values else None


def last(values: list):
    return values[-1] if values else None


def told(value) -> float | str | None:
    """A value as it is compared: NaN equals NaN, times are texts."""
    return "NaN" if isinstance(value, float) and math.isnan(value) else value


def text(micros: int | None) -> str | None:
    if micros is None:
        return None
    time = EPOCH + timedelta(microseconds=micros)
    return time.strftime("%Y-%m-%dT%H:%M:%S") + (f".{time:%f}".rstrip("0") if time.microsecond else "") + "Z"


def has(rows: list[Row], name: str) -> list:
    return [getattr(row, name) for row in rows if getattr(row, name) is not None]


METRICS = {
    "requests": (Count(), (), lambda rows: len(rows)),
    "speed": (Rate(), (), lambda rows: len(rows) / 10),
    "sum_i": (Sum(), (INTEGER,), lambda rows: fits(sum(has(rows, "i")))),
    "sum_f": (Sum(), (REAL,), lambda rows: exact(has(rows, "f"))),
    "mean_i": (Mean(), (INTEGER,), lambda rows: average(has(rows, "i"))),
    "mean_f": (Mean(), (REAL,), lambda rows: average(has(rows, "f"))),
    "min_i": (Min(), (INTEGER,), lambda rows: extreme(min, has(rows, "i"))),
    "max_i": (Max(), (INTEGER,), lambda rows: extreme(max, has(rows, "i"))),
    "min_f": (Min(), (REAL,), lambda rows: extreme(min, has(rows, "f"))),
    "max_f": (Max(), (REAL,), lambda rows: extreme(max, has(rows, "f"))),
    "min_s": (Min(), (TEXT,), lambda rows: extreme(min, has(rows, "s"))),
    "max_s": (Max(), (TEXT,), lambda rows: extreme(max, has(rows, "s"))),
    "max_t": (Max(), (TIME,), lambda rows: text(extreme(max, has(rows, "t")))),
    "distinct_s": (Distinct(), (TEXT,), lambda rows: len(set(has(rows, "s")))),
    "distinct_i": (Distinct(), (INTEGER,), lambda rows: len(set(has(rows, "i")))),
    "first_s": (First(), (TEXT,), lambda rows: first(by_event(rows, "s"))),
    "last_s": (Last(), (TEXT,), lambda rows: last(by_event(rows, "s"))),
    "first_i": (First(), (INTEGER,), lambda rows: first(by_event(rows, "i"))),
    "last_t": (Last(), (TIME,), lambda rows: text(last(by_event(rows, "t")))),
    "median_i": (Quantile(), (INTEGER, 0.5), lambda rows: quantile(has(rows, "i"), 0.5)),
    "p90_f": (Quantile(), (REAL, 0.9), lambda rows: quantile(has(rows, "f"), 0.9)),
    "p100_f": (Quantile(), (REAL, 1), lambda rows: quantile(has(rows, "f"), 1)),
}
RANKINGS = {
    "top_s": (Top(), (2, TEXT), "s"),
    "top_i": (Top(), (3, INTEGER), "i"),
    "close_s": (ApproximateTop(), (2, TEXT, True), "s"),
}
INTS = ("requests", "sum_i", "min_i", "max_i", "distinct_s", "distinct_i", "first_i", *RANKINGS)
"""Kept apart: one float among the metrics makes the column `value` float."""

TEXTS = ("min_s", "max_s", "max_t", "first_s", "last_s", "last_t")


def test_every_aggregate_has_a_reference():
    """What a window can compute is in one of the tables above."""
    folder = Path(aggregates.__path__[0])
    known = {aggregate.name for aggregate, *_ in (*METRICS.values(), *RANKINGS.values())}
    assert known == {path.stem for path in folder.glob("[!_]*.py")}


def window(names: list[str], slide: int | None = None) -> TimeWindow:
    """Each metric alone, by `k`, and for rows with a positive `i`."""
    metrics = []
    for name in names:
        aggregate, arguments, _ = {**METRICS, **RANKINGS}[name]
        metrics.append(api.Metric(name, aggregate, arguments))
        metrics.append(api.Metric(f"{name}_by_k", aggregate, arguments, by=K))
        metrics.append(api.Metric(f"{name}_positive", aggregate, arguments, where=POSITIVE))
    return TimeWindow(Options(size=10 * SECOND, slide=slide, block=api.Metrics(metrics)))


FLOATS = [name for name in METRICS if name not in INTS and not name.startswith(TEXTS)]
TUMBLING = [window(list(INTS)), window([*FLOATS, *TEXTS])]
SLIDING = [window(list(INTS), 5 * SECOND), window([*FLOATS, *TEXTS], 5 * SECOND)]


def reference(rows: list[Row]) -> set[tuple]:
    """The rows of one window: (metric, by, rank, value or text)."""
    found = set()
    groups: dict[str | None, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.k, []).append(row)
    for name, (_, _, function) in METRICS.items():
        found.add((name, None, None, told(function(rows))))
        found.add((f"{name}_positive", None, None, told(function([row for row in rows if positive(row)]))))
        for k, part in groups.items():
            found.add((f"{name}_by_k", json.dumps({"k": k}), None, told(function(part))))
    for name, (_, (k, *_), key) in RANKINGS.items():
        for rank, (value, count) in enumerate(ranking(rows, key, k), 1):
            found.add((name, json.dumps({key: value}), rank, count))
        for rank, (value, count) in enumerate(ranking([row for row in rows if positive(row)], key, k), 1):
            found.add((f"{name}_positive", json.dumps({key: value}), rank, count))
        for group, part in groups.items():
            for rank, (value, count) in enumerate(ranking(part, key, k), 1):
                found.add((f"{name}_by_k", json.dumps({"k": group, key: value}), rank, count))
    return found


def ranking(rows: list[Row], key: str, k: int) -> list[tuple]:
    return sorted(Counter(has(rows, key)).items(), key=lambda pair: (-pair[1], pair[0]))[:k]


def seen(frame: pl.DataFrame) -> set[tuple]:
    assert frame.get_column("key").is_unique().all()
    found = set()
    for row in frame.iter_rows(named=True):
        value = row["text"] if row["metric"].startswith(TEXTS) else told(row["value"])
        by = None if row["by"] is None else json.dumps(json.loads(row["by"]))
        found.add((row["metric"], by, row.get("rank"), value))
    assert len(found) == frame.height
    return found


REALS = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([0.0, -0.0, 0.1, 1e308, -1e308, 5e-324, 1e16, math.nan]),
)
ROWS = st.lists(
    st.builds(
        Row,
        time=st.one_of(st.integers(-4, 4).map(lambda step: step * 5 * SECOND), st.integers(-25 * SECOND, 25 * SECOND)),
        partition=st.sampled_from(["a:1", "a:2"]),
        offset=st.just(0),
        k=st.sampled_from(["x", "y", 'ü"\\\n', None]),
        i=st.one_of(st.none(), st.integers(-3, 3), st.sampled_from([2**63 - 1, -(2**63)])),
        f=st.one_of(st.none(), REALS),
        s=st.one_of(st.none(), st.sampled_from(["", "a", "b", "a string that is longer than twelve bytes"])),
        t=st.one_of(st.none(), st.integers(0, 5 * SECOND)),
    ),
    min_size=1,
    max_size=30,
).map(lambda rows: [Row(**{**vars(row), "offset": at}) for at, row in enumerate(rows)])


def folded(plugin: TimeWindow, rows: list[Row], cuts: list[int], chance: random.Random) -> dict[int, pl.DataFrame]:
    """Rows in any order, cut anywhere, merged in any order, through the store's bytes now and then."""
    shuffled = chance.sample(rows, len(rows))
    bounds = sorted({0, len(rows), *(cut % len(rows) for cut in cuts)})
    waiting: dict[int, list[api.Delta]] = {}
    for low, high in itertools.pairwise(bounds):
        _, added = plugin.deltas(api.Batch(frame_of(shuffled[low:high]), {}))
        for start, delta in added.items():
            waiting.setdefault(start, []).append(delta)
    answer = {}
    for start, deltas in waiting.items():
        while len(deltas) > 1:
            chance.shuffle(deltas)
            some = chance.randint(2, len(deltas))
            merged = plugin.merge(deltas[:some])
            deltas[:some] = [plugin.load(plugin.dump(merged)) if chance.random() < 0.3 else merged]
        answer[start] = plugin.rows(start, deltas[0])
    return answer


PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""No shrinking: an example takes a quarter of a second, and a failure says which metric differs anyway."""


def starts_of(row: Row, slide: int) -> list[int]:
    last = math.floor(row.time / slide) * slide
    return [start for start in range(last, last - 10 * SECOND, -slide) if start <= row.time < start + 10 * SECOND]


def expected(rows: list[Row], slide: int) -> dict[int, set[tuple]]:
    parts: dict[int, list[Row]] = {}
    for row in rows:
        for start in starts_of(row, slide):
            parts.setdefault(start, []).append(row)
    return {start: reference(part) for start, part in parts.items()}


def found(plugins: list[TimeWindow], rows: list[Row], cuts: list[int], chance: random.Random) -> dict[int, set[tuple]]:
    answers = [folded(plugin, rows, cuts, chance) for plugin in plugins]
    assert len({frozenset(answer) for answer in answers}) == 1
    return {start: set().union(*(seen(answer[start]) for answer in answers)) for start in answers[0]}


@settings(max_examples=20, deadline=None, phases=PHASES)
@given(ROWS, st.lists(st.integers(0, 1000), max_size=4), st.randoms(use_true_random=False))
def test_tumbling_windows_equal_the_reference(rows, cuts, chance):
    """However rows are cut, ordered and merged, every metric has the value of a loop over the rows."""
    assert found(TUMBLING, rows, cuts, chance) == expected(rows, 10 * SECOND)


@settings(max_examples=10, deadline=None, phases=PHASES)
@given(ROWS, st.lists(st.integers(0, 1000), max_size=3), st.randoms(use_true_random=False))
def test_sliding_windows_equal_the_reference(rows, cuts, chance):
    """A row counts in every window that covers its time."""
    assert found(SLIDING, rows, cuts, chance) == expected(rows, 5 * SECOND)
