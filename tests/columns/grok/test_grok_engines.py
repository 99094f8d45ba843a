"""Both engines give the same result, whatever the pattern and the text."""

import functools
from typing import Literal

import polars as pl
import pytest
from grok_examples import EXAMPLES
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pipeline.columns.grok import LIBRARY, Grok, GrokError, expand
from pipeline.columns.grok.stages import steps

ATOMS = ["a", "b", "1", "-", ".", "[ab]", "[^a]", r"\d", r"\w", r"\b", r"\s", "^", "$", "é"]
LOOKS = ["(?![0-9])", "(?<![0-9-])", "(?<!a)", "(?!b)", r"(?=\s|$)", r"(?<=^|\s)", "(?=a)", "(?<=b)", "(?!ab)"]
TEXTS = st.text(alphabet="ab1- é\n", max_size=8)


@st.composite
def pieces(draw: st.DrawFn, depth: int = 3) -> str:
    """A random pattern that uses every construct the translation has an opinion about."""
    kind = draw(st.integers(0, 9 if depth else 3))
    if kind <= 2:
        return draw(st.sampled_from(ATOMS))
    if kind == 3:
        return draw(st.sampled_from(LOOKS))
    inner = draw(pieces(depth - 1))
    if kind == 4:
        return inner + draw(pieces(depth - 1))
    if kind == 5:
        return f"(?:{inner}|{draw(pieces(depth - 1))})"
    if kind == 6:
        return f"(?>{inner})"
    if kind == 7:
        return (
            f"(?:{inner}{draw(st.sampled_from(['x', '']))}){draw(st.sampled_from(['*+', '++', '?+', '+', '*', '?']))}"
        )
    if kind == 8:
        return f"(?:{inner}){draw(st.sampled_from(['*?', '+?', '??', '{2}', '{1,2}', '{0,2}']))}"
    return f"(?<f{draw(st.integers(0, 2))}>{inner})"


@st.composite
def patterns(draw: st.DrawFn) -> str:
    parts = draw(st.lists(pieces(), min_size=1, max_size=4))
    return (
        draw(st.sampled_from(["", "(?<whole>.*?)", "(?<head>.)"]))
        + "".join(parts)
        + draw(st.sampled_from(["", "(?<t>.)"]))
    )


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
NOT_TRANSLATED = [
    "(?>a|ab)c",
    "(?>a|ab){2}",
    "(?:(?>a|ab)){2}",
    "a*+a",
    "(?>a+b?)b",
    "(?<x>.)(?<!a)b",
    r".*(?<![0-9])1",
    "(?!ab).",
]


@pytest.mark.parametrize(("pattern", "texts"), TRANSLATED)
def test_a_translated_construct_means_the_same(pattern: str, texts: list[str]) -> None:
    """The constructs that Rust's engine lacks, each in a context that lets it be rewritten."""
    column = pl.Series("text", texts)
    assert_frame_equal(Grok(pattern, engine="polars").match(column), Grok(pattern, engine="python").match(column))


@pytest.mark.parametrize("pattern", NOT_TRANSLATED)
def test_what_cannot_be_proven_equal_falls_back(pattern: str) -> None:
    """Where giving back, or the neighbour looked at, could matter, the pattern runs row by row, and says why."""
    grok = Grok(pattern)
    assert grok.engine == "python"
    assert grok.reason


CORPUS = [text for _, text, _ in EXAMPLES]


@pytest.mark.parametrize("name", sorted(LIBRARY))
def test_library_patterns_match_the_same_on_both_engines(name: str) -> None:
    """Every library pattern on the examples of all of them, alone and between other text: no difference."""
    for pattern in (f"%{{{name}:x}}", f"%{{{name}}} (?<rest>.*)", f"(?<word>\\w+)[ :=]%{{{name}:x}}"):
        if Grok(pattern).engine == "polars":
            column = pl.Series("text", [*CORPUS, *(f"a={t} 7" for t in CORPUS)])
            assert_frame_equal(Grok(pattern).match(column), Grok(pattern, engine="python").match(column))


QUOTED = st.text(alphabet=r" -a/\"x2", max_size=6)
ADDRESSES = st.sampled_from(
    ["1.2.3.4", "999.1.1.1", "1.2.3.4.5", "::1", "2001:db8::7", "host-1", "-", "", "unix:", "1.2.3.4 x"]
)
TIMES = st.sampled_from(
    ["10/Oct/2000:13:55:36 -0700", "1/Oct/2000:13:55:36 +0000", "32/Foo/2000:13:55:36 -0700", "", "a b"]
)
REQUESTS = st.sampled_from(
    ["-", "", r"\x16\x03\x01", "GET /", "GET /a b HTTP/1.1", "GET /a HTTP/1.1", 'GET /" HTTP/1.0', r"GET /\"x HTTP/2"]
)
STATUSES = st.sampled_from(["200", "-", "99", "2.5", "1000"])
USERS = st.sampled_from(["-", "joe", "a b", "joe@x.org", "-x", ""])
TAILS = st.sampled_from(["", "\r", ' "extra" 0.5', " 200", "\n", "\nx"])


@st.composite
def log_lines(draw: st.DrawFn) -> str:
    """Access log lines, most of them damaged in one place or more."""
    request = draw(REQUESTS | QUOTED)
    head = f"{draw(ADDRESSES)} {draw(USERS)} {draw(USERS)} [{draw(TIMES)}]"
    tail = f'{draw(STATUSES)} {draw(STATUSES)} "{draw(QUOTED)}" "{draw(QUOTED)}"{draw(TAILS)}'
    line = f'{head} "{request}" {tail}'
    cut = draw(st.integers(0, len(line)))
    return draw(st.sampled_from([line, line, line, line[cut:], line[:cut], "x - " + line]))


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
