"""NDJSON: exact lines, and equality with a row-wise reference on random rows."""

import json
from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ndjson_reference import reference_line
from random_tables import NOON, TEXT, frame_of, tables

from pipeline.columns.encode.ndjson import ndjson
from pipeline.columns.types import (
    BOOL,
    BYTES,
    DURATION,
    ERROR,
    FLOAT,
    INT,
    JSON,
    STRING,
    TIME,
    Columns,
    dtype,
    list_of,
    record,
)


def lines_of(types, rows, **more):
    return ndjson(frame_of(types, rows), Columns(types), **more).decode().splitlines()


def test_timestamp_comes_first_and_fields_follow_in_their_order():
    """A flat event is one object with `@timestamp` first and the fields as the columns say."""
    types = {"status": INT, "path": STRING, "ok": BOOL, "took": FLOAT}
    assert lines_of(types, [{"status": 200, "path": "/", "ok": True, "took": 0.5}]) == [
        '{"@timestamp":"2026-01-31T12:00:00Z","status":200,"path":"/","ok":true,"took":0.5}'
    ]


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (0, "2026-01-31T12:00:00Z"),
        (250_000, "2026-01-31T12:00:00.25Z"),
        (1, "2026-01-31T12:00:00.000001Z"),
        (100_010, "2026-01-31T12:00:00.10001Z"),
        (10_000_000, "2026-01-31T12:00:10Z"),
    ],
)
def test_times_have_no_trailing_zeros(micros, text):
    """A fraction is written without trailing zeros, and not at all when it is zero; zeros of the seconds stay."""
    frame = frame_of({}, [{}], [NOON + timedelta(microseconds=micros)])
    frame = frame.with_columns(x=1)
    assert ndjson(frame, Columns({"x": INT})).decode() == f'{{"@timestamp":"{text}","x":1}}\n'


def test_times_that_four_digit_years_cannot_write_are_left_out():
    """A time beyond the year 9999 or before 0 is null, and the rest of the row is written."""
    times = pl.Series("@timestamp", [2**63 - 1, -(2**63), 253_402_300_799_999_999, -62_167_219_200_000_000])
    frame = pl.DataFrame([times.cast(dtype(TIME)), pl.Series("x", [1, 2, 3, 4])])
    assert ndjson(frame, Columns({"x": INT})).decode().splitlines() == [
        '{"x":1}',
        '{"x":2}',
        '{"@timestamp":"9999-12-31T23:59:59.999999Z","x":3}',
        '{"@timestamp":"0000-01-01T00:00:00Z","x":4}',
    ]


def test_nulls_and_empty_records_are_left_out():
    """Null fields, null members, and records that have nothing left are not written."""
    types = {"a": STRING, "geo": record({"country": STRING, "asn": record({"number": INT})}), "b": INT}
    rows = [
        {"a": None, "geo": {"country": "DE", "asn": {"number": None}}, "b": 1},
        {"a": "x", "geo": {"country": None, "asn": None}, "b": None},
        {"a": None, "geo": None, "b": None},
    ]
    assert lines_of(types, rows) == [
        '{"@timestamp":"2026-01-31T12:00:00Z","geo":{"country":"DE"},"b":1}',
        '{"@timestamp":"2026-01-31T12:00:00Z","a":"x"}',
        '{"@timestamp":"2026-01-31T12:00:00Z"}',
    ]


def test_not_a_number_and_infinities_are_null():
    """JSON has no NaN and no infinity: they are left out as fields and null in lists."""
    types = {"x": FLOAT, "xs": list_of(FLOAT)}
    rows = [{"x": float("nan"), "xs": [float("inf"), 1.5, None]}, {"x": 2.0, "xs": []}]
    assert lines_of(types, rows) == [
        '{"@timestamp":"2026-01-31T12:00:00Z","xs":[null,1.5,null]}',
        '{"@timestamp":"2026-01-31T12:00:00Z","x":2.0,"xs":[]}',
    ]


def test_json_text_and_open_members_are_spliced_as_they_came():
    """Numbers keep their digits and own fields win over members of `@rest` with the same name."""
    frame = frame_of({"n": JSON, "a": STRING}, [{"n": "1.10", "a": "own"}, {"n": '{"b": 1e2}', "a": None}])
    rest = pl.Series("@rest", ['{"big":123456789012345678901234567890,"a":"theirs"}', '{"a":1}'])
    assert ndjson(frame.with_columns(rest), Columns({"n": JSON, "a": STRING}, open=True)).decode().splitlines() == [
        '{"@timestamp":"2026-01-31T12:00:00Z","n":1.10,"a":"own","big":123456789012345678901234567890}',
        '{"@timestamp":"2026-01-31T12:00:00Z","n":{"b": 1e2}}',
    ]
    assert rest.to_list()[1] == '{"a":1}'


def test_json_text_never_breaks_the_line():
    """Line breaks can only be white space in JSON, and become spaces."""
    assert lines_of({"j": JSON}, [{"j": '{\n"a":\r\n1}'}]) == ['{"@timestamp":"2026-01-31T12:00:00Z","j":{ "a":  1}}']


def test_nested_open_records_merge_their_members():
    """A record that is open writes its named members, then the others."""
    kind = record({"id": INT}, open=True)
    rows = [{"user": {"id": 7, "@rest": '{"name":"Zoë"}'}}, {"user": {"id": None, "@rest": None}}]
    assert lines_of({"user": kind}, rows) == [
        '{"@timestamp":"2026-01-31T12:00:00Z","user":{"id":7,"name":"Zoë"}}',
        '{"@timestamp":"2026-01-31T12:00:00Z"}',
    ]


def test_bytes_are_text_with_replacement_and_controls_are_escaped():
    """Invalid UTF-8 becomes U+FFFD; control characters never reach the line as they are."""
    types = {"b": BYTES, "s": STRING}
    assert lines_of(types, [{"b": b"\xff\x00ok", "s": 'a\n\x01"\\'}]) == [
        '{"@timestamp":"2026-01-31T12:00:00Z","b":"\ufffd\\u0000ok","s":"a\\n\\u0001\\"\\\\"}'
    ]


def test_durations_are_seconds():
    """A duration is a number of seconds."""
    assert lines_of({"d": DURATION}, [{"d": timedelta(milliseconds=1500)}]) == [
        '{"@timestamp":"2026-01-31T12:00:00Z","d":1.5}'
    ]


def test_metadata_is_written_only_when_asked_for():
    """`metadata` adds its names after `@timestamp`; `@rid` is computed."""
    frame = frame_of({"x": INT}, [{"x": 1}]).with_columns(
        pl.lit("web1").alias("@host"),
        pl.lit(b"raw").alias("@raw"),
        pl.lit("p").alias("@partition"),
        pl.lit(42).alias("@offset"),
        pl.lit(None, dtype=pl.String).alias("@item"),
    )
    assert ndjson(frame, Columns({"x": INT})) == b'{"@timestamp":"2026-01-31T12:00:00Z","x":1}\n'
    assert ndjson(frame, Columns({"x": INT}), ["@host", "@rid", "@raw", "@error"]) == (
        b'{"@timestamp":"2026-01-31T12:00:00Z","@host":"web1","@rid":"p:42","@raw":"raw","x":1}\n'
    )


def test_rejected_rows_are_written_with_their_record_and_reason():
    """Rows with `@error` show it and `@raw` unasked; other rows of the same frame do not."""
    error = {"filter": "grok", "reason": "no_match", "field": None, "detail": None}
    frame = frame_of({"x": INT}, [{"x": None}, {"x": 1}]).with_columns(
        pl.Series("@raw", [b"bad", b"good"]), pl.Series("@error", [error, None], dtype=dtype(ERROR))
    )
    assert ndjson(frame, Columns({"x": INT})).decode().splitlines() == [
        '{"@timestamp":"2026-01-31T12:00:00Z","@raw":"bad","@error":{"filter":"grok","reason":"no_match"}}',
        '{"@timestamp":"2026-01-31T12:00:00Z","x":1}',
    ]


def test_events_without_fields_show_their_record():
    """What nothing has parsed is shown as the record that it is."""
    frame = frame_of({}, [{}]).with_columns(pl.lit(b"GET /").alias("@raw"))
    assert ndjson(frame, Columns({})) == b'{"@timestamp":"2026-01-31T12:00:00Z","@raw":"GET /"}\n'


def test_no_rows_are_no_bytes():
    """An empty frame encodes to nothing."""
    assert ndjson(frame_of({"x": INT}, []), Columns({"x": INT})) == b""


@given(tables())
@settings(max_examples=100, deadline=None)
def test_lines_equal_the_row_wise_reference(table):
    """Any columns of any types: the same values as `json.dumps` row by row, in the same order, and valid JSON."""
    types, rows = table
    text = ndjson(frame_of(types, rows), Columns(types)).decode()
    lines = text.split("\n")[:-1]
    assert len(lines) == len(rows)
    for line, row in zip(lines, rows, strict=True):
        expected = reference_line({"@timestamp": NOON, **row}, [("@timestamp", TIME), *types.items()])
        assert json.loads(line, object_pairs_hook=list) == json.loads(expected, object_pairs_hook=list)


@given(st.dictionaries(TEXT, st.sampled_from(["1.10", "1e2", '"v"', "[1,  2]", "null"]), max_size=5), TEXT.filter(bool))
@settings(max_examples=60, deadline=None)
def test_own_fields_win_over_any_member_of_rest(rest, own):
    """Whatever the names, the own field is written once with its value and all other members follow unchanged."""
    text = "{" + ",".join(f"{json.dumps(name, ensure_ascii=False)}:{value}" for name, value in rest.items()) + "}"
    frame = frame_of({own: INT}, [{own: 1}]).with_columns(pl.Series("@rest", [text if rest else None], dtype=pl.String))
    expected = reference_line({"@timestamp": NOON, own: 1}, [("@timestamp", TIME), (own, INT)], rest)
    assert ndjson(frame, Columns({own: INT}, open=True)).decode() == expected
