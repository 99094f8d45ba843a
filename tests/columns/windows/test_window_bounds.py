"""A window with more groups than it may have: which stay, what becomes of the rest, and that nothing is lost."""

from __future__ import annotations

import json
import random
from collections import Counter
from contextlib import nullcontext
from typing import Any

import polars as pl
import pytest
from engines import twin
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline_plugins.aggregates.count import Count
from pipeline_plugins.aggregates.distinct import Distinct
from pipeline_plugins.aggregates.first import First
from pipeline_plugins.aggregates.max import Max
from pipeline_plugins.aggregates.quantile import Quantile
from pipeline_plugins.aggregates.sum import FloatSum, Sum
from pipeline_plugins.aggregates.top import Top

from pipeline import api
from pipeline.api import windows
from pipeline.columns.windows.bounds import VALUES
from pipeline.columns.windows.states import parts, rows_of

K = windows.Key(("k",), pl.col("k"), api.STRING)
N = windows.Key(("n",), pl.col("n"), api.INT)
COUNT = windows.Measure("count", Count(), (), api.INT, (K,))
ENGINES = pytest.mark.parametrize("engine", [nullcontext, twin])


def frame(keys: list[str | None], numbers: list[int] | None = None) -> pl.DataFrame:
    given = numbers or [1] * len(keys)
    return pl.DataFrame(
        {
            "@timestamp": pl.Series([0] * len(keys), dtype=pl.Int64).cast(pl.Datetime("us", "UTC")),
            "@partition": ["p"] * len(keys),
            "@offset": range(len(keys)),
            "k": pl.Series(keys, dtype=pl.String),
            "n": pl.Series(given, dtype=pl.Int64),
            "f": pl.Series([number / 10 for number in given], dtype=pl.Float64),
        }
    )


def state_of(plan: windows.Plan, batches: list[pl.DataFrame], *, every: int = 1) -> windows.Delta:
    """Batches as the engine takes them: the state is bounded after each `every` of them."""
    kept: list[windows.Delta] = []
    for at, batch in enumerate(batches, 1):
        kept += windows.deltas(plan, batch).values()
        if at % every == 0 and kept:
            kept = [windows.bounded(plan, kept)[0]]
    return windows.bounded(plan, kept)[0]


def facts(plan: windows.Plan, state: windows.Delta) -> list[dict[str, Any]]:
    return windows.rows(plan, 0, state).to_dicts()


def by_group(rows: list[dict[str, Any]], metric: str = "count") -> dict[str | None, int]:
    return {row["by"]: row["value"] for row in rows if row["metric"] == metric}


@ENGINES
def test_the_first_groups_stay_and_the_rest_is_one_group(engine: Any) -> None:
    """In order of coming, also when a group that came later is larger; a group that stays goes on being counted."""
    with engine():
        plan = windows.plan(windows.Spec(10, (COUNT,), groups=2))
        state = state_of(plan, [frame(["a", "b", "b"]), frame(["c"] * 5 + ["a"]), frame(["d", "b", "c"])])
        assert by_group(facts(plan, state)) == {'{"k":"a"}': 2, '{"k":"b"}': 3, '{"k":"__other__"}': 7}


@ENGINES
def test_up_to_the_bound_nothing_changes(engine: Any) -> None:
    """As many groups as there may be are all named, and null is one of them."""
    with engine():
        plan = windows.plan(windows.Spec(10, (COUNT,), groups=3))
        state, changed = windows.bounded(plan, [windows.deltas(plan, frame(["a", None, "b"]))[0]])
        assert (by_group(facts(plan, state)), changed) == ({'{"k":"a"}': 1, '{"k":null}': 1, '{"k":"b"}': 1}, False)


@ENGINES
def test_keys_that_are_no_texts_become_null(engine: Any) -> None:
    """A number has no name for the rest; a JSON text is `"__other__"`."""
    data = windows.Key(("j",), pl.format('"{}"', pl.col("k")), api.JSON)
    count = windows.Measure("count", Count(), (), api.INT, (K, N, data))
    with engine():
        plan = windows.plan(windows.Spec(10, (count,), groups=1))
        state = state_of(plan, [frame(["a", "b", "c"], [1, 2, 3])])
        assert by_group(facts(plan, state)) == {
            '{"k":"a","n":1,"j":"a"}': 1,
            '{"k":"__other__","n":null,"j":"__other__"}': 2,
        }


def test_bounding_again_changes_nothing() -> None:
    """A bounded state is left as it is, whatever it keeps for each group."""
    measures = (
        COUNT,
        windows.Measure("distinct", Distinct(), (pl.col("n"),), api.INT, (K,)),
        windows.Measure("top", Top(), (2, pl.col("k")), api.INT, (), None, ("k", api.STRING)),
    )
    plan = windows.plan(windows.Spec(10, measures, groups=2))
    rows = frame([f"key {at % 40}" for at in range(200)], list(range(200)))
    state, changed = windows.bounded(plan, [windows.deltas(plan, rows)[0]])
    again, more = windows.bounded(plan, [state])
    assert (changed, more, again) == (True, False, state)


def test_in_the_wide_form_a_group_is_named_in_all_metrics_or_in_none() -> None:
    """A metric of a few rows keeps the groups that the window keeps, so that each event is about one set of rows."""
    large = windows.Measure("large", Sum(), (pl.col("n"),), api.INT, (), pl.col("n") > 1)
    seen = windows.Measure("seen", Distinct(), (pl.col("n"),), api.INT)
    count = windows.Measure("count", Count(), (), api.INT)
    plan = windows.plan(windows.Spec(10, (count, large, seen), by=(K,), groups=2))
    state = state_of(plan, [frame(["a", "b"], [1, 5]), frame(["c", "d", "b"], [7, 8, 9])])
    found = {row["k"]: (row["count"], row["large"], row["seen"]) for row in facts(plan, state)}
    assert found == {"a": (1, 0, 1), "b": (2, 14, 2), "__other__": (2, 15, 2)}


def test_a_window_whose_metrics_all_have_a_condition_names_the_groups_of_its_rows() -> None:
    """Groups that no metric counts are groups nevertheless, and put together like others."""
    large = windows.Measure("large", Sum(), (pl.col("n"),), api.INT, (), pl.col("n") > 1)
    plan = windows.plan(windows.Spec(10, (large,), by=(K,), groups=2))
    state = state_of(plan, [frame(["a", "b"], [1, 5]), frame(["c", "d", "b"], [7, 1, 9])])
    assert {row["k"]: row["large"] for row in facts(plan, state)} == {"a": 0, "b": 14, "__other__": 7}


ROWS = st.lists(
    st.tuples(st.sampled_from([*"abcdefgh", None, "__other__"]), st.integers(-9, 9)), min_size=1, max_size=60
)


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, most=st.integers(1, 5), size=st.integers(1, 20), every=st.integers(1, 4), wide=st.booleans())
@ENGINES
def test_totals_are_exact_for_any_cut_of_batches(
    engine: Any, rows: list[tuple[str | None, int]], most: int, size: int, every: int, wide: bool
) -> None:
    """Counts, sums and the highest value over all groups are those without a bound, and there are no more groups than allowed."""
    by = () if wide else (K,)
    measures = (
        windows.Measure("count", Count(), (), api.INT, by),
        windows.Measure("sum", Sum(), (pl.col("n"),), api.INT, by, pl.col("n") > -5),
        windows.Measure("real", FloatSum(), (pl.col("f"),), api.FLOAT, by),
        windows.Measure("max", Max(), (pl.col("n"),), api.INT, by),
        windows.Measure("first", First(), (pl.col("n"),), api.INT, by),
    )
    batches = [frame([k for k, _ in part], [n for _, n in part]) for part in cut(rows, size)]
    with engine():
        plan = windows.plan(windows.Spec(10, measures, by=(K,) if wide else (), groups=most))
        found = facts(plan, state_of(plan, batches, every=every))
    values: dict[str, list[float]] = {measure.name: [] for measure in measures}
    for row in found:
        for name in values:
            if wide:
                values[name].append(row[name])
            elif row["metric"] == name:
                values[name].append(row["value"])
    numbers = [n for _, n in rows]
    assert sum(values["count"]) == len(rows)
    assert sum(values["sum"]) == sum(n for n in numbers if n > -5)
    assert sum(values["real"]) == pytest.approx(sum(numbers) / 10, abs=1e-9)
    assert max(values["max"]) == max(numbers)
    assert all(len(given) <= most + 1 for given in values.values())


def cut(rows: list[Any], size: int) -> list[list[Any]]:
    return [rows[at : at + size] for at in range(0, len(rows), size)]


@pytest.mark.parametrize("by", [(), (N,)])
def test_a_ranking_keeps_its_heavy_hitters_and_says_how_far_it_may_be_off(by: tuple[windows.Key, ...]) -> None:
    """Of 60,000 rows with a heavy tail, beyond the bound: never below the true count, above it by at most the rows divided
    by the values that are kept, the heaviest first; and marked."""
    chance = random.Random(7)
    keys = [
        f"heavy {int(chance.paretovariate(0.8))}" if chance.random() < 0.5 else f"once {at}" for at in range(60_000)
    ]
    top = windows.Measure("top", Top(), (5, pl.col("k")), api.INT, by, None, ("k", api.STRING))
    plan = windows.plan(windows.Spec(10, (top,), groups=100))
    state = state_of(plan, [frame(part) for part in cut(keys, 1000)], every=4)
    assert rows_of(parts(state)[0]) <= VALUES * 100 + 1
    found = facts(plan, state)
    true = Counter(keys)
    off = len(keys) // (VALUES * 100 + 1)
    named = [json.loads(row["by"])["k"] for row in found]
    assert named == [key for key, _ in true.most_common(5)]
    assert all(true[key] <= row["value"] <= true[key] + off for key, row in zip(named, found, strict=True))
    assert [row["partial"] for row in found] == [True] * 5


def test_a_ranking_by_group_shortens_the_long_ones() -> None:
    """A group with a few values stays exact beside one with many, and only the long one is marked."""
    top = windows.Measure("top", Top(), (1, pl.col("k")), api.INT, (N,), None, ("k", api.STRING))
    plan = windows.plan(windows.Spec(10, (top,), groups=10))
    keys, numbers = ["x", "x", "y"], [1, 1, 1]
    for at in range(500):
        keys += ["z", f"once {at}"]
        numbers += [2, 2]
    found = facts(plan, state_of(plan, [frame(keys, numbers)]))
    brief = [(row["by"], row["partial"]) for row in found]
    assert brief == [('{"n":1,"k":"x"}', None), ('{"n":2,"k":"z"}', True)]
    assert found[0]["value"] == 2
    assert 500 <= found[1]["value"] <= 500 + 1000 // 40


def test_in_the_wide_form_an_event_with_a_shortened_ranking_is_marked() -> None:
    """The others are not."""
    top = windows.Measure("top", Top(), (1, pl.col("k")), api.INT, (), None, ("k", api.STRING))
    plan = windows.plan(windows.Spec(10, (top,), by=(N,), groups=10))
    keys = ["x", *(f"once {at}" for at in range(500)), "z", "z"]
    found = facts(plan, state_of(plan, [frame(keys, [1] + [2] * 502)]))
    assert [(row["n"], row["partial"]) for row in found] == [(1, None), (2, True)]


def test_what_is_kept_for_each_value_is_bounded_too() -> None:
    """Few groups with many values each: the last groups are put together, the numbers of values over all stay what they are."""
    distinct = windows.Measure("distinct", Distinct(), (pl.col("n"),), api.INT, (K,))
    quantile = windows.Measure("median", Quantile(), (pl.col("n"), 0.5), api.FLOAT, (K,))
    plan = windows.plan(windows.Spec(10, (distinct, quantile), groups=50))
    rows = frame([f"g{at // 300}" for at in range(1500)], list(range(1500)))
    found = by_group(facts(plan, state_of(plan, [rows])), "distinct")
    assert found == {'{"k":"g0"}': 300, '{"k":"__other__"}': 1200}


def test_both_engines_bound_alike() -> None:
    """The same facts from the kernels and from Polars."""
    measures = (
        COUNT,
        windows.Measure("top", Top(), (3, pl.col("k")), api.INT, (), None, ("k", api.STRING)),
        windows.Measure("median", Quantile(), (pl.col("n"), 0.5), api.FLOAT, (K,)),
    )
    plan = windows.plan(windows.Spec(10, measures, groups=7))
    batches = [
        frame([f"k{(at * at) % 97}" for at in range(low, low + 50)], list(range(50))) for low in range(0, 500, 50)
    ]
    mine = facts(plan, state_of(plan, batches, every=3))
    with twin():
        assert facts(plan, state_of(plan, batches, every=3)) == mine
