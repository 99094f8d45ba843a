"""Pairs of keys and values as objects: exact ones, and the native kernel the same as its twin."""

import json

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.columns import keyvalues


def of(text, between=" ", equals="=", **more):
    made = keyvalues.objects_twin(pl.Series([text], dtype=pl.String), between, equals, **more).item()
    return None if made is None else list(json.loads(made, object_pairs_hook=list))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a=1 b=2", [("a", "1"), ("b", "2")]),
        ("user logged in a=1  b= c", [("a", "1"), ("b", "")]),
        ("a=1 a=2", [("a", "1"), ("a", "2")]),
        ("a=b=c", [("a", "b=c")]),
        ('a="x y" b=1', [("a", "x y"), ("b", "1")]),
        ("'b c'='it\\'s'", [("b c", "it's")]),
        (r'a="\"\\\n\t\x\"" b="\\"', [("a", '"\\\n\t\\x"'), ("b", "\\")]),
        ('a="x"y b="z', [("a", '"x"y'), ("b", '"z')]),
        ("a=\"x b='y z'", [("a", '"x'), ("b", "y z")]),
        ('"a"b=1 "c=2', [('"a"b', "1"), ('"c', "2")]),
        ("ä=ö\x01", [("ä", "ö\x01")]),
        ("=1", None),
        ("no pair", None),
        ("", None),
        (None, None),
    ],
)
def test_pairs_of_a_text(text, found):
    """Quotes hold texts together where they close at a separator; words and nameless values are no pairs."""
    assert of(text) == found


def test_other_separators_prefixes_and_keys():
    """Separators may be long; blanks around keys and values are no part of them; other keys are left out."""
    assert of('a : 1 ;; b: "x;;y" ;; c:', ";;", ":") == [("a", "1"), ("b", "x;;y"), ("c", "")]
    assert of("a=1 b=2", prefix="x_") == [("x_a", "1"), ("x_b", "2")]
    assert of("a=1 b=2", prefix="x_", keys=["b"]) == [("x_b", "2")]
    assert of("a=1", keys=[]) == []


def test_a_long_text_takes_linear_time():
    """A megabyte of words, of quotes that do not close and of escapes is read once."""
    for piece in ("x ", "a=\"\\' ", "a='", '"a ', 'a="" ', "a=\"b c='d "):
        text = piece * (1_000_000 // len(piece))
        assert keyvalues.objects(pl.Series([text]), " ", "=").len() == 1


ALPHABET = st.sampled_from(["a", "b", " ", " ", "=", "=", '"', '"', "'", "\\", "n", ";", "ä", "\t", "\x00"])
TEXTS = st.lists(st.none() | st.lists(ALPHABET, max_size=20).map("".join), max_size=5)


@pytest.mark.native
@settings(max_examples=300, deadline=None)
@given(
    texts=TEXTS,
    separators=st.sampled_from([(" ", "="), (";", "="), ("; ", "= "), ("\\", "a"), ("a", "\\"), ("\t", " ")]),
    prefix=st.sampled_from(["", "@p"]),
    keys=st.none() | st.just(["a", "b a"]),
)
def test_native_is_the_same_as_its_twin(texts, separators, prefix, keys):
    """Byte for byte."""
    series = pl.Series("t", texts, dtype=pl.String)
    arguments = (series, *separators, prefix, keys)
    assert keyvalues.objects(*arguments).to_list() == keyvalues.objects_twin(*arguments).to_list()
