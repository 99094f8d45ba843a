"""Templates: exact paths, and no value that leaves the literal prefix."""

import posixpath
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.api import STRING, TIME, Field, Hole, Template
from pipeline.api.templates import render, split
from pipeline.columns.templates import LIMIT, safe, unit_of
from pipeline.columns.types import BOOL, BYTES, FLOAT, INT, JSON, NULL, dtype, list_of

START = datetime(2026, 1, 31, 22, 59, 30, tzinfo=UTC)


def template(*parts):
    """Literals, or (name, type) or (name, type, format) holes."""
    holes = [part if isinstance(part, str) else Hole(Field((part[0],), part[1]), *part[2:]) for part in parts]
    return Template(tuple(holes), "text")


def times(*seconds):
    return pl.Series("t", [START + timedelta(seconds=second) for second in seconds], dtype=dtype(TIME))


def test_a_template_without_holes_is_itself():
    """Every row has the literal text."""
    assert render(template("out/a.log"), pl.DataFrame({"x": [1, 2]})).to_list() == ["out/a.log"] * 2


def test_times_are_formatted_in_utc():
    """Rows of different hours get different paths; rows of one hour the same."""
    frame = times(0, 29, 30).to_frame()
    paths = render(template("raw/", ("t", TIME, "%Y/%m/%d/%H"), ".log"), frame)
    assert paths.to_list() == ["raw/2026/01/31/22.log", "raw/2026/01/31/22.log", "raw/2026/01/31/23.log"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("web1.example-1_a=b", "web1.example-1_a=b"),
        ("a/b c", "a%2Fb%20c"),
        ("ü~", "%C3%BC%7E"),
        ("", "_"),
        (None, "_"),
        (".", "%2E"),
        ("..", "%2E%2E"),
        ("..a", "..a"),
        ("\x00\n%", "%00%0A%25"),
    ],
)
def test_values_are_percent_encoded(value, text):
    """Only `[A-Za-z0-9_.=-]` and `%XX`; nothing and dots are spelled out."""
    assert safe(value) == text
    frame = pl.DataFrame({"h": pl.Series([value, "x"], dtype=pl.String)})
    assert render(template("logs/", ("h", STRING)), frame).to_list() == [f"logs/{text}", "logs/x"]


def test_long_values_are_cut_but_stay_apart():
    """Two values with the same beginning have different paths of at most LIMIT bytes, never half an escape."""
    first, second = safe("/" * 200), safe("/" * 201)
    assert len(first) <= LIMIT
    assert len(second) <= LIMIT
    assert first != second
    assert first.startswith("%2F" * 37 + "-")


def test_other_types_are_written_as_in_json():
    """Numbers, booleans, bytes, lists and times without a format."""
    types = {"i": INT, "f": FLOAT, "b": BOOL, "raw": BYTES, "l": list_of(INT), "t": TIME, "n": NULL}
    values = {"i": 7, "f": 0.5, "b": True, "raw": b"\xff", "l": [1], "t": START, "n": None}
    frame = pl.DataFrame([pl.Series(name, [values[name]], dtype=dtype(kind)) for name, kind in types.items()])
    paths = {name: render(template((name, kind)), frame).item() for name, kind in types.items()}
    assert paths == {
        "i": "7",
        "f": "0.5",
        "b": "true",
        "raw": "%EF%BF%BD",
        "l": "%5B1%5D",
        "t": "2026-01-31T22%3A59%3A30Z",
        "n": "_",
    }


def test_json_strings_lose_their_quotes():
    """A value whose type nobody demanded is written as what it says."""
    frame = pl.DataFrame({"j": ['"a\\u002fb"', "1.10", "null", None, '{"x":1}']})
    paths = render(template(("j", JSON)), frame).to_list()
    assert paths == ["a%2Fb", "1.10", "_", "_", "%7B%22x%22%3A1%7D"]


def test_a_missing_time_is_an_underscore():
    """Null, and a time that cannot be formatted, do not stop the rows."""
    frame = pl.DataFrame({"t": pl.Series([None, 2**63 - 1], dtype=pl.Int64).cast(dtype(TIME))})
    assert render(template("a/", ("t", TIME, "%Y")), frame).to_list() == ["a/_", "a/_"]


def test_split_keeps_rows_in_order_under_each_path():
    """Paths come in the order of their first row, rows in theirs, and no column is added."""
    frame = pl.DataFrame({"h": ["b", "a", "b", None, "a"], "n": [1, 2, 3, 4, 5]})
    parts = split(template("x/", ("h", STRING)), frame)
    assert [(path, part["n"].to_list()) for path, part in parts] == [("x/b", [1, 3]), ("x/a", [2, 5]), ("x/_", [4])]
    assert all(part.columns == ["h", "n"] for _, part in parts)


def test_split_of_equal_rows_is_the_frame_itself():
    """One path costs no copy; no rows give no parts."""
    frame = pl.DataFrame({"h": ["a", "a"]})
    ((path, part),) = split(template(("h", STRING)), frame)
    assert (path, part is frame) == ("a", True)
    assert split(template(("h", STRING)), frame.clear()) == []


@pytest.mark.parametrize(
    ("pattern", "unit"),
    [
        ("%Y/%m/%d", 86_400),
        ("%H%%", 3_600),
        ("%-H:%M", 60),
        ("%FT%T", 1),
        ("%H.%3f", 1e-6),
        ("%:z", 86_400),
        ("%Q", 1e-6),
    ],
)
def test_the_unit_is_the_finest_that_a_format_shows(pattern, unit):
    """Times are cut to it before distinct ones are formatted; an unknown directive is not trusted."""
    assert unit_of(pattern) == unit * 1e6


NASTY = st.text(max_size=12) | st.lists(st.sampled_from(["..", "/", ".", "\x00", "a", "\\", "%2e", "~"])).map("".join)


@given(st.lists(st.tuples(st.none() | NASTY, NASTY), min_size=1, max_size=5))
@settings(max_examples=100, deadline=None)
def test_no_value_leaves_the_prefix(rows):
    """Whatever the values, the path has the template's own slashes and stays below its prefix."""
    clean = [tuple(None if v is None else v.encode("utf-8", "replace").decode() for v in row) for row in rows]
    frame = pl.DataFrame(clean, schema={"a": pl.String, "b": pl.String}, orient="row")
    for path in render(template("safe/dir/", ("a", STRING), ("b", STRING), "/x-", ("a", STRING)), frame):
        assert path.count("/") == 3
        assert posixpath.normpath(path) == path
        assert posixpath.normpath(path).startswith("safe/dir/")
        assert set(path) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.=-%/")


@given(
    st.lists(st.integers(0, 200_000_000_000), min_size=1, max_size=6),
    st.sampled_from(["%Y%m%d", "%d/%H", "%H-%M", "%S", "%f"]),
)
@settings(max_examples=60, deadline=None)
def test_times_equal_formatting_each_row(micros, pattern):
    """Cutting to a unit and formatting distinct values gives what formatting each time gives."""
    column = pl.Series("t", [START + timedelta(microseconds=value) for value in micros], dtype=dtype(TIME))
    expected = column.dt.to_string(pattern).to_list()
    assert render(template(("t", TIME, pattern)), column.to_frame()).to_list() == expected


@given(
    st.lists(
        st.tuples(
            st.sampled_from([None, "", "a", "b/c"]),
            st.one_of(st.none(), st.integers(-3, 3), st.sampled_from([86_400, 10**9])),
            st.sampled_from([None, 0, 1]),
        ),
        max_size=8,
    ),
    st.sampled_from([("t", TIME, "%Y-%m-%dT%H"), ("t", TIME, "%H"), ("t", TIME)]),
)
@settings(max_examples=200, deadline=None)
def test_split_groups_rows_by_their_text(rows, when):
    """Rows of one text are together in their order, texts in the order of their first row, as rendered one by one."""
    host, seconds, number = ([row[place] for row in rows] for place in range(3))
    moments = [
        None if second is None else START.replace(minute=0, second=0) + timedelta(seconds=second) for second in seconds
    ]
    columns = {"h": (host, STRING), "t": (moments, TIME), "n": (number, INT)}
    frame = pl.DataFrame([pl.Series(name, values, dtype=dtype(kind)) for name, (values, kind) in columns.items()])
    shape = template("out/", ("h", STRING), "/", when, "/", ("n", INT))
    texts = render(shape, frame).to_list()
    expected = [
        (text, [row for row, its in zip(frame.rows(), texts, strict=True) if its == text])
        for text in dict.fromkeys(texts)
    ]
    assert [(text, group.rows()) for text, group in split(shape, frame)] == expected
