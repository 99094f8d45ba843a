"""Arithmetic, against Python's math."""

import math
from datetime import timedelta

import pytest
from calls import run
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import api

INTS = st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20)
FLOATS = st.lists(st.floats(-1e15, 1e15), max_size=20)


@given(INTS, FLOATS)
@settings(max_examples=50, deadline=None)
def test_rounding(ints, floats):
    """Integers stay integers; floats are rounded as Python does."""
    for name in ("round", "floor", "ceil"):
        assert run(f"{name}(x)", x=(api.INT, ints)) == ints
    column = (api.FLOAT, floats)
    assert run("floor(x)", x=column) == [float(math.floor(value)) for value in floats]
    assert run("ceil(x)", x=column) == [float(math.ceil(value)) for value in floats]
    assert run("abs(x)", x=column) == [abs(value) for value in floats]
    assert run("abs(x)", x=(api.INT, ints)) == [abs(value) if value > -(2**63) else None for value in ints]
    assert run("sign(x)", x=(api.INT, ints)) == [(value > 0) - (value < 0) for value in ints]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("round(0.5)", 1.0),
        ("round(1.5)", 2.0),
        ("round(-2.5)", -3.0),
        ("round(1.25, 1)", 1.3),
        ("round(12, 3)", 12),
        ("round(1.005, 2)", 1.0),
        ("round(2.675, 2)", 2.68),
        ("sqrt(2)", math.sqrt(2)),
        ("pow(2, -1)", 0.5),
        ("pow(-8, 0.5)", None),
        ("pow(0, -1)", None),
        ("log(2.718281828459045)", 1.0),
        ("log(1000000, 10)", 6.0),
        ("log(1024, 2)", 10.0),
        ("log(3, 2)", math.log(3) / math.log(2)),
        ("log(-1)", None),
        ("log10(0.001)", -3.0),
        ("exp(1)", math.e),
        ("clamp(5, 1, 2.5)", 2.5),
        ("clamp(5, 1, null)", None),
        ("clamp(null, 1, 2)", None),
        ("least(1, null, 0.5)", 0.5),
        ("least(null, null)", None),
        ("greatest('a', 'é', 'b')", "é"),
        ("float(greatest(1m, 90s))", 90.0),
        ("least(7)", 7),
        ("sign(-0.0)", 0),
        ("float(abs(-90s))", 90.0),
        ("float(abs(1m))", 60.0),
    ],
)
def test_results(call, expected):
    """Single results, and what has none."""
    found = run(call)
    assert (type(found), found) == (type(expected), expected if expected is None else pytest.approx(expected, rel=1e-15) if isinstance(expected, float) else expected)  # fmt: skip


def test_powers_of_ten_are_exact():
    """The logarithm of every power of a base is the whole number."""
    assert run("log10(x)", x=(api.FLOAT, [10.0**power for power in range(-20, 300, 7)])) == [
        float(power) for power in range(-20, 300, 7)
    ]


def test_the_longest_negative_duration_has_no_distance_from_zero():
    """As with integers, null: its positive does not fit 64 bits."""
    durations = (api.DURATION, [-(2**63), -1, None])
    assert run("abs(x)", x=durations) == [None, timedelta(microseconds=1), None]


@pytest.mark.parametrize("call", ["log(2, 1)", "log(2, 0)", "log(2, -2)", "round(1.5, 16)", "round(1.5, -1)"])
def test_wrong_constants(call):
    """Bases and digits that make no sense are told when the program is compiled."""
    with pytest.raises(TypeError):
        run(call)


def test_not_a_number():
    """NaN is told from null and from numbers."""
    assert run("is_nan(x)", x=(api.FLOAT, [float("nan"), 1.0, float("inf"), None])) == [True, False, False, False]
    assert run("sqrt(x)", x=(api.FLOAT, [float("nan"), float("inf"), None])) == [None, None, None]
    assert run("sign(x)", x=(api.FLOAT, [float("nan"), -float("inf"), None])) == [None, -1, None]
