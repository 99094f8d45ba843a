"""raw, csv and Parquet: exact bytes, or read back by another reader."""

import csv as reader
import io
import struct
from datetime import UTC, datetime, timedelta

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.columns.encode.csv import csv, header
from pipeline.columns.encode.parquet import finish, spool
from pipeline.columns.encode.raw import raw
from pipeline.columns.types import (
    BYTES,
    DURATION,
    FLOAT,
    INT,
    NULL,
    STRING,
    TIME,
    Columns,
    dtype,
    list_of,
    record,
)

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def frame_of(types, rows):
    return pl.DataFrame(
        [
            pl.Series("@timestamp", [NOON] * len(rows), dtype=dtype(TIME)),
            *(pl.Series(name, [row[name] for row in rows], dtype=dtype(kind)) for name, kind in types.items()),
        ]
    )


@given(st.lists(st.binary(max_size=6)), st.lists(st.binary(max_size=6)))
@settings(max_examples=50, deadline=None)
def test_raw_is_every_record_and_a_newline(first, second):
    """Any bytes come out as they went in, and two encodings may be concatenated."""
    frames = [pl.DataFrame({"@raw": pl.Series(records, dtype=pl.Binary)}) for records in (first, second)]
    assert b"".join(map(raw, frames)) == b"".join(record + b"\n" for record in [*first, *second])


def test_raw_leaves_out_the_newline_that_the_source_did_not_have():
    """Only the last newline is left out."""
    frame = pl.DataFrame({"@raw": [b"a\r", b"b"]})
    assert raw(frame, terminated=False) == b"a\r\nb"


def test_csv_tells_null_from_empty_and_quotes_where_needed():
    """Null is nothing, an empty string is `""`; quotes double; nested values are JSON; rows end with CRLF."""
    types = {
        "s": STRING,
        "f": FLOAT,
        "d": DURATION,
        "geo": record({"c": STRING}),
        "l": list_of(INT),
        "b": BYTES,
        "n": NULL,
    }
    rows = [
        {"s": "", "f": 0.5, "d": timedelta(seconds=2), "geo": {"c": "DE"}, "l": [1, 2], "b": b"\xff", "n": None},
        {"s": 'a,"b"\n', "f": None, "d": None, "geo": None, "l": None, "b": None, "n": None},
    ]
    columns = Columns(types)
    assert header(columns) == b"@timestamp,s,f,d,geo,l,b,n\r\n"
    assert csv(frame_of(types, rows), columns).decode() == (
        '2026-01-31T12:00:00Z,"",0.5,2.0,"{""c"":""DE""}","[1,2]",\ufffd,\r\n2026-01-31T12:00:00Z,"a,""b""\n",,,,,,\r\n'
    )


def test_csv_has_the_same_columns_whatever_is_there():
    """Metadata that a frame has not got is an empty cell; an open record's others are the last column."""
    columns = Columns({"x": INT}, open=True)
    frame = frame_of({"x": INT}, [{"x": 1}]).with_columns(pl.lit('{"a":1}').alias("@rest"))
    assert header(columns, ["@error"]) == b"@timestamp,@error,x,@rest\r\n"
    assert csv(frame, columns, ["@error"]) == b'2026-01-31T12:00:00Z,,1,"{""a"":1}"\r\n'


@given(st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs", "Cc"])), st.integers(-5, 5)), max_size=5))
@settings(max_examples=50, deadline=None)
def test_csv_is_read_back_by_the_standard_library(rows):
    """Python's reader finds the same cells."""
    types = {"s": STRING, "i": INT}
    data = csv(frame_of(types, [{"s": text, "i": number} for text, number in rows]), Columns(types))
    found = list(reader.reader(io.StringIO(data.decode(), newline="")))
    assert found == [["2026-01-31T12:00:00Z", text, str(number)] for text, number in rows]


def test_parquet_is_read_back_by_another_reader(tmp_path):
    """Chunks of a spool become one file with nested columns, in order; what cannot be stored is left out."""
    types = {"x": INT, "geo": record({"city": STRING}), "nothing": NULL, "empty": record({})}
    rows = [{"x": number, "geo": {"city": f"c{number}"}, "nothing": None, "empty": {}} for number in range(3)]
    columns = Columns(types)
    spooled = spool(frame_of(types, rows[:2]), columns) + spool(frame_of(types, rows[2:]), columns)
    (tmp_path / "a.parquet").write_bytes(finish(spooled[at : at + 7] for at in range(0, len(spooled), 7)))
    relation = duckdb.sql(f"select * from read_parquet('{tmp_path}/a.parquet')")
    assert relation.columns == ["@timestamp", "x", "geo"]
    found = relation.project('epoch_us("@timestamp"), x, geo').fetchall()
    assert found == [(NOON.timestamp() * 1e6, number, {"city": f"c{number}"}) for number in range(3)]
    compressions = duckdb.sql(f"select distinct compression from parquet_metadata('{tmp_path}/a.parquet')").fetchall()
    assert compressions == [("ZSTD",)]


def test_a_spool_that_is_cut_short_is_an_error():
    """A missing byte is told, not read over."""
    chunk = spool(frame_of({"x": INT}, [{"x": 1}]), Columns({"x": INT}))
    with pytest.raises(ValueError, match=rf"the spool ends in the middle of a chunk \({len(chunk) - 1} bytes of it "):
        finish([chunk[:-1]])
    with pytest.raises(ValueError, match="in the middle of a chunk"):
        finish([chunk, struct.pack("<H", 1)])


def test_no_rows_spool_nothing():
    """An empty frame adds no chunk."""
    assert spool(frame_of({"x": INT}, []), Columns({"x": INT})) == b""
