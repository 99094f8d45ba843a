"""Texts by code points, literal and regex patterns."""

import pytest
from calls import run
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import api

TEXTS = st.lists(st.text(st.sampled_from("ab.é😀$ "), max_size=8), max_size=10)


@given(TEXTS, st.integers(-9, 9), st.integers(0, 9))
@settings(max_examples=100, deadline=None)
def test_substring(texts, start, length):
    """Substrings are those of Python, by code points; a start before the text is its start."""
    column = (api.STRING, texts)
    begins = [max(0, len(text) + start) if start < 0 else start for text in texts]
    assert run(f"substring(x, {start})", x=column) == [text[at:] for text, at in zip(texts, begins, strict=True)]
    assert run(f"substring(x, {start}, {length})", x=column) == [
        text[at : at + length] for text, at in zip(texts, begins, strict=True)
    ]


def test_substring_by_columns():
    """Start and length may be fields; a negative length has no text."""
    columns = {"x": (api.STRING, ["hello"] * 4), "n": (api.INT, [1, -2, None, 0]), "m": (api.INT, [2, 9, 1, -1])}
    assert run("substring(x, n, m)", **columns) == ["el", "lo", None, None]


@given(TEXTS, st.text(st.sampled_from("ab.é😀$"), max_size=2))
@settings(max_examples=100, deadline=None)
def test_index_of(texts, part):
    """The first position is Python's `find`, null for -1."""
    expected = [None if text.find(part) < 0 else text.find(part) for text in texts]
    assert run(f"index_of(x, '{part}')", x=(api.STRING, texts)) == expected


@given(
    TEXTS, st.text(st.sampled_from("ab.é😀$"), min_size=1, max_size=2), st.text(st.sampled_from("a$1{}"), max_size=3)
)
@settings(max_examples=100, deadline=None)
def test_literal_patterns(texts, part, new):
    """A text as a pattern is literal, and so is its replacement."""
    column = (api.STRING, texts)
    assert run(f"replace(x, '{part}', '{new}')", x=column) == [text.replace(part, new) for text in texts]
    assert run(f"count_matches(x, '{part}')", x=column) == [text.count(part) for text in texts]
    assert run(f"split(x, '{part}')", x=column) == [text.split(part) for text in texts]
    assert run(f"join(split(x, '{part}'), '{part}')", x=column) == texts


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("replace('2024-05-01', /(\\d+)-(\\d+)-(\\d+)/, '$3.$2.$1')", "01.05.2024"),
        ("replace('ab', /(?P<x>a)/, '${x}1')", "a1b"),
        ("replace('ab', /(?<x>a)/, '$x-')", "a-b"),
        ("replace('ab', /(a)/, '$1x')", "axb"),
        ("replace('ab', /b/, '$$1')", "a$1"),
        ("replace('ab', /b/, '[$0]')", "a[b]"),
        ("replace('ab', /(a)|(b)/, '<$1$2>')", "<a><b>"),
        ("replace('ABC', /b/i, 'x')", "AxC"),
        ("replace('cost 5$', '$', ' USD')", "cost 5 USD"),
        ("extract('a=1 b=2', /b=(\\d)/)", "2"),
        ("extract('abc', /(x)?abc/)", None),
        ("extract('line one', 'l(i)ne')", "i"),
        ("count_matches('aAa', /a/i)", 3),
        ("split('a1b22c', /\\d+/)", ["a", "b", "c"]),
        ("split('', ',')", [""]),
    ],
)
def test_patterns(call, expected):
    """Regexes replace with their groups, extract, count and split."""
    assert run(call) == expected


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("replace('a', /(a)/, '$2')", "no group 2"),
        ("replace('a', /(a)/, '$name')", "no group name"),
        ("replace('a', '', 'x')", "empty text"),
        ("split('a', '')", "empty text"),
        ("count_matches('a', '')", "empty text"),
        ("extract('a', '(')", "regex cannot be used: unclosed group"),
        ("extract('a', '(?=a)')", "look-around"),
        ("truncate('abc', 1, '...')", "no room"),
        ("pad_left('a', 3, 'xy')", "one character"),
        ("pad_left('a', -1)", "filled up to 0 to 10000 characters, not to -1"),
        ("pad_right('a', 2000000000)", "filled up to 0 to 10000 characters, not to 2000000000"),
        ("least(1, 'a')", "one type, not int and string"),
    ],
)
def test_wrong_constants(call, message):
    """What cannot work is told when the program is compiled."""
    with pytest.raises(TypeError, match=message):
        run(call)


@given(TEXTS, st.integers(1, 9))
@settings(max_examples=100, deadline=None)
def test_truncate_and_pad(texts, length):
    """Cut texts have exactly the length, padded ones at least."""
    column = (api.STRING, texts)
    cut = run(f"truncate(x, {length}, '…')", x=column)
    assert cut == [text if len(text) <= length else text[: length - 1] + "…" for text in texts]
    assert run(f"pad_left(x, {length}, '0')", x=column) == [text.rjust(length, "0") for text in texts]
    assert run(f"pad_right(x, {length}, '0')", x=column) == [text.ljust(length, "0") for text in texts]
    assert run("length(x)", x=column) == [len(text) for text in texts]


def test_prefixes():
    """Prefixes are literal, cut once, and may be fields."""
    columns = {"x": (api.STRING, ["..a", "a.", None, "b"]), "p": (api.STRING, [".", None, "a", "b"])}
    assert run("starts_with(x, p)", **columns) == [True, False, False, True]
    assert run("ends_with(x, p)", **columns) == [False, False, False, True]
    assert run("strip_prefix(x, '.')", x=columns["x"]) == [".a", "a.", None, "b"]
    assert run("strip_suffix(x, '.')", x=columns["x"]) == ["..a", "a", None, "b"]


def test_join_skips_nulls():
    """Null items are left out, a null list is null, an empty one empty."""
    column = (api.list_of(api.STRING), [["a", None, "b"], [], None])
    assert run("join(x, '-')", x=column) == ["a-b", "", None]


def test_trim():
    """White space of any kind by default, else the characters of a set."""
    column = (api.STRING, [" \t\u00a0a\n", '"a"', None])
    assert run("trim(x)", x=column) == ["a", '"a"', None]
    assert run("trim(x, '\"')", x=column) == [" \t\u00a0a\n", "a", None]
