"""Rows of one shape, read by columns, give what reading them one by one gives."""

import json
from itertools import chain

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.columns import jsontext
from pipeline.columns.jsonshape import MOST, shape_of
from pipeline.columns.jsontext import extract
from pipeline.columns.types import BOOL, BYTES, DURATION, FLOAT, INT, JSON, NULL, STRING, TIME, record

KINDS = [BOOL, BYTES, DURATION, FLOAT, INT, JSON, NULL, STRING, TIME, record({"x": INT}, open=True)]

TEXTS = st.one_of(
    st.integers(-(2**70), 2**70).map(str),
    st.sampled_from(["1.10", "1e2", "-0", "2.0", "1e999", "0.1e-7", "9223372036854775807", "-9223372036854775808"]),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(
        ["true", "false", "null", '""', '"true"', '"12"', '"2026-01-31T12:00:00Z"', '"\\ud83d"', '"\\u00e9\\n"']
    ),
    st.text(max_size=6).map(lambda text: json.dumps(text, ensure_ascii=False)),
    st.sampled_from(['{"x":1,"y":2}', "[1]", "01", "NaN", '"\\x"', '"\n"', "tru"]),
)
NAMES = st.sampled_from(["a", "b", "c d", "é", 'q"', "@t", "x.y", "fields"])


@st.composite
def tables(draw):
    """Rows with the same names and spacing, at least as many as are looked at by columns, and named members."""
    names = draw(st.lists(NAMES, min_size=1, max_size=4))
    colon, comma = draw(st.sampled_from([":", ": ", " :\t"])), draw(st.sampled_from([",", ", ", "\n,"]))
    rows = draw(st.lists(st.tuples(*[TEXTS] * len(names)), min_size=1, max_size=12))
    texts = [
        "{"
        + comma.join(f"{json.dumps(n, ensure_ascii=False)}{colon}{v}" for n, v in zip(names, row, strict=True))
        + "}"
        for row in rows
    ]
    wanted = draw(st.lists(NAMES.filter(lambda name: name != "@t"), max_size=3, unique=True))
    return texts * -(-jsontext.FEW // len(texts)), {name: draw(st.sampled_from(KINDS)) for name in wanted}


def compared(found):
    return found.columns.to_dicts(), found.rest.to_list(), found.reason.to_list(), found.detail.to_list()


@given(tables())
@settings(max_examples=150, deadline=None)
def test_by_columns_equals_one_by_one(table):
    """Values, the rest, and refusals are the same, row by row."""
    texts, fields = table
    whole = extract(pl.Series(texts), fields)
    single = [extract(pl.Series([text]), fields) for text in texts]
    assert compared(whole) == tuple(list(chain(*parts)) for parts in zip(*map(compared, single), strict=True))
    assert whole.columns.schema == single[0].columns.schema


SCALARS = [
    *("0", "-0", "200", "1.10", "2.0", "2e2", "1e999", "9223372036854775807", "9223372036854775808", "9" * 40),
    *("true", "false", "null", '""', '"200"', '"true"', '"null"', '"a\\nb"', '"\\ud83d"', '"\\ud83d\\ude00"', '"é"'),
    *('"2026-01-31T12:00:00+01:00"', "1.5"),
]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_scalar_is_converted_by_columns_as_one_by_one(kind):
    """All kinds of scalars, in rows that all have the shape of the first."""
    texts = [f'{{"a":{text},"b":{text}}}' for text in SCALARS] * 3
    assert shape_of(texts[0]).read(pl.Series(texts), {})[0].all()
    whole = extract(pl.Series(texts), {"a": kind})
    single = [extract(pl.Series([text]), {"a": kind}) for text in texts]
    assert compared(whole) == tuple(list(chain(*parts)) for parts in zip(*map(compared, single), strict=True))


def test_rows_of_several_shapes_keep_their_order():
    """Shapes, rows that have none, and refused rows come back as they were."""
    kinds = ['{{"a":{}}}', '{{"a":{},"b":2}}', '{{"n":{{}},"a":{}}}', "no {}"]
    texts = [kinds[place % 4].format(place) for place in range(400)]
    found = extract(pl.Series(texts), {"a": INT})
    assert found.columns["a"].to_list() == [None if place % 4 == 3 else place for place in range(400)]
    assert found.rest.to_list() == [[None, '{"b":2}', '{"n":{}}', None][place % 4] for place in range(400)]
    assert found.reason.to_list() == [None, None, None, "not_json"] * 100


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"a":{}}',
        '{"a":[1]}',
        '{"a":1,"a":2}',
        '{"a":1,"b":2,"a":3}',
        '{"@a":1}',
        '{"\\u0061":1}',
        '{"a":1} ',
        "{",
    ],
)
def test_other_texts_have_no_shape(text):
    """What is not flat, or has names that need care, is left to the parser."""
    assert shape_of(text) is None


def test_the_largest_shape_is_read():
    """As many members as a shape may have; one more has no shape."""
    text = json.dumps({f"member{place}": place for place in range(MOST)})
    shape = shape_of(text)
    matched, found = shape.read(pl.Series([text, "{}"]), {"member63": INT})
    assert (matched.to_list(), found["member63"].to_list()) == ([True, False], [63])
    assert shape_of(json.dumps({f"member{place}": place for place in range(MOST + 1)})) is None
