"""Sums of floats without error."""

from __future__ import annotations

import math
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.columns.windows.exact import bucket, total, units


def summed(values: list[float | None], count: int = 1) -> float:
    frame = pl.DataFrame({"x": values}, schema={"x": pl.Float64})
    parts = (
        frame.select(bucket(pl.col("x")).alias("b"), units(pl.col("x")).alias("u")).group_by("b").agg(pl.col("u").sum())
    )
    return total(parts.get_column("b").to_list(), parts.get_column("u").to_list(), count)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_a_sum_is_the_rational_sum_rounded_once(values):
    """Any finite doubles, subnormal and huge ones together, sum to the nearest double of the true sum."""
    exact = sum((Fraction(value) for value in values), Fraction(0))
    try:
        expected = exact.numerator / exact.denominator
    except OverflowError:
        expected = math.inf if exact > 0 else -math.inf
    assert summed(values) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], 0.0),
        ([None, None], 0.0),
        ([0.1] * 10, 1.0),
        ([1e16, 1.0, -1e16], 1.0),
        ([5e-324, None, 5e-324], 1e-323),
        ([1.7976931348623157e308] * 2, math.inf),
        ([-1.7976931348623157e308] * 2, -math.inf),
        ([1.7976931348623157e308, 1.7976931348623157e308, -1.7976931348623157e308], 1.7976931348623157e308),
        ([math.inf, 1.0], math.inf),
        ([-math.inf, 1.0], -math.inf),
    ],
)
def test_known_sums(values, expected):
    """Cancellation, subnormals, overflow on the way and infinities."""
    assert summed(values) == expected


@pytest.mark.parametrize("values", [[math.nan, 1.0], [math.inf, -math.inf], [math.inf, math.nan]])
def test_nan_comes_of_nan_and_of_opposite_infinities(values):
    """NaN is not lost among other values."""
    assert math.isnan(summed(values))


def test_a_mean_is_rounded_once():
    """The quotient is taken before rounding: two largest doubles have a mean though their sum overflows."""
    assert summed([1.7976931348623157e308] * 2, 2) == 1.7976931348623157e308
