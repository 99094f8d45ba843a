"""The native reader of JSON records gives what its twin in Python gives, and what the standard library reads."""

import json

import polars as pl
import pytest
from documents import FIELDS, OBJECTS, TEXTS
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.columns import jsontext
from pipeline.columns.jsontext import extract, extract_twin, merged, merged_twin
from pipeline.columns.types import DURATION, INT, JSON, STRING


def compared(found):
    """All that an extraction gives, with values as they are written (so that 0.0 and -0.0 differ)."""
    texts = [found.rest, found.reason, found.detail]
    return found.columns.schema, repr(found.columns.rows()), [(text.dtype, text.to_list()) for text in texts]


@pytest.mark.native
@given(st.lists(st.none() | TEXTS, max_size=6), FIELDS, st.integers(0, 6))
@settings(max_examples=400, deadline=None)
def test_native_equals_its_twin(texts, fields, cut):
    """Any texts, any types, in one chunk or two: values, the rest, reasons and places are the same."""
    chunks = pl.Series("x", texts[:cut], dtype=pl.String).append(pl.Series("x", texts[cut:], dtype=pl.String))
    assert compared(extract(chunks, fields)) == compared(extract_twin(chunks, fields))


@pytest.mark.native
@given(st.lists(OBJECTS, min_size=1, max_size=4), FIELDS)
@settings(max_examples=100, deadline=None)
def test_native_equals_reading_by_columns(texts, fields):
    """As many rows as the twin needs to look for shapes."""
    rows = pl.Series(texts * jsontext.FEW)
    assert compared(extract(rows, fields)) == compared(extract_twin(rows, fields))


@pytest.mark.native
@given(st.lists(st.tuples(st.none() | OBJECTS, st.none() | OBJECTS), max_size=5))
@settings(max_examples=200, deadline=None)
def test_merging_equals_the_twin(pairs):
    """Two columns of further members as one: names, values and their order."""
    first, second = (
        extract(pl.Series("x", [pair[place] for pair in pairs], dtype=pl.String), {}).rest for place in (0, 1)
    )
    made, twin = merged(first, second), merged_twin(first, second)
    assert (made.name, made.dtype, made.to_list()) == (twin.name, twin.dtype, twin.to_list())


@given(OBJECTS.filter(lambda text: '"@' not in text and "\\ud" not in text))
@settings(max_examples=300, deadline=None)
def test_members_are_what_the_standard_library_reads(text):
    """Of a member: its text if it is a string, its value as JSON, and not a trace in the rest."""
    whole = json.loads(text)
    strings = extract(pl.Series([text]), {"a": STRING})
    values = extract(pl.Series([text]), {"a": JSON})
    assert strings.reason.item() is None
    assert strings.columns["a"].item() == (whole.get("a") if isinstance(whole.get("a"), str) else None)
    assert json.loads(values.columns["a"].item() or "null") == whole.get("a")
    assert list(json.loads(values.rest.item() or "{}").items()) == [item for item in whole.items() if item[0] != "a"]


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_only_objects_are_accepted(text):
    """Exactly what the standard library reads as an object, without NaN and infinities, and not too deep."""
    try:
        whole = json.loads(text, parse_constant=lambda name: 1 / 0)
    except (ValueError, ZeroDivisionError):
        whole = None
    found = extract(pl.Series([text]), {})
    assert (found.reason.item() in (None, "too_deep")) >= isinstance(whole, dict)
    assert found.reason.item() is not None or isinstance(whole, dict)


@pytest.mark.parametrize("read", [extract, extract_twin])
@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ('{"a":"\\u0041', "four hexadecimal digits and the end of the string are missing after character 7"),
        ('{"é":"\\u004', "four hexadecimal digits and the end of the string are missing after character 7"),
        ('{"a":"é\\x"}', "there is no such escape as that at character 7"),
        ('{"é":["\\"', "the string from character 6 has no end"),
        ('{"é":["a" 1]}', "a comma or closing bracket is missing at character 10"),
        ('{"é":{"a",1}}', "a colon is missing at character 9"),
        ('{"é":{"a":1,}}', "a name in double quotes is missing at character 12"),
        ('{"é":{"a":1,', "a value is missing, or the text ends too early"),
        ('{"é":[1,]}', "a value is missing, or the text ends too early"),
        ('{"é":01}', "a comma or closing brace is missing at character 6"),
        ('{"é":[Infinity]}', "Infinity is not JSON"),
        ('{"é":"[[[' + "[" * 99, "the string from character 5 has no end"),
    ],
)
def test_mistakes_are_told_with_their_character(read, text, detail):
    """Places are characters, not bytes, and the words are the same in both implementations."""
    found = read(pl.Series([text]), {})
    assert (found.reason.item(), found.detail.item()) == ("not_json", detail)


def test_values_are_views_into_the_records():
    """Nothing is copied for strings without escapes: they are kept alive by the records' buffer, also after these are gone."""
    texts = pl.Series([f'{{"a":"a text that is longer than a view {place}","b":{place}}}' for place in range(1000)])
    found = extract(texts, {"a": STRING})
    del texts
    assert found.columns["a"].to_list() == [f"a text that is longer than a view {place}" for place in range(1000)]
    assert found.rest.to_list() == [f'{{"b":{place}}}' for place in range(1000)]


def test_sliced_records_keep_their_places():
    """A slice of a longer column, and rows that are short enough to be stored without a buffer."""
    texts = pl.Series(['{"a":"0123456789012345"}', '{"a":1}', '{"b":"0123456789abcdef"}', "{}"] * 50)
    found = extract(texts.slice(3, 150), {"a": JSON})
    assert found.columns["a"].to_list() == [None, '"0123456789012345"', "1", None] * 37 + [None, '"0123456789012345"']
    assert found.rest.to_list() == [None, None, None, '{"b":"0123456789abcdef"}'] * 37 + [None, None]


def test_many_members_and_many_duplicates():
    """Thousands of members, each name twice: the last of each wins, in the order of the first."""
    members = [(f"m{place % 5000}", place) for place in range(10_000)]
    text = "{" + ",".join(f'"{name}":{place}' for name, place in members) + "}"
    found = extract(pl.Series([text, '{"m1":1}', text]), {"m4999": INT})
    assert found.columns["m4999"].to_list() == [9999, None, 9999]
    expected = "{" + ",".join(f'"m{place}":{place + 5000}' for place in range(4999)) + "}"
    assert found.rest.to_list() == [expected, '{"m1":1}', expected]


def test_shapes_that_change_from_row_to_row():
    """Members that come and go, change places and come twice."""
    texts = [
        '{"a":1,"b":2,"c":3}',
        '{"b":2,"c":3}',
        '{"c":3,"a":1,"b":2}',
        '{"a":1,"a":2,"c":3}',
        '{"a":1,"b":2,"a":3}',
    ] * 20
    found = extract(pl.Series(texts), {"a": INT, "c": INT})
    assert found.columns["a"].to_list() == [1, None, 1, 2, 3] * 20
    assert found.columns["c"].to_list() == [3, 3, 3, 3, None] * 20
    assert found.rest.to_list() == ['{"b":2}', '{"b":2}', '{"b":2}', None, '{"b":2}'] * 20


@pytest.mark.parametrize("read", [extract, extract_twin])
@pytest.mark.parametrize(
    ("text", "micros"), [("9223372036854.0", 9223372036854000000), ("9.3e12", None), ("-1e14", None)]
)
def test_a_duration_that_no_column_holds_is_null(read, text, micros):
    """Python's timedelta reaches further than 64 bits of microseconds."""
    found = read(pl.Series([f'{{"d":{text}}}']), {"d": DURATION})
    assert found.columns["d"].to_physical().item() == micros
