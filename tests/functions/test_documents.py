"""JSON values: validity, places, elements and names, against Python's json."""

import json

import pytest
from calls import run
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import api

NAMES = st.sampled_from(["a", "b", "ü x", "c-d"])
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text(st.sampled_from('a"\\é\n'), max_size=3)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=8,
)
STEPS = st.lists(st.one_of(NAMES, st.integers(-3, 3)), min_size=1, max_size=3)


def at(value, steps):
    for step in steps:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, dict) else None
        elif isinstance(value, list) and -len(value) <= step < len(value):
            value = value[step]
        else:
            return None
    return value


def loaded(texts):
    return [None if text is None else json.loads(text) for text in texts]


@given(st.lists(VALUES, max_size=6), STEPS)
@settings(max_examples=300, deadline=None)
def test_get(values, steps):
    """What stands at a place is what Python finds there; null where there is nothing."""
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).removeprefix(".")
    column = (api.JSON, [json.dumps(value, ensure_ascii=False) for value in values])
    assert loaded(run(f"get(x, '{path}')", x=column)) == [at(value, steps) for value in values]


@given(st.lists(VALUES, max_size=6))
@settings(max_examples=100, deadline=None)
def test_elements_and_keys(values):
    """Elements of lists, names of objects, types of all; null for others."""
    column = (api.JSON, [json.dumps(value) for value in values])
    kinds = {dict: "record", list: "list", str: "string", bool: "bool", int: "int", type(None): None}
    found = run("elements(x)", x=column)
    assert [None if items is None else loaded(items) for items in found] == [
        value if isinstance(value, list) else None for value in values
    ]
    assert run("keys(x)", x=column) == [list(value) if isinstance(value, dict) else None for value in values]
    assert run("type_of(x)", x=column) == [kinds[type(value)] for value in values]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (' {"a": 1.50}\n', '{"a": 1.50}'),
        ("[1,\n2]", "[1, 2]"),
        ("12345678901234567890.10", "12345678901234567890.10"),
        ('"\\ud800"', '"\\ud800"'),
        ("null", "null"),
        ("", None),
        ("{", None),
        ("NaN", None),
        ("[Infinity]", None),
        ("1,2", None),
        ('{"a":1}}', None),
        ("'a'", None),
        ("[" * 64 + "]" * 64, "[" * 64 + "]" * 64),
        ("[" * 65 + "]" * 65, None),
        ("[" * 100_000, None),
        (None, None),
    ],
)
def test_parse_json(text, expected):
    """Texts that are JSON stay digit for digit, on one line; NaN, two values and what nests too deeply are none."""
    assert run("parse_json(x)", x=(api.STRING, [text])) == [expected]


@pytest.mark.parametrize("path", ["", ".", "a.", ".a", "a..b", "[x]", "a[0", "[]", "a]"])
def test_wrong_paths(path):
    """A place that cannot be is told when the program is compiled."""
    with pytest.raises(TypeError, match="a path is written as"):
        run(f"get(x, '{path}')", x=(api.JSON, ["{}"]))


def test_numbers_keep_their_form():
    """A number that is found is the text that it was."""
    assert run("get(x, 'a[1]')", x=(api.JSON, ['{"a":[0, 1.500]}', '{"a":[0,1e3]}'])) == ["1.500", "1e3"]


def test_keys_of_records():
    """A record has the names of its members that are not null."""
    kind = api.record({"a": api.INT, "b": api.STRING})
    assert run("keys(x)", x=(kind, [{"a": 1, "b": "x"}, {"a": None, "b": "x"}, None])) == [["a", "b"], ["b"], None]
