"""Cases of names and texts, against plain Python."""

import re

import pytest
from calls import run
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import api

NAMES = st.lists(st.text(st.sampled_from("aAbBzZ09_-. éÉ😀"), max_size=12), max_size=10)
BOUNDARY = re.compile(r"(?<=[a-zé0-9])(?=[A-ZÉ])|(?<=[A-ZÉ])(?=[A-ZÉ][a-zé])")


def words(name):
    """The words of a name: split at what is no letter or digit, then where a capital begins one."""
    return [word.lower() for part in re.split(r"[^a-zA-ZéÉ0-9]+", name) for word in BOUNDARY.split(part) if word]


@given(NAMES)
@settings(max_examples=200, deadline=None)
def test_names(names):
    """Names have the words that a plain reference finds, joined in four ways."""
    column = (api.STRING, names)
    found = [words(name) for name in names]
    assert run("snake_case(x)", x=column) == ["_".join(parts) for parts in found]
    assert run("kebab_case(x)", x=column) == ["-".join(parts) for parts in found]
    big = [[part[0].upper() + part[1:] for part in parts] for parts in found]
    assert run("pascal_case(x)", x=column) == ["".join(parts) for parts in big]
    assert run("camel_case(x)", x=column) == ["".join(one[:1] + two[1:]) for one, two in zip(found, big, strict=True)]


@given(st.lists(st.text(st.sampled_from("aZ é.É'9"), max_size=8), max_size=10))
@settings(max_examples=100, deadline=None)
def test_capitals(texts):
    """Capitals are Python's `capitalize`; titles begin after everything that is no letter."""
    column = (api.STRING, texts)
    assert run("capitalize(x)", x=column) == [text[:1].upper() + text[1:].lower() for text in texts]
    assert run("title(x)", x=column) == [text.title() for text in texts]


@pytest.mark.parametrize(
    ("name", "snake"),
    [
        ("", ""),
        ("_", ""),
        ("XMLHttpRequest2", "xml_http_request2"),
        ("user2Id", "user2_id"),
        ("A", "a"),
        ("ABC", "abc"),
        ("aB" * 3, "a_ba_ba_b"),
        ("größeInCM", "größe_in_cm"),
        ("a\nb", "a_b"),
        ("日本", "日本"),
    ],
)
def test_snake_case(name, snake):
    """Names of programs, headers and people."""
    assert run("snake_case(x)", x=(api.STRING, [name])) == [snake]
