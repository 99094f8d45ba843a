"""The native pass, its merges, rankings and blobs: the same as their twins."""

from __future__ import annotations

import itertools
import math
from contextlib import nullcontext

import polars as pl
import pytest
import zstandard
from engines import told, twin
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline_plugins.aggregates.count import Count
from pipeline_plugins.aggregates.distinct import Distinct
from pipeline_plugins.aggregates.first import First
from pipeline_plugins.aggregates.max import Max
from pipeline_plugins.aggregates.mean import FloatMean, Mean
from pipeline_plugins.aggregates.min import Min
from pipeline_plugins.aggregates.quantile import Quantile
from pipeline_plugins.aggregates.sum import FloatSum, Sum
from pipeline_plugins.aggregates.top import ApproximateTop, Top

from pipeline import api
from pipeline.api import windows
from pipeline.columns.windows import blobs

TIME = pl.Datetime("us", "UTC")
KINDS = {
    "s": (pl.String(), api.STRING),
    "i": (pl.Int64(), api.INT),
    "f": (pl.Float64(), api.FLOAT),
    "b": (pl.Boolean(), api.BOOL),
    "t": (TIME, api.TIME),
    "d": (pl.Duration("us"), api.DURATION),
}
LONG = 2**63 - 1
TEXTS = [
    "",
    "a",
    "a\0",
    "b",
    "twelve bytes",
    "thirteen byte",
    "sixteen bytes ab",
    "seventeen bytes a",
    "é" * 9,
    "é" * 8 + "e",
]
FLOATS = [0.0, -0.0, 1.5, -1.5, math.nan, -math.nan, math.inf, -math.inf, 5e-324, 1e308, 0.1]
VALUES = {
    "s": st.sampled_from(
        [*TEXTS, "a text far longer than any view: 1", 'a "text" \\ with\n\x01 what JSON escapes\x7f']
    ),
    "i": st.one_of(st.integers(-2, 2), st.sampled_from([LONG, -LONG - 1, 1024, 2048])),
    "f": st.sampled_from(FLOATS),
    "b": st.booleans(),
    "t": st.integers(-3, 3),
    "d": st.integers(-3, 3),
}
ROW = st.fixed_dictionaries(
    {"@timestamp": st.integers(-25, 25), "w": st.sampled_from([True, True, False, None])}
    | {name: st.one_of(st.none(), values) for name, values in VALUES.items()}
)


def frame_of(chunks: list[list[dict[str, object]]]) -> pl.DataFrame:
    """As many chunks as are given; they do not lie at the same rows in every column."""
    schema = {"@timestamp": pl.Int64, "w": pl.Boolean, "s": pl.String, "i": pl.Int64, "f": pl.Float64, "b": pl.Boolean}
    schema |= {"t": pl.Int64, "d": pl.Int64}
    parts = [pl.DataFrame(rows, schema=schema) for rows in chunks]
    whole = pl.concat(parts, rechunk=False)
    casts = [pl.col("@timestamp", "t").cast(TIME), pl.col("d").cast(pl.Duration("us"))]
    order = pl.int_range(pl.len(), dtype=pl.Int64)
    return whole.with_columns(*casts, pl.lit("p").alias("@partition"), order.alias("@offset"))


def key(name: str) -> windows.Key:
    return windows.Key((name,), pl.col(name), KINDS[name][1])


def measure(name: str, aggregate: api.Aggregate, *arguments: pl.Expr | float, **more: object) -> windows.Measure:
    ranked = ("x", api.STRING) if aggregate.ranking else None
    return windows.Measure(name, aggregate, arguments, api.INT, ranked=ranked, **more)


WHERE = [None, pl.col("w"), (pl.col("i") > 0).fill_null(value=False), pl.lit(value=False)]
BY = [(), (key("s"),), (key("i"), key("s")), (key("f"), key("b"), key("t")), (key("d"),)]
INTEGER, REAL, TEXT = pl.col("i"), pl.col("f"), pl.col("s")
AGGREGATES = [
    (Count(),),
    (Sum(), INTEGER),
    (Sum(), pl.lit(1)),
    (FloatSum(), REAL),
    (Mean(), INTEGER),
    (FloatMean(), REAL),
    *((Min(), pl.col(name)) for name in KINDS),
    *((Max(), pl.col(name)) for name in KINDS),
    *((Top(), 2, pl.col(name)) for name in KINDS),
    (ApproximateTop(3), 2, TEXT),
    *((Distinct(), pl.col(name)) for name in KINDS),
    (Distinct(), pl.struct("s", "i")),
    (Quantile(), REAL, 0.5),
    (Quantile(), INTEGER + 1, 0.9),
    (First(), TEXT),
]


def measures(by: tuple[windows.Key, ...] | None = None) -> st.SearchStrategy[tuple[windows.Measure, ...]]:
    one = st.tuples(st.sampled_from(AGGREGATES), st.sampled_from(BY), st.sampled_from(WHERE))
    return st.lists(one, min_size=1, max_size=6).map(
        lambda drawn: tuple(
            measure(f"m{at}", aggregate, *arguments, by=() if by else own, where=where)
            for at, ((aggregate, *arguments), own, where) in enumerate(drawn)
        )
    )


SPECS = st.one_of(
    measures().map(lambda made: windows.Spec(10, made)),
    measures().map(lambda made: windows.Spec(0, made)),
    measures().map(lambda made: windows.Spec(30, made, slide=10)),
    measures(BY[2]).map(lambda made: windows.Spec(10, made, by=BY[2])),
)
CHUNKS = st.lists(st.lists(ROW, min_size=1, max_size=12), min_size=1, max_size=4)


@pytest.mark.native
@settings(max_examples=150, deadline=None)
@given(SPECS, CHUNKS)
def test_the_native_pass_gives_the_states_of_its_twin(spec, chunks):
    """The same windows, and for each fold the same columns, dtypes and rows, whatever the dtypes, nulls and chunks."""
    plan, frame = windows.plan(spec), frame_of(chunks)
    mine = windows.deltas(plan, frame)
    with twin():
        other = windows.deltas(plan, frame)
    assert list(mine) == list(other)
    for start, states in mine.items():
        assert [told(state) for state in states] == [told(state) for state in other[start]]


@pytest.mark.native
@settings(max_examples=60, deadline=None)
@given(SPECS, CHUNKS, st.randoms(use_true_random=False))
def test_merging_gives_the_state_of_its_twin_in_any_order(spec, chunks, chance):
    """States of parts, merged in any order by either engine, are the state of the whole (the summary of `top` keeps its
    bound, not its counters)."""
    spec = windows.Spec(0, tuple(m for m in spec.measures if not m.aggregate.bounded) or (measure("n", Count()),))
    plan = windows.plan(spec)
    frame = frame_of(chunks)
    whole = windows.deltas(plan, frame)[0]
    bounds = itertools.accumulate((len(rows) for rows in chunks), initial=0)
    parts = [windows.deltas(plan, frame[low:high])[0] for low, high in itertools.pairwise(bounds)]
    chance.shuffle(parts)
    mine = windows.merge(plan, parts)
    with twin():
        other = windows.merge(plan, parts)
    assert [told(state) for state in mine] == [told(state) for state in other] == [told(state) for state in whole]


@pytest.mark.native
@settings(max_examples=100, deadline=None)
@given(SPECS, CHUNKS)
def test_a_blob_has_the_same_bytes_by_both_engines(spec, chunks):
    """Written by one and read by the other, a state is what it was."""
    plan = windows.plan(spec)
    for state in windows.deltas(plan, frame_of(chunks)).values():
        mine = blobs.dump(state)
        read = blobs.load(mine)
        with twin():
            assert blobs.dump(state) == mine
            other, dense = blobs.load(mine), blobs.load(blobs.dump(state, dense=True))
        for before, *found in zip(state, read, other, dense, strict=True):
            assert [one.schema for one in found] == [before.schema] * 3
            assert [repr(one.rows()) for one in found] == [repr(before.rows())] * 3


WIDE = [
    [],
    [0],
    [127, -128],
    [128],
    [2**31 - 1, None],
    [-(2**31) - 1],
    [2**63 - 1, -(2**63)],
    [2**63],
    [-(2**100), None, 7],
]


@pytest.mark.parametrize("numbers", WIDE)
def test_a_blob_keeps_integers_of_any_width(numbers):
    """Nulls too, in states of 128 bits and in others where they fit."""
    small = [number if number is None or -(2**63) <= number < 2**63 else None for number in numbers]
    frames = (
        pl.DataFrame({"n": pl.Series([n or 0 for n in numbers], dtype=pl.Int128)}),
        pl.DataFrame({"n": pl.Series(small, dtype=pl.Int64)}),
    )
    for before, after in zip(frames, blobs.load(blobs.dump(frames)), strict=True):
        assert (before.schema, before.rows()) == (after.schema, after.rows())


@pytest.mark.parametrize("engine", ["native", "twin"])
def test_a_torn_blob_is_refused(engine):
    """Cut anywhere, it is an error that names it, not a crash and not a state."""
    frame = pl.DataFrame({"s": ["a", None, "a longer text than that"], "n": [1, 2, 300], "f": [0.5, None, 2.0]})
    plain, dense = blobs.dump((frame,)), blobs.dump((frame,), dense=True)
    cuts = [*(plain[:length] for length in range(len(plain))), *(dense[:length] for length in range(len(dense)))]
    torn = [*cuts, zstandard.ZstdCompressor().compress(plain[:-1]), b"something else"]
    with twin() if engine == "twin" else nullcontext():
        for data in torn:
            with pytest.raises(ValueError, match=r"not (the|a) state of a window"):
                blobs.load(data)


@pytest.mark.parametrize("engine", ["native", "twin"])
def test_a_blob_of_texts_that_are_cut_inside_a_character_is_refused(engine):
    """All bytes of a column are UTF-8, but not each of its texts."""
    moved = blobs.dump((pl.DataFrame({"s": ["aa", "b"]}),)).replace(b"aab", "aé".encode())
    with twin() if engine == "twin" else nullcontext(), pytest.raises(ValueError, match=r"state of a window|utf-8"):
        blobs.load(moved)


FACTS = [
    (api.INT, None, Count()),
    (api.INT, None, Sum(), INTEGER),
    (api.INT, None, Min(), INTEGER),
    (api.STRING, None, Max(), TEXT),
    (api.FLOAT, None, FloatSum(), REAL),
    (api.INT, ("s", api.STRING), Top(), 2, TEXT),
    (api.INT, ("i", api.INT), Top(), 2, INTEGER),
    (api.INT, ("b", api.BOOL), Top(), 2, pl.col("b")),
    (api.INT, ("s", api.STRING), ApproximateTop(3), 2, TEXT),
]


@pytest.mark.native
@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(FACTS), st.sampled_from(BY), st.sampled_from(WHERE)), min_size=1, max_size=6),
    CHUNKS,
)
def test_events_are_those_of_the_twin(drawn, chunks):
    """Every column of every event, in order: of groups and ranks in any text, of windows where no row passed a condition."""
    made = [
        windows.Measure(f'm"{at}', aggregate, tuple(arguments), kind, by, where, ranked)
        for at, ((kind, ranked, aggregate, *arguments), by, where) in enumerate(drawn)
    ]
    plan = windows.plan(windows.Spec(10, tuple(made)))
    for start, state in windows.deltas(plan, frame_of(chunks)).items():
        mine, kept = windows.rows(plan, start, state), windows.rows(plan, start, blobs.load(blobs.dump(state)))
        with twin():
            other = windows.rows(plan, start, state)
        assert mine.schema == kept.schema == other.schema
        assert repr(mine.rows()) == repr(kept.rows()) == repr(other.rows())


@pytest.mark.native
def test_a_sum_beyond_64_bits_is_null_in_both_engines():
    """Kept exactly, without a place as a value."""
    plan = windows.plan(windows.Spec(0, (measure("sum", Sum(), INTEGER),)))
    frame = pl.DataFrame({"@timestamp": pl.Series([0, 0], dtype=pl.Int64).cast(TIME), "i": [LONG, 1]})
    state = windows.deltas(plan, frame)[0]
    with twin():
        other = windows.rows(plan, 0, state)
    assert windows.rows(plan, 0, state)["value"].to_list() == other["value"].to_list() == [None]


SKETCHED = st.lists(st.tuples(st.sampled_from([None, "a", "b"]), st.integers(0, 40)), max_size=80)


@pytest.mark.native
@settings(max_examples=100, deadline=None)
@given(SKETCHED, st.integers(1, 8), st.booleans(), st.sampled_from(sorted(KINDS)))
def test_registers_are_those_of_the_twin(rows, limit, grouped, name):
    """Of values, of registers, and of both, with and without groups, for every dtype."""
    numbers = pl.DataFrame(rows, schema={"by.0": pl.String, "n": pl.Int64}, orient="row").unique()
    value = pl.when(pl.col("n") < 36).then(pl.col("n") - 3)
    value = value.cast(pl.String) + pl.lit("é" * 3) if name == "s" else value.cast(KINDS[name][0])
    register = pl.when(pl.col("n") > 37).then(pl.col("n") * 64 + 3).cast(pl.Int32)
    state = numbers.select("by.0", value.alias("value"), register.alias("register")).unique()
    group = ["by.0"] if grouped else []
    state = state if grouped else state.drop("by.0").unique()
    mine = windows.hyperloglog.shrunk(state, group, limit)
    with twin():
        other = windows.hyperloglog.shrunk(state, group, limit)
    assert told(mine) == told(other)


RANKED = st.lists(st.tuples(st.sampled_from([None, "a", "b"]), st.integers(0, 9), st.integers(1, 3)), max_size=30)


@pytest.mark.native
@settings(max_examples=100, deadline=None)
@given(RANKED, st.integers(1, 5), st.booleans(), st.sampled_from([pl.Int64(), pl.String(), pl.Float64()]))
def test_rankings_are_those_of_the_twin(rows, k, grouped, kind):
    """The highest counts, ties by key, with and without groups; NaN is above all numbers."""
    rows = list({(group, key): (group, key, count) for group, key, count in rows}.values())
    state = pl.DataFrame(rows, schema={"by.0": pl.String, "value": pl.Int64, "count": pl.Int64}, orient="row")
    state = state.with_columns(pl.col("value").cast(kind))
    if kind == pl.Float64():
        state = state.with_columns(
            pl.when(pl.col("value") == 5).then(math.nan).otherwise(pl.col("value")).alias("value")
        )
    if not grouped:
        state = state.drop("by.0").unique("value")
    group = ["by.0"] if grouped else []
    mine = windows.ranked(state, group, "value", "count", k)
    with twin():
        other = windows.ranked(state, group, "value", "count", k)
    assert told(mine) == told(other)


def test_windows_of_many_slides_share_their_states():
    """A batch of two panes has three different states, however many windows slide over it."""
    plan = windows.plan(windows.Spec(1000, (measure("n", Count()),), slide=1))
    frame = pl.DataFrame({"@timestamp": pl.Series([5, 6], dtype=pl.Int64).cast(TIME)})
    states = windows.deltas(plan, frame)
    assert (min(states), max(states), len(states), len({id(state) for state in states.values()})) == (-994, 6, 1001, 3)
    assert [states[start][0].item() for start in (-994, -993, 5, 6)] == [1, 2, 2, 1]


@pytest.mark.parametrize("values", list(itertools.permutations([math.nan, 2.0, None, 1.0])))
def test_nan_is_neither_lowest_nor_highest_while_there_is_a_number(values):
    """Wherever it comes; alone it is both."""
    plan = windows.plan(windows.Spec(0, (measure("low", Min(), REAL), measure("high", Max(), REAL))))
    frame = pl.DataFrame({"@timestamp": pl.Series([0] * 4, dtype=pl.Int64).cast(TIME), "f": pl.Series(values)})
    (state,) = windows.deltas(plan, frame)[0]
    (lonely,) = windows.deltas(plan, frame.filter(pl.col("f").is_nan()))[0]
    assert (state.row(0), repr(lonely.row(0))) == ((1.0, 2.0), "(nan, nan)")


@pytest.mark.native
def test_every_dtype_is_grouped_reduced_and_ranked_alike():
    """All aggregates over all groups and conditions at once, for one frame with every special value."""
    rows = [
        {"@timestamp": at % 7, "w": at % 5 != 0, "s": TEXTS[at % 10], "i": at % 3 - 1, "f": FLOATS[at % 11]}
        | {"b": at % 2 == 0, "t": at % 4, "d": at % 6}
        for at in range(60)
    ]
    frame = frame_of([rows[:25], rows[25:]])
    for by, where in itertools.product(BY, WHERE):
        made = [measure(f"m{at}", given[0], *given[1:], by=by, where=where) for at, given in enumerate(AGGREGATES)]
        for spec in (windows.Spec(0, tuple(made)), windows.Spec(3, tuple(made))):
            plan = windows.plan(spec)
            mine = windows.deltas(plan, frame)
            with twin():
                other = windows.deltas(plan, frame)
            for start, states in mine.items():
                assert [told(state) for state in states] == [told(state) for state in other[start]]
