"""Searches for several texts, all matches, entropy, and what stands for nothing."""

import math
import re
from collections import Counter

import pytest
from calls import run
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import api

TEXTS = st.lists(st.one_of(st.none(), st.text(st.sampled_from("abAé😀1 "), max_size=10)), max_size=10)


@given(TEXTS, st.lists(st.text(st.sampled_from("abAé😀"), min_size=1, max_size=2), min_size=1, max_size=3))
@settings(max_examples=100, deadline=None)
def test_contains(texts, parts):
    """Any and all are Python's `in`; letters of ASCII may be of either case. Null contains nothing."""
    column, listed = (api.STRING, texts), ", ".join(f"'{part}'" for part in parts)
    folded = lambda text: re.sub("[A-Z]", lambda found: found[0].lower(), text)  # noqa: E731
    found = [[] if text is None else [part in text for part in parts] for text in texts]
    loose = [[] if text is None else [folded(part) in folded(text) for part in parts] for text in texts]
    assert run(f"contains_any(x, [{listed}])", x=column) == [any(row) for row in found]
    assert run(f"contains_all(x, [{listed}])", x=column) == [bool(row) and all(row) for row in found]
    assert run(f"contains_any(x, [{listed}], ignore_case: true)", x=column) == [any(row) for row in loose]
    assert run(f"contains_all(x, [{listed}], ignore_case: true)", x=column) == [bool(row) and all(row) for row in loose]


@given(TEXTS)
@settings(max_examples=100, deadline=None)
def test_extract_all(texts):
    """All matches are Python's `findall`."""
    expected = [None if text is None else re.findall("[ab]+1?", text) for text in texts]
    assert run("extract_all(x, /[ab]+1?/)", x=(api.STRING, texts)) == expected


@given(TEXTS)
@settings(max_examples=100, deadline=None)
def test_entropy(texts):
    """Entropy is the mean of -log2 of a character's share, to the last digits."""
    for text, found in zip(texts, run("entropy(x)", x=(api.STRING, texts)), strict=True):
        if text is None:
            assert found is None
        else:
            counts = Counter(text)
            expected = sum(-math.log2(counts[character] / len(text)) for character in text) / max(1, len(text))
            assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("extract_all('a', /(a)/)", "write groups as"),
        ("extract_all('a', '(')", "regex cannot be used"),
        ("contains_any('a', [''])", "empty text or list"),
        ("split('a', /b/, 2)", "a limit needs a text"),
        ("split('a', 'b', 0)", "1 to 100 parts, not 0"),
        ("split('a', '', 2)", "empty text"),
        ("repeat('a', -1)", "0 to 10,000 times, not -1"),
        ("repeat('a', 10001)", "0 to 10,000 times, not 10,001"),
        ("null_if('a', 1)", "one type, not string and int"),
    ],
)
def test_wrong_constants(call, message):
    """What cannot work is told when the program is compiled."""
    with pytest.raises(TypeError, match=message):
        run(call)


@given(TEXTS, st.text(st.sampled_from("ab1"), min_size=1, max_size=2), st.integers(1, 4))
@settings(max_examples=100, deadline=None)
def test_split_to_a_limit(texts, separator, limit):
    """The last of the parts is all the rest."""
    expected = [None if text is None else text.split(separator, limit - 1) for text in texts]
    assert run(f"split(x, '{separator}', {limit})", x=(api.STRING, texts)) == expected


@given(TEXTS)
@settings(max_examples=100, deadline=None)
def test_texts_as_they_are(texts):
    """Trimmed at one end, repeated, and their bytes."""
    column = (api.STRING, texts)
    each = lambda function: [None if text is None else function(text) for text in texts]  # noqa: E731
    assert run("trim_start(x)", x=column) == each(str.lstrip)
    assert run("trim_end(x, 'a1')", x=column) == each(lambda text: text.rstrip("a1"))
    assert run("repeat(x, 3)", x=column) == each(lambda text: text * 3)
    assert run("byte_length(x)", x=column) == each(lambda text: len(text.encode()))
    assert run("reverse(x)", x=column) == each(lambda text: text[::-1])
    assert run("is_blank(x)", x=column) == [text is None or not text.strip() for text in texts]


def test_reverse_keeps_accents():
    """A letter and its combining accents stay together."""
    assert run("reverse(x)", x=(api.STRING, ["a\u0301b", "👩‍🚀!"])) == ["ba\u0301", "!👩‍🚀"]


def test_null_if():
    """A value that equals one of the others is null; null stays null, and others may be fields and null."""
    columns = {"x": (api.STRING, ["-", "a", None, "b"]), "y": (api.STRING, ["-", "x", None, None])}
    assert run("null_if(x, y)", **columns) == [None, "a", None, "b"]
    assert run("null_if(x, 'a', '-')", x=columns["x"]) == [None, None, None, "b"]
    assert run("null_if(x, 0)", x=(api.INT, [0, -1, None])) == [None, -1, None]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b[38;2;255;0;0mx\x1b[K", "x"),
        ("\x1b]8;;https://a\x07link\x1b]8;;\x1b\\", "link"),
        ("\x1b(Bx\x1b7", "x"),
        ("[0m", "[0m"),
        ("\x1b", "\x1b"),
    ],
)
def test_strip_ansi(text, plain):
    """Colours, links and modes go, brackets without an escape stay."""
    assert run("strip_ansi(x)", x=(api.STRING, [text])) == [plain]
