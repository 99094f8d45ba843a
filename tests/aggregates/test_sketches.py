"""Aggregates that answer within a stated error once there are many values: their bounds, in any order of anything."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline_plugins.aggregates.distinct import Distinct
from pipeline_plugins.aggregates.quantile import Quantile
from pipeline_plugins.aggregates.top import ApproximateTop, Top

from pipeline import api
from pipeline.api import windows
from pipeline.columns.windows import blobs

TIME = pl.Datetime("us", "UTC")
GROUP = windows.Key(("g",), pl.col("g"), api.STRING)
X = pl.col("x")


def planned(
    aggregate: api.Aggregate, *arguments: pl.Expr | float, by: bool = False, kind: api.Type = api.INT
) -> windows.Plan:
    ranked = ("x", api.INT) if aggregate.ranking else None
    return windows.plan(
        windows.Spec(0, (windows.Measure("m", aggregate, arguments, kind, (GROUP,) if by else (), ranked=ranked),))
    )


def frame(values: list[object], groups: list[str] | None = None, kind: pl.DataType | None = None) -> pl.DataFrame:
    time = pl.Series("@timestamp", [0] * len(values), dtype=pl.Int64).cast(TIME)
    return pl.DataFrame([time, pl.Series("x", values, dtype=kind), pl.Series("g", groups or ["a"] * len(values))])


def merged(plan: windows.Plan, parts: list[pl.DataFrame], chance: random.Random) -> windows.Delta:
    """A tree of merges in any shape, through the store's bytes now and then."""
    states = [windows.deltas(plan, part)[0] for part in parts]
    while len(states) > 1:
        chance.shuffle(states)
        some = chance.randint(2, len(states))
        joined = windows.merge(plan, states[:some])
        states[:some] = [blobs.load(blobs.dump(joined)) if chance.random() < 0.5 else joined]
    return states[0]


def cut(whole: pl.DataFrame, cuts: list[int]) -> list[pl.DataFrame]:
    bounds = sorted({0, whole.height, *(at % whole.height for at in cuts)})
    return [whole[low:high] for low, high in itertools.pairwise(bounds)]


SKEWED = st.lists(
    st.tuples(st.sampled_from("ab"), st.one_of(st.integers(0, 3), st.integers(0, 60))), min_size=1, max_size=300
)
CUTS = st.lists(st.integers(0, 1000), max_size=8)


@settings(max_examples=60, deadline=None)
@given(SKEWED, CUTS, st.integers(1, 8), st.randoms(use_true_random=False))
def test_the_true_count_is_within_the_error_of_an_approximate_ranking(rows, cuts, counters, chance):
    """`value - error <= true <= value`, `error <= rows of the group / (counters + 1)`, no value above that bound is missing,
    and the state has no more counters than it may, however it was cut and merged."""
    groups, values = [group for group, _ in rows], [value for _, value in rows]
    plan = planned(ApproximateTop(counters), 1000, X, by=True)
    state = merged(plan, cut(frame(values, groups), cuts), chance)
    found = plan.finish(0, state)
    for group in set(groups):
        inside = [value for other, value in rows if other == group]
        bound = len(inside) // (counters + 1)
        told = found.filter(pl.col("by.0") == group)
        for key, value, error in told.select("key", "value", "error").iter_rows():
            assert value - error <= inside.count(key) <= value
            assert error <= bound
        often = {key for key, count in Counter(inside).items() if count > bound}
        assert often <= set(told.get_column("key")), "a frequent value is missing"
        assert told.height <= counters
        ranks = told.sort("rank")
        assert ranks.get_column("rank").to_list() == list(range(1, told.height + 1))
        pairs = [(-value, key) for value, key in ranks.select("value", "key").iter_rows()]
        assert pairs == sorted(pairs)


def test_few_values_are_ranked_exactly_by_either():
    """Up to as many values as counters, an approximate ranking is the exact one with error 0."""
    values = [value for value in range(40) for _ in range(value + 1)]
    exact = planned(Top(), 5, X)
    close = planned(ApproximateTop(40), 5, X)
    mine = close.finish(0, windows.deltas(close, frame(values))[0])
    assert mine.get_column("error").to_list() == [0] * 5
    assert mine.drop("error").rows() == exact.finish(0, windows.deltas(exact, frame(values))[0]).sort("rank").rows()


def test_approximate_is_an_argument():
    """`approximate: true` binds a summary of ten counters a rank, at least a thousand."""
    types = (None, api.INT, None)
    bound = [Top().bind(types, (k, X, True)) for k in (10, 200)]
    assert [summary.counters for summary in bound if isinstance(summary, ApproximateTop)] == [1000, 2000]
    assert not any(isinstance(Top().bind(types, given), ApproximateTop) for given in ((10, X, False), (10, X)))


class Soon(Distinct):
    exact = 5


class SoonBuckets(Quantile):
    exact = 5


INTS = st.lists(st.one_of(st.none(), st.integers(-20, 20)), min_size=1, max_size=60)
REALS = st.one_of(
    st.none(), st.floats(), st.sampled_from([0.0, -0.0, 1.0, math.nan, -math.nan, math.inf, -math.inf, 5e-324, 1.7e308])
)
FLOATS = st.lists(REALS, min_size=1, max_size=60)
KINDS = st.one_of(st.tuples(INTS, st.just(pl.Int64())), st.tuples(FLOATS, st.just(pl.Float64())))


@settings(max_examples=60, deadline=None)
@given(KINDS, CUTS, st.randoms(use_true_random=False), st.sampled_from([Soon(), SoonBuckets()]), st.booleans())
def test_a_sketch_does_not_depend_on_order(given, cuts, chance, aggregate, by):
    """Whichever merge turns the values into a sketch, its state and its answer are those of all rows at once."""
    values, kind = given
    arguments = (X,) if isinstance(aggregate, Distinct) else (X, 0.4)
    plan = planned(aggregate, *arguments, by=by)
    whole = frame(values, ["a" if at % 3 else "b" for at in range(len(values))], kind)
    shuffled = whole.sample(fraction=1, shuffle=True, seed=chance.randint(0, 1000))
    one, other = merged(plan, cut(shuffled, cuts), chance), windows.deltas(plan, whole)[0]
    assert_same(one, other)
    assert_same([plan.finish(0, one)], [plan.finish(0, other)])


def assert_same(one: windows.Delta, other: windows.Delta) -> None:
    for mine, theirs in zip(one, other, strict=True):
        assert sorted(map(repr, mine.iter_rows())) == sorted(map(repr, theirs.iter_rows()))


def test_distinct_is_exact_up_to_its_limit_and_close_above():
    """10,000 values are counted, more are estimated: within 3 % (almost four standard errors) up to half a million."""
    plan = planned(Distinct(), X)
    answers = {}
    for count in (10_000, 10_001, 30_000, 100_000, 500_000):
        parts = [
            frame([f"198.51.{n >> 8}.{n & 255}" for n in range(low, min(low + 50_000, count))])
            for low in range(0, count, 50_000)
        ]
        state = merged(plan, parts, random.Random(1))
        answers[count] = plan.finish(0, state)["value"].item()
        assert state[0].height <= max(10_000, 2**14)
    assert answers[10_000] == 10_000
    assert all(abs(told / count - 1) < 0.03 for count, told in answers.items()), answers


def test_the_hash_of_a_value_is_the_same_everywhere():
    """Registers of different hosts and versions merge, so they never change: code points, integers, times, floats."""
    kinds = [("a", pl.String()), (1, pl.Int64()), (1, pl.Duration("us")), (1.0, pl.Float64()), (True, pl.Boolean())]
    codes = {}
    for value, kind in kinds:
        series = (
            pl.Series("value", [value], dtype=kind) if kind != pl.Duration("us") else pl.Series("value", [1]).cast(kind)
        )
        state = pl.DataFrame([series, pl.Series("register", [None], dtype=pl.Int32)])
        codes[str(kind)] = windows.hyperloglog.shrunk(state, [], 0).get_column("register").item()
    assert codes == EXPECTED


EXPECTED = {
    "String": 935041,
    "Int64": 666881,
    "Duration(time_unit='us')": 666881,
    "Float64": 1032833,
    "Boolean": 666881,
}


def test_lists_are_counted_exactly_whatever_their_number():
    """There is no hash for them."""
    plan = planned(Soon(), X)
    state = windows.deltas(plan, frame([[n] for n in range(20)]))[0]
    assert plan.finish(0, state)["value"].item() == 20


def test_a_quantile_is_within_one_percent_above_the_limit():
    """Of 200,000 values over six orders of magnitude and both signs, with NaN and infinity among them."""
    chance = random.Random(7)
    values = [math.exp(chance.uniform(-7, 7)) * chance.choice([1, 1, 1, -1]) for _ in range(50_000)] + [
        0.0,
        math.inf,
        5e-324,
        1.7e308,
    ]
    ordered = sorted(values)
    for q in (0.0, 0.01, 0.1, 0.25, 0.26, 0.5, 0.9, 0.99, 0.999):
        plan = planned(Quantile(), X, q, kind=api.FLOAT)
        state = merged(plan, cut(frame(values), [10_000, 23_000, 24_000]), chance)
        assert state[0].height < 3_000
        low = ordered[math.floor(q * (len(values) - 1))]
        assert abs(plan.finish(0, state)["value"].item() - low) <= 0.0101 * abs(low), q


def test_the_last_buckets_hold_the_largest_doubles():
    """No value is so large or so small that its bucket has no middle."""
    values = [1.7976931348623157e308, 5e-324, -1.7976931348623157e308, 0.0, 1.0, -1.0, 2.0]
    for at, q in enumerate([0, 1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1]):
        plan = planned(SoonBuckets(), X, q, kind=api.FLOAT)
        value = sorted(values)[at]
        told = plan.finish(0, windows.deltas(plan, frame(values))[0])["value"].item()
        assert math.isclose(told, value, rel_tol=0.0101, abs_tol=5e-324), (value, told)
