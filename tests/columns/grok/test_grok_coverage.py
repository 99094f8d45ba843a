"""What patterns make of a file."""

import itertools

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.columns.grok import Capture, GrokError
from pipeline.columns.grok.coverage import VALUES, Coverage, Failure, FieldUse


def covered(patterns: list[str], lines: list[str | None], cuts: tuple[int, ...] = ()) -> Coverage:
    """The coverage of lines, added in the pieces that `cuts` makes."""
    coverage = Coverage(patterns)
    edges = [0, *sorted(cuts), len(lines)]
    for start, end in itertools.pairwise(edges):
        coverage.add(pl.Series("text", lines[start:end], pl.String), pl.int_range(start, end, eager=True))
    return coverage


def test_lines_are_counted_by_the_pattern_that_takes_them() -> None:
    """A line belongs to the first pattern that matches it; a null to none; the rest are misses with their numbers."""
    coverage = covered(["^a%{INT:n:int}", "^%{WORD:w}"], ["a1", "b", None, "a2", "-", "c"])
    assert (coverage.lines, coverage.matched, coverage.hits, coverage.timeouts) == (6, 4, [2, 2], 0)
    ((kind,),) = ([explained.kind for explained in coverage.explained()],)
    assert (kind.template, kind.lines, kind.examples[0].line, kind.examples[0].offset) == ("-", 1, 5, 4)


def test_fields_say_how_often_they_have_a_value_and_which() -> None:
    """Matched lines with a value, the commonest values, ties by their text; of all patterns together."""
    coverage = covered([r"^(?<a>\w*)=(?<n:int>\S*)$", r"^(?<a>\w+)$"], ["x=1", "y=2", "x=2", "=2", "z", "!"])
    assert coverage.fields() == [
        FieldUse(Capture("a", "string"), 4, (("x", 2), ("y", 1), ("z", 1)), 0, 0, None),
        FieldUse(Capture("n", "int"), 4, ((2, 3), (1, 1)), 0, 0, None),
    ]


def test_values_are_counted_in_the_first_lines() -> None:
    """Of a long file the values of the first 10,000 matched lines, in whatever pieces they come."""
    lines: list[str | None] = [*["a"] * 6_000, *["b"] * 6_000]
    (use,) = covered(["^(?<w>[ab])"], lines, (7_000, 9_000)).fields()
    assert (use.present, use.top) == (12_000, (("a", 6_000), ("b", VALUES - 6_000)))


def test_texts_that_do_not_convert_are_counted() -> None:
    """A value that is null although there is a text failed; one without a text did not. The first is shown with its line."""
    (use,) = covered([r"^(?<n:int>\S*)$"], ["1", "", "1.5", "x", "!"]).fields()
    assert (use.present, use.looked, use.failed, use.failure) == (1, 4, 3, Failure("1.5", 3))


def test_timeouts_are_counted() -> None:
    """A line that takes too long is a miss like others, and a timeout, unless a later pattern takes it."""
    line = "a" * 60 + "c"
    coverage = covered([r"^(?:a|aa)+(?<x>b)\Z"], [line, "ab"])
    assert (coverage.engine, coverage.matched, coverage.timeouts) == ("python", 1, 1)
    coverage = covered([r"^(?:a|aa)+(?<x>b)\Z", "c$"], [line, "ab"])
    assert (coverage.hits, coverage.timeouts) == ([1, 1], 0)


def test_patterns_that_do_not_fit_together_are_refused() -> None:
    """As where a program uses them: a field has one type."""
    with pytest.raises(GrokError, match="int in one pattern and string in another"):
        Coverage(["%{INT:a:int}", "%{INT:a}"])


LINES = st.lists(st.sampled_from(["a1", "a-", "b", "", "x y", "a1.5", "\x00"]), max_size=40)


@settings(max_examples=60, deadline=None)
@given(lines=LINES, cuts=st.lists(st.integers(0, 40), max_size=4))
def test_cuts_do_not_matter(lines: list[str], cuts: list[int]) -> None:
    """The same counts, fields and kinds however the lines are cut into batches."""
    patterns = [r"^a(?<n:int>\S+)$", "^(?<b>b)"]
    whole = covered(patterns, [*lines])
    parts = covered(patterns, [*lines], tuple(min(cut, len(lines)) for cut in cuts))
    assert (whole.lines, whole.hits, whole.fields()) == (parts.lines, parts.hits, parts.fields())
    assert whole.misses.kinds() == parts.misses.kinds()
    assert whole.matched + sum(kind.lines for kind in whole.misses.kinds()) == whole.lines
