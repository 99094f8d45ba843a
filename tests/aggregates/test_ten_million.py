"""Sketches of ten million values: within the error that their events state."""

from __future__ import annotations

import math
from collections.abc import Callable

import polars as pl
import pytest
from pipeline_plugins.aggregates.distinct import Distinct
from pipeline_plugins.aggregates.quantile import Quantile
from pipeline_plugins.aggregates.top import ApproximateTop

from pipeline import api
from pipeline.api import windows
from pipeline.columns.native import kernels

ROWS = 10_000_000
BATCH = 1_250_000
X, U, SIGN = pl.col("x"), pl.col("u"), pl.col("sign")

PLACES = pl.int_range(ROWS, dtype=pl.UInt64, eager=True)
EVEN = pl.DataFrame(
    [
        # Multiples of the golden ratio: evenly spread below 1, all different, without order (Knuth, volume 3, 6.4).
        ((PLACES * 0x9E3779B97F4A7C15) // 2**11).cast(pl.Float64).alias("u") / 2**53,
        (PLACES % 2).cast(pl.Float64).alias("sign") * 2 - 1,
    ]
)


def spread(value: pl.Expr) -> Callable[[], pl.Series]:
    return lambda: EVEN.select(value.alias("x")).to_series()


def alone() -> pl.Series:
    return pl.Series("x", [-0.125]).new_from_index(0, ROWS)


NUMBERS = {
    "uniform": spread(U * 1000),
    "one value": alone,
    "zipf": spread((U * math.log(1e6)).exp().floor()),
    "heavy tails and zeros": spread(pl.when(U < 0.2).then(0.0).otherwise((1 - U).pow(-2) * SIGN)),
}
COUNTED = {
    "uniform": spread((U * 50_000).cast(pl.Int64)),
    "one value": alone,
    "zipf": spread((U * math.log(1e5)).exp().cast(pl.Int64)),
    "heavy tail": spread((1 - U).pow(-1).cast(pl.Int64)),
    # Where there is no crate, every value is hashed by itself.
    **({"all different": spread(U)} if kernels is not None else {}),
}


def folded(
    aggregate: api.Aggregate, arguments: tuple[pl.Expr | float, ...], x: pl.Series
) -> tuple[windows.Plan, windows.Delta]:
    """Batches merged in pairs, pairs in pairs, and so on."""
    ranked = ("x", api.INT) if aggregate.ranking else None
    measure = windows.Measure("m", aggregate, arguments, api.INT, ranked=ranked)
    plan = windows.plan(windows.Spec(0, (measure,)))
    time = pl.Series("@timestamp", [0], dtype=pl.Datetime("us", "UTC")).new_from_index(0, BATCH)
    states = [windows.deltas(plan, pl.DataFrame([time, x[at : at + BATCH]]))[0] for at in range(0, ROWS, BATCH)]
    while len(states) > 1:
        states = [windows.merge(plan, states[at : at + 2]) for at in range(0, len(states), 2)]
    return plan, states[0]


@pytest.mark.parametrize("values", NUMBERS)
def test_a_quantile_is_within_its_error(values):
    """And that is at most 1.02 % of it; of the lowest value, the highest, and some between."""
    x = NUMBERS[values]()
    ordered = x.sort()
    _, state = folded(Quantile(), (X, 0.5), x)
    for q in (0.0, 0.001, 0.01, 0.25, 0.5, 0.9, 0.99, 0.9999, 1.0):
        plan = windows.plan(windows.Spec(0, (windows.Measure("m", Quantile(), (X, q), api.FLOAT),)))
        told = plan.finish(0, state)
        value, error = told["value"].item(), told["error"].item()
        place = q * (ROWS - 1)
        low, high = ordered[math.floor(place)], ordered[math.ceil(place)]
        assert abs(value - (low + (high - low) * (place % 1))) <= error, q
        assert error <= 0.0102 * abs(value)
        assert (error == 0) == (values == "one value" or value == 0), q


@pytest.mark.parametrize("values", COUNTED)
def test_a_count_of_different_values_is_within_its_error(values):
    """And that is 2.44 % of it, and 0 for what is exact."""
    x = COUNTED[values]()
    plan, state = folded(Distinct(), (X,), x)
    told = plan.finish(0, state)
    value, error = told["value"].item(), told["error"].item()
    assert abs(value - x.n_unique()) <= error
    assert error == (math.ceil(value * 0.0243507) if value > 10_000 else 0)


RANKED = {
    "zipf": (COUNTED["zipf"], 86),
    # Frequent in one batch and rare in the next.
    "moving": (spread((U * math.log(1e5)).exp().cast(pl.Int64) + 200 * (pl.int_range(pl.len()) // BATCH)), 87),
}
"""Values, and how many of them come more often than once in a thousand rows."""


@pytest.mark.parametrize("values", RANKED)
def test_a_ranking_is_within_its_error(values):
    """And that is at most the rows divided by the counters; no value that comes more often than that is missing."""
    made, number = RANKED[values]
    x = made()
    plan, state = folded(ApproximateTop(1000), (200, X), x)
    true = dict(x.value_counts().rows())
    told = plan.finish(0, state)
    for key, value, error in told.select("key", "value", "error").iter_rows():
        assert value - error <= true[key] <= value
        assert error <= ROWS / 1000
    often = {key for key, count in true.items() if count > ROWS / 1000}
    assert len(often) == number
    assert often <= set(told["key"])
