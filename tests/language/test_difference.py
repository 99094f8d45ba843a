"""Lists of events: which belong together, what differs, and how values are written."""

from __future__ import annotations

import pytest

from pipeline.lang import Source, parse_expression
from pipeline.plan.cases import Check
from pipeline.plan.load import load
from pipeline.trials.difference import difference
from pipeline.trials.judge import same
from pipeline.trials.wording import shown


def test_events_that_agree_are_paired_first() -> None:
    """One that is missing or too many does not shift the others, and of a changed one the members that differ are told."""
    expected = [{"n": 1}, {"n": 2, "m": "a"}, {"n": 3}, "raw"]
    found = [{"n": 0}, {"n": 1, "x": 9}, {"n": 2, "m": "b"}, {"n": 3}, {"@raw": "raw"}, {"@raw": "more"}]
    assert list(difference(expected, found)) == [
        "+ 1. {n: 0}",
        "  2. {n: 1}",
        "  3. {n: 2}",
        "-    m: 'a'",
        "+    m: 'b'",
        "  4. {n: 3}",
        "  5. 'raw'",
        "+ 6. {'@raw': 'more'}",
    ]


def test_texts_that_differ() -> None:
    """A text stands beside the record that came instead, or alone."""
    assert list(difference(["a", "b"], [{"@raw": "x", "f": 1}])) == ["- 1. 'a'", "+ 1. 'x'", "- 2. 'b'"]


def test_very_long_lists_are_compared_by_place() -> None:
    """Two lists of a thousand take no time."""
    expected = [{"n": number} for number in range(1000)]
    found = [{"n": number + (number == 500)} for number in range(1000)]
    told = list(difference(expected, found))
    assert [line for line in told if not line.startswith(" ")] == ["-    n: 500", "+    n: 501"]


@pytest.mark.parametrize(
    ("expected", "found", "are"),
    [
        (1, 1.0, True),
        (1, True, False),
        (None, None, True),
        ({"a": None}, {}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ([1, {"a": [2]}], [1, {"a": [2]}], True),
        ([1, 2], [2, 1], False),
        ("1", 1, False),
    ],
)
def test_values_are_the_same(expected: object, found: object, are: bool) -> None:
    """As JSON has them: numbers by value, members without order, null as missing."""
    assert same(expected, found) is are


@pytest.mark.parametrize(
    "value",
    [
        {"metric": "gone", "by": {"geo.country": "DE"}, "value": -1.5},
        ["it's", 'a "b" \\ {c}', "two\nlines\t{x}", "\x00", "ä"],
        [True, None, 9223372036854775807, 1e-7, 1.5e300, []],
    ],
)
def test_values_are_written_in_the_language(value: object) -> None:
    """What is written is read as an expression without errors."""
    assert parse_expression(Source("value", shown(value))).diagnostics == ()


def test_numbers_with_exponents_mean_the_same() -> None:
    """The language has no exponents, so `float` reads them."""
    source = "source a = file('a')\nsink s = a | json() -> null()\ntest 'x' { expect s == [LIST] }"
    numbers = [1e-7, -1.5e300, 0.25]
    found = load(Source("a.pipe", source.replace("LIST", f"{{more: {shown(numbers)}}}")))
    (check,) = found.checked.cases[0].steps
    assert isinstance(check, Check)
    assert check.expectation.events == ({"more": numbers},)
