"""The native writer of JSON gives the bytes that its twin in Python gives."""

import struct

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_tables import TEXT, frame_of, rests, tables

from pipeline.columns.encode.ndjson import ndjson
from pipeline.columns.encode.values import Member, lines, lines_twin, text, text_twin
from pipeline.columns.types import FLOAT, INT, STRING, TIME, Columns, dtype, record


@pytest.mark.native
@given(tables(open=True), st.data())
@settings(max_examples=400, deadline=None)
def test_lines_equal_those_of_the_twin(table, data):
    """Any columns of any types, with further members, in one chunk or two: the same bytes."""
    types, rows = table
    frame = frame_of(types, rows)
    cut = data.draw(st.integers(0, len(rows)))
    frame = pl.concat([frame.head(cut), frame.slice(cut)], rechunk=False)
    rest = data.draw(st.none() | st.lists(rests(list(types)), min_size=len(rows), max_size=len(rows)))
    further = None if rest is None else pl.Series(rest, dtype=pl.String)
    members = [Member(name, frame[name], kind) for name, kind in {"@timestamp": TIME, **types}.items()]
    assert lines(members, further, len(rows)) == lines_twin(members, further, len(rows))


@pytest.mark.native
@given(tables(open=True))
@settings(max_examples=200, deadline=None)
def test_values_equal_those_of_the_twin(table):
    """One value a row, as templates, CSV and `json()` write it."""
    types, rows = table
    for name, values in ((name, frame_of(types, rows)[name]) for name in types):
        made, twin = text(values, types[name]), text_twin(values, types[name])
        assert (made.dtype, made.to_list()) == (twin.dtype, twin.to_list())


@pytest.mark.native
@given(st.lists(st.integers(0, 2**64 - 1).map(lambda bits: struct.unpack("d", struct.pack("Q", bits))[0]), min_size=1))
@settings(max_examples=200, deadline=None)
def test_floats_of_any_size_are_written_alike(values):
    """Every bit pattern: digits and exponents of the twin."""
    column = pl.Series(values, dtype=pl.Float64)
    assert text(column, FLOAT).to_list() == text_twin(column, FLOAT).to_list()


@given(st.text() | TEXT)
def test_names_are_quoted_as_values_are(name):
    """A name may have any characters, also one that ends names in C."""
    kind = record({name: INT})
    inner = pl.Series("x", [{name: 1}], dtype=dtype(kind))
    members = [Member(name, pl.Series([1]), INT), Member("x", inner, kind)]
    assert lines(members, None, 1) == lines_twin(members, None, 1)


def test_columns_of_other_dtypes_are_written_too():
    """What a column really holds counts: a null column is left out (and its name dropped from the rest), others are converted."""
    frame = frame_of({}, [{}, {}]).with_columns(
        pl.lit(None).alias("none"),
        pl.Series("n", [1, 2], dtype=pl.UInt8),
        pl.Series("@rest", ['{"none":1}', '{"a":1}']),
    )
    assert ndjson(frame, Columns({"none": STRING, "n": INT}, open=True)).decode().splitlines() == [
        '{"@timestamp":"2026-01-31T12:00:00Z","n":1}',
        '{"@timestamp":"2026-01-31T12:00:00Z","n":2,"a":1}',
    ]


def test_no_members_are_an_empty_object():
    """A frame without columns of its own still has its rows."""
    empty = pl.Series("r", [None, {"a": None}], dtype=dtype(record({"a": INT})))
    assert lines([Member("r", empty, record({"a": INT}))], None, 2) == b"{}\n{}\n"
