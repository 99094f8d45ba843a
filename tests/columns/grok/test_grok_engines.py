"""Both engines give the same result, whatever the pattern and the text."""

import functools
import itertools
from typing import Literal

import polars as pl
import pytest
from grok_examples import EXAMPLES
from grok_strategies import TEXTS, log_lines, patterns
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pipeline.columns.grok import LIBRARY, Grok, GrokError, expand
from pipeline.columns.grok.stages import steps


@settings(max_examples=400, deadline=None)
@given(pattern=patterns(), texts=st.lists(TEXTS, min_size=1, max_size=12))
def test_random_patterns_match_the_same_on_both_engines(pattern: str, texts: list[str]) -> None:
    """Whatever can be translated for Polars gives the captures that the backtracking engine gives."""
    try:
        columnar = Grok(pattern, engine="polars")
    except GrokError:
        return
    column = pl.Series("text", texts, dtype=pl.String)
    assert_frame_equal(columnar.match(column), Grok(pattern, engine="python").match(column))


TRANSLATED = [
    ("(?>a|b)c", ["abc", "ac", "cc"]),
    (r"(?<n>\d++)-", ["12-", "1", "x3-"]),
    ("(?<x>(?>a|ab))(?<y>b?)", ["ab", "b", "aab"]),
    (r"(?<x>(?<![0-9])1a)", ["11a", "1a", " 1a", "a1a"]),
    (r"(?<x>(?:(?<!a)b|-b))", ["ab", "a-b", "bb", "-b", "aab-b"]),
    (r"(?<x>1(?![0-9])|b)", ["11", "1", "12b", "21x"]),
    (r"(?<x>1(?![0-9])|b(?=a))", ["11ba", "b", "ba", "12"]),
    ("(?<x>a(?!b)) ", ["ab ", "a "]),
    (r"\A(?<x>a+)$", ["aa\nb", "b\naa", "aa"]),
    ("(?<x>^b$)", ["a\nb\nc", "b", "ab"]),
    (r"(?<f>a)|(?<f>b)(?<g>c?)", ["a", "b", "bc", ""]),
    ("(?i)(?<x>[a-c]é)", ["Aé", "bÉ", "é"]),
    (r"(?<x>\w+)(?<y>\W*)", ["é٣", "ab_1 é", ""]),
    (r"(?<x>[[:alpha:]&&[^a]]\h)", ["ab", "ba", "bg", "Bé"]),
    (r"(?<x>(?:a|b)*?)(?<y>b{1,2})", ["aabbb", "b", "a"]),
]
NOT_COMPILED = [
    "(?>a|ab)c",
    "(?>a|ab){2}",
    "(?:(?>a|ab)){2}",
    "a*+a",
    "(?>a+b?)b",
    "(?!ab).",
]
NOT_TRANSLATED = [*NOT_COMPILED, "(?<x>.)(?<!a)b", ".*(?<![0-9])1"]


@pytest.mark.parametrize("pattern", NOT_TRANSLATED)
def test_what_cannot_be_proven_equal_is_not_translated(pattern: str) -> None:
    """Where giving back, or the neighbour looked at, could matter, Polars' engine is not used."""
    with pytest.raises(GrokError, match="the pattern cannot run on the polars engine: "):
        Grok(pattern, engine="polars")


@pytest.mark.parametrize("pattern", NOT_COMPILED)
def test_what_no_automaton_can_do_falls_back(pattern: str) -> None:
    """Such a pattern runs row by row, with and without the native kernels, and says why."""
    grok = Grok(pattern)
    assert grok.engine == "python"
    assert grok.reason


ROUNDS = ["(?:%{DATA:y})+(?<z>b)", "(?:(?<y>a?))*b", "(?:(?<y>a*)){2}b", "(?<x>(?:a|(?<y>b?))*)c"]


@pytest.mark.parametrize("pattern", ROUNDS)
@pytest.mark.parametrize("engine", [pytest.param("native", marks=pytest.mark.native), "polars"])
def test_a_field_in_a_round_that_may_be_empty_is_left_to_one_engine(
    pattern: str, engine: Literal["native", "polars"]
) -> None:
    """Whether an empty last round counts differs by engine."""
    with pytest.raises(GrokError, match="a repetition of what can be empty"):
        Grok(pattern, engine=engine)
    assert Grok(pattern).engine == "python"


def test_a_repetition_of_what_can_be_empty_matches_as_on_the_row_by_row_engine() -> None:
    """Polars would take another way through it, also when the field stands beside it."""
    texts = pl.Series(["".join(text) for n in range(5) for text in itertools.product("ab-", repeat=n)])
    pattern = "(?:(?:a|.*?))+(?<t>.)"
    assert_frame_equal(Grok(pattern).match(texts), Grok(pattern, engine="python").match(texts))
    with pytest.raises(GrokError, match="a repetition of what can be empty"):
        Grok(pattern, engine="polars")


NO_ROUNDS = [
    ("(?:(?<g>x)){0}b", {"g": None}),
    ("(?:(?<g>x)){0}(?:%{DATA:y}x?)b", {"g": None, "y": "a"}),
    ("(?:%{INT:g:int}){0}(?<h>.)b", {"g": None, "h": "a"}),
    ("(?:%{WORD:g}){0}", {"g": None}),
    ("(?:(?<g>x)|%{WORD:g}){0}(?<g>a)", {"g": "a"}),
    ("(?<g>x{0})(?<h>a)", {"g": None, "h": "a"}),
]


@pytest.mark.parametrize(("pattern", "fields"), NO_ROUNDS)
@pytest.mark.parametrize("engine", [None, pytest.param("native", marks=pytest.mark.native), "polars", "python"])
def test_a_field_in_what_is_repeated_no_times_is_null(
    pattern: str, fields: dict[str, str | None], engine: Literal["native", "polars", "python"] | None
) -> None:
    """It is a field of the result all the same, on every engine."""
    found = Grok(pattern, engine=engine).match(pl.Series(["ab"]))
    assert found.to_dicts() == [{**fields, "@matched": True, "@reason": None}]


def test_a_field_in_no_rounds_is_null_beside_one_that_only_one_engine_finds() -> None:
    """A pattern that is left to the row-by-row engine as a whole."""
    found = Grok("(?:(?<g>x)){0}(?:%{DATA:y})+b").match(pl.Series(["ab"]))
    assert found.to_dicts() == [{"g": None, "y": None, "@matched": True, "@reason": None}]


CORPUS = [text for _, text, _ in EXAMPLES]


@pytest.mark.parametrize("name", sorted(LIBRARY))
def test_library_patterns_match_the_same_on_both_engines(name: str) -> None:
    """Every library pattern on the examples of all of them, alone and between other text: no difference."""
    for pattern in (f"%{{{name}:x}}", f"%{{{name}}} (?<rest>.*)", f"(?<word>\\w+)[ :=]%{{{name}:x}}"):
        if Grok(pattern).engine == "polars":
            column = pl.Series("text", [*CORPUS, *(f"a={t} 7" for t in CORPUS)])
            assert_frame_equal(Grok(pattern).match(column), Grok(pattern, engine="python").match(column))


@functools.cache
def compiled(pattern: str, engine: Literal["polars", "python"]) -> Grok:
    """A pattern with an alias of NGINX_COMBINED, compiled once for all examples."""
    return Grok(pattern, {"MINE": "%{NGINX_COMBINED}"}, engine=engine, timeout=5.0)


ACCESS = ["NGINX_COMBINED", "COMBINEDAPACHELOG", "COMMONAPACHELOG"]


@pytest.mark.parametrize("pattern", [*(f"%{{{n}}}" for n in ACCESS), "^%{NGINX_COMBINED} (?<x>.*)", "%{MINE}?(?<x>.)"])
@settings(max_examples=100, deadline=None)
@given(lines=st.lists(log_lines(), min_size=1, max_size=20))
def test_the_strict_form_never_changes_a_result(pattern: str, lines: list[str]) -> None:
    """The steps that make it fast give what the tolerant pattern alone gives on the backtracking engine."""
    column = pl.Series("text", lines)
    assert_frame_equal(compiled(pattern, "polars").match(column), compiled(pattern, "python").match(column))


def test_which_patterns_have_a_strict_form() -> None:
    """Anchors, aliases and text after the reference keep it; alternatives, quantifiers and redefinitions lose it."""
    mine = {"MINE": "%{NGINX_COMBINED}", "ALSO": "%{MINE} %{NUMBER:time:float}"}
    for pattern in ("%{NGINX_COMBINED}", r"\A%{MINE}", "%{ALSO}", "%{COMBINEDAPACHELOG}$", "%{COMMONAPACHELOG}"):
        strict = steps(pattern, expand(pattern, mine), mine)[0].source
        assert strict != steps(f"(?:){pattern}", expand(pattern, mine), mine)[0].source
    for pattern in ("%{MINE}|%{WORD:x}", "%{MINE}?", "%{WORD:x} %{MINE}"):
        strict = steps(pattern, expand(pattern, mine), mine)[0].source
        assert strict == steps(f"(?:){pattern}", expand(pattern, mine), mine)[0].source
    changed = {"WORD": "[a-z]+"}
    strict = steps("%{COMBINEDAPACHELOG}", expand("%{COMBINEDAPACHELOG}", changed), changed)[0].source
    assert strict == steps("(?:)%{COMBINEDAPACHELOG}", expand("%{COMBINEDAPACHELOG}", changed), changed)[0].source
