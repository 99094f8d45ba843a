"""Where patterns stop on lines that they do not match."""

import polars as pl
import pytest

from pipeline.columns.grok.kinds import Example
from pipeline.columns.grok.ladder import Ladder
from pipeline.columns.grok.misses import Misses

TIME = "10/Oct/2000:13:55:36 -0700"

STOPS = [
    ("%{WORD:a} %{INT:b:int}", "x 5", None),
    ("%{WORD:a} %{INT:b}", "bad line", ("bad ", "%{INT:b}", "line", None)),
    ("%{WORD:a} took %{INT:b}", "job tock 5", ("job to", "ok ", "ck 5", None)),
    ("^%{IP:a} x$", "1.2.3.4 x y", ("1.2.3.4 x", "$", " y", None)),
    ("^%{IP:a} x", "1.2.3.4", ("1.2.3.4", " x", "", None)),
    ("a|b", "c", ("", "", "c", None)),
    ("%{INT:a}", "c" * 99, ("", "%{INT:a}", "c" * 60, None)),
    (
        "%{NGINX_COMBINED}",
        f'1.2.3.4 - - [{TIME}] "GET / HTTP/1.1" 2x0 5 "-" "-"',
        (f'1.2.3.4 - - [{TIME}] "GET / HTTP/1.1" ', "(?<status:int>[0-9]{3})", '2x0 5 "-" "-"', None),
    ),
    (
        r"\[%{HTTPDATE:at}\]",
        "[10/Foo/2000:13:55:36 -0700]",
        ("[", "%{HTTPDATE:at}", "10/Foo/2000:13:55:36 -0700]", ("%{MONTH}", "Foo/2000:13:55:36 -0700]")),
    ),
    ("(?i)get %{INT:a}", "GET x", ("GET ", "%{INT:a}", "x", None)),
]


@pytest.mark.parametrize(("pattern", "line", "expected"), STOPS, ids=[pattern for pattern, _, _ in STOPS])
def test_a_pattern_stops_where_its_longest_prefix_ends(
    pattern: str, line: str, expected: tuple[str, str, str, tuple[str, str] | None] | None
) -> None:
    """The text that the longest prefix matches, the element after it, what it saw, and how far that element got itself."""
    ladder = Ladder(pattern)
    assert ladder.matches(line) == (expected is None)
    if expected is not None:
        stop = ladder.climb(line)
        assert (line[stop.start : stop.end], stop.element, stop.saw, stop.inside) == expected


def test_a_prefix_that_takes_too_long_does_not_match() -> None:
    """The time for each try is limited, so that a pattern that explodes is explained as far as it goes."""
    stop = Ladder(r"x(?:a|aa)+\Zb c", timeout=0.01).climb("x" + "a" * 60 + "c")
    assert (stop.index, stop.end) == (2, 61)
    exploding = Ladder(r"^(?:a|aa)+(?:b|c)d e", timeout=0.01).climb("a" * 60 + "x")
    assert exploding.element == "(?:b|c)"


def missed(patterns: list[str], lines: list[str], definitions: dict[str, str] | None = None) -> Misses:
    misses = Misses(patterns, definitions)
    numbers = pl.int_range(1, len(lines) + 1, eager=True)
    misses.add(pl.Series("text", lines), numbers, numbers)
    return misses


def test_the_pattern_that_got_furthest_is_told() -> None:
    """Of several patterns the one whose prefix matches most; a program's own patterns are opened too."""
    misses = missed(["x=%{INT:c}", "%{MINE}"], ["job: tock 5"], {"MINE": "%{WORD:a}: took %{INT:b}"})
    ((place,),) = (explained.places for explained in misses.explained(5))
    assert (place.stop.pattern, place.stop.element, place.stop.saw) == ("%{MINE}", "ok ", "ck 5")


def test_lines_of_a_kind_that_stop_elsewhere_are_told_apart() -> None:
    """The places where the examples of one kind stop, the commonest first, each with its first example."""
    lines = ["a x 1 ok", "a 2 y ok", "a x 3 ok"]
    (explained,) = missed(["^a %{INT:n} %{INT:m} ok"], lines).explained(5)
    assert [(place.examples, place.stop.saw, place.example) for place in explained.places] == [
        (2, "x 1 ok", Example(1, 1, lines[0])),
        (1, "y ok", Example(2, 2, lines[1])),
    ]
    assert explained.kind.lines == 3


def test_only_the_largest_kinds_are_explained_and_only_once() -> None:
    """What was explained stays as it is while its kind has the same examples, with the counts of now."""
    misses = missed(["%{INT:n}"], ["a b"] * 9 + ["c"])
    (before,) = misses.explained(1)
    more = pl.Series([11, 12])
    misses.add(pl.Series("text", ["a b", "a b"]), more, more)
    (after,) = misses.explained(1)
    assert (before.kind.lines, after.kind.lines) == (9, 11)
    assert after.places is before.places
