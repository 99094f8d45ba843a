"""Conversions: what each type becomes, and what is null."""

import math
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import polars as pl
import pytest
from calls import run
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import api
from pipeline.columns.durations import duration_text, microseconds, size_bytes

TIME = datetime(2024, 5, 1, 12, 0, 0, 250_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "integer", "number"),
    [
        ("42", 42, 42.0),
        ("+42", 42, 42.0),
        ("-42", -42, -42.0),
        ("007", 7, 7.0),
        ("1.5", None, 1.5),
        ("1e3", None, 1000.0),
        (".5", None, 0.5),
        ("9223372036854775807", 2**63 - 1, 2.0**63),
        ("9223372036854775808", None, 2.0**63),
        ("", None, None),
        ("-", None, None),
        (" 1", None, None),
        ("1 ", None, None),
        ("1_000", None, None),
        ("1,000", None, None),
        ("0x10", None, None),
        ("１", None, None),
        ("nan", None, None),
        ("inf", None, None),
        ("1e999", None, None),
    ],
)
def test_numbers_of_texts(text, integer, number):
    """Texts are numbers only if they are nothing else; floats are finite."""
    assert run("int(x)", x=(api.STRING, [text])) == [integer]
    assert run("float(x)", x=(api.STRING, [text])) == [number]
    assert run("int(x)", x=(api.BYTES, [text.encode()])) == [integer]


@pytest.mark.parametrize(
    ("kind", "value", "integer", "number", "text", "truth"),
    [
        (api.INT, -7, -7, -7.0, "-7", True),
        (api.FLOAT, -1.9, -1, -1.9, "-1.9", True),
        (api.FLOAT, 0.0, 0, 0.0, "0.0", False),
        (api.FLOAT, float("inf"), None, None, "inf", True),
        (api.FLOAT, 1e19, None, 1e19, "1e+19", True),
        (api.FLOAT, float("nan"), None, None, "NaN", None),
        (api.BOOL, True, 1, 1.0, "true", True),
        (api.BOOL, False, 0, 0.0, "false", False),
        (api.JSON, "12", 12, 12.0, "12", None),
        (api.JSON, "12.7", 12, 12.7, "12.7", None),
        (api.JSON, '"12"', 12, 12.0, "12", None),
        (api.JSON, '"12.7"', None, 12.7, "12.7", None),
        (api.JSON, "true", 1, 1.0, "true", True),
        (api.JSON, "null", None, None, None, None),
        (api.JSON, '"a\\u00e9\\n"', None, None, "aé\n", None),
        (api.JSON, '{"a":1}', None, None, '{"a":1}', None),
        (api.BYTES, b"\xff1", None, None, "\ufffd1", None),
    ],
)
def test_scalars(kind, value, integer, number, text, truth):
    """Every scalar as integer, float, text and truth value."""
    column = (kind, [value])
    assert run("int(x)", x=column) == [integer]
    assert run("float(x)", x=column) == [number]
    assert run("string(x)", x=column) == [text]
    assert run("bool(x)", x=column) == [truth]


def test_times_and_durations():
    """Times are seconds since 1970 and durations seconds; integers are rounded down."""
    before = datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC)
    times = (api.TIME, [TIME, before])
    lengths = (api.DURATION, [timedelta(minutes=1, milliseconds=250), timedelta(milliseconds=-500)])
    assert run("int(x)", x=times) == [1714564800, -1]
    assert run("float(x)", x=times) == [1714564800.25, -0.5]
    assert run("string(x)", x=times) == ["2024-05-01T12:00:00.25Z", "1969-12-31T23:59:59.5Z"]
    assert run("int(x)", x=lengths) == [60, -1]
    assert run("float(x)", x=lengths) == [60.25, -0.5]
    assert run("string(x)", x=lengths) == ["1m0.25s", "-0.5s"]


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("10s", 10_000_000),
        ("1m30s", 90_000_000),
        ("1h2m3s4ms5us", 3_723_004_005),
        ("1.5h", 5_400_000_000),
        ("-2d", -172_800_000_000),
        ("15.2µs", 15),
        ("1500ns", 2),
        ("12", 12_000_000),
        ("0.25", 250_000),
        ("-.5", -500_000),
        ("", None),
        ("-", None),
        ("s", None),
        ("10 s", None),
        ("10x", None),
        ("1m 30s", None),
        ("1e3", None),
        ("9" * 30, None),
        ("9" * 400 + "d", None),
        ("١s", None),
    ],
)
def test_duration(text, micros):
    """Durations are numbers with units, or seconds."""
    assert microseconds(text) == micros


@given(st.integers(-(2**52), 2**52))
@settings(max_examples=200, deadline=None)
def test_duration_round_trip(micros):
    """`duration` reads what `string` writes."""
    assert microseconds(duration_text(micros)) == micros


@pytest.mark.parametrize(
    ("kind", "value", "micros"),
    [
        (api.INT, 90, 90_000_000),
        (api.INT, 2**62, None),
        (api.FLOAT, 0.1, 100_000),
        (api.FLOAT, float("nan"), None),
        (api.FLOAT, 1e300, None),
        (api.JSON, '"10s"', 10_000_000),
        (api.JSON, "10", 10_000_000),
    ],
)
def test_duration_of_numbers(kind, value, micros):
    """Numbers are seconds; what does not fit is null."""
    found = run("duration(x)", x=(kind, [value]))
    assert found == [None if micros is None else timedelta(microseconds=micros)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("512", 512),
        ("512B", 512),
        ("1kB", 1000),
        ("1KB", 1000),
        ("1KiB", 1024),
        ("1k", 1024),
        ("1.5 GiB", 3 * 2**29),
        ("64MiB", 64 * 2**20),
        ("10MB", 10_000_000),
        ("2T", 2 * 2**40),
        ("9000000P", None),
        ("1" * 500, None),
        ("1" * 500 + ".5K", None),
        ("-1K", None),
        ("1 kib", None),
        ("", None),
    ],
)
def test_size(text, expected):
    """Sizes in powers of 1000 and of 1024."""
    assert size_bytes(text) == expected


@given(st.integers(0, 10**9), st.sampled_from("KMGTP"), st.sampled_from(["", "iB", "B"]))
@settings(max_examples=100, deadline=None)
def test_size_is_exact(number, letter, suffix):
    """Whole numbers of units are exact up to 64 bits."""
    exact = Fraction(number) * (1000 if suffix == "B" else 1024) ** ("KMGTP".index(letter) + 1)
    assert size_bytes(f"{number}{letter}{suffix}") == (int(exact) if exact < 2**63 else None)


@given(st.lists(st.floats(), max_size=20))
@settings(max_examples=100, deadline=None)
def test_floats(values):
    """Floats become integers by cutting, and texts that read back as the same float."""
    fits = [math.isfinite(value) and -(2.0**63) <= value < 2.0**63 for value in values]
    column = (api.FLOAT, values)
    expected = [int(value) if fit else None for value, fit in zip(values, fits, strict=True)]
    assert run("int(x)", x=column) == expected
    texts = run("string(x)", x=column)
    finite = [value if math.isfinite(value) else None for value in values]
    assert run("float(x)", x=(api.STRING, texts)) == finite


def test_string_of_lists_and_records():
    """Lists and records are JSON."""
    kind = api.record({"a": api.INT, "t": api.TIME, "n": api.STRING})
    value = {"a": 1, "t": TIME, "n": None}
    assert run("string(x)", x=(kind, [value])) == ['{"a":1,"t":"2024-05-01T12:00:00.25Z"}']
    assert run("to_json(x)", x=(api.list_of(api.FLOAT), [[1.5, None], None])) == ["[1.5,null]", None]


def test_invalid_bytes_among_valid_ones():
    """One invalid text changes no other."""
    assert run("string(x)", x=(api.BYTES, [b"a", b"\xc3", "é".encode(), None])) == ["a", "\ufffd", "é", None]


def test_literals_and_columns_together():
    """A literal argument is one value for all rows."""
    frame = pl.DataFrame({"x": ["1", "2"]})
    assert frame.height == len(run("concat(x, string(90s))", x=(api.STRING, ["a", "b"])))
    assert run("concat(x, string(90s))", x=(api.STRING, ["a", "b"])) == ["a1m30s", "b1m30s"]


def test_seconds_are_the_nearest_float():
    """Those of a time are what Python makes of it, for a row alone and among others."""
    micros = [1_790_000_000_123_457 + 1_000_003 * at for at in range(200)]
    found = run("float(t)", t=(api.TIME, micros))
    assert found == [each / 1_000_000 for each in micros]
    assert [run("float(t)", t=(api.TIME, [each]))[0] for each in micros[:20]] == found[:20]
