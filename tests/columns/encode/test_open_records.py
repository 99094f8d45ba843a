"""JSON text to columns and the rest: exact values and texts, and a comparison with `json.loads`."""

import json
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.columns.jsontext import extract, tree
from pipeline.columns.types import BOOL, BYTES, DURATION, FLOAT, INT, JSON, NULL, STRING, TIME, dtype, list_of, record


def one(text, **fields):
    """What one record gives: its values, its rest, and why it was refused."""
    found = extract(pl.Series([text], dtype=pl.String), fields)
    return (found.columns.row(0) if fields else ()), found.rest.item(), found.reason.item()


def test_what_nobody_names_is_carried_as_it_came():
    """Digits, escapes and inner white space are kept; the order too."""
    text = '{"a":1.10, "b": 123456789012345678901234567890,"c":"\\u00e9\\/" ,"d":{ "x" : [1, 2] },"e":-0}'
    assert one(text) == (
        (),
        '{"a":1.10,"b": 123456789012345678901234567890,"c":"\\u00e9\\/","d":{ "x" : [1, 2] },"e":-0}',
        None,
    )


def test_named_members_leave_the_rest():
    """A named member becomes a value; when all are named there is no rest."""
    assert one('{"status":200,"path":"/"}', status=INT) == ((200,), '{"path":"/"}', None)
    assert one('{"status":200}', status=INT) == ((200,), None, None)
    assert one("{}", status=INT) == ((None,), None, None)
    assert one(" {\t} ", status=INT) == ((None,), None, None)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (INT, "200", 200),
        (INT, "-9223372036854775808", -(2**63)),
        (INT, "9223372036854775808", None),
        (INT, "2e2", 200),
        (INT, "2.5", None),
        (INT, "9" * 5000, None),
        (INT, "1e999", None),
        (INT, '"200"', None),
        (INT, "true", None),
        (FLOAT, "1", 1.0),
        (FLOAT, "1e999", None),
        (FLOAT, '"1"', None),
        (BOOL, "true", True),
        (BOOL, "1", None),
        (STRING, '"a\\nb"', "a\nb"),
        (STRING, '"\\ud83d\\ude00"', "😀"),
        (STRING, '"x\\ud83dy"', "x\ufffdy"),
        (STRING, "1", None),
        (BYTES, '"é"', "é".encode()),
        (TIME, '"2026-01-31T13:00:00+01:00"', datetime(2026, 1, 31, 12, tzinfo=UTC)),
        (TIME, '"2026-01-31 12:00:00.25"', datetime(2026, 1, 31, 12, 0, 0, 250_000, UTC)),
        (TIME, '"yesterday"', None),
        (TIME, "1", None),
        (DURATION, "1.5", timedelta(seconds=1.5)),
        (DURATION, "1e300", None),
        (JSON, '{"a": 1.10}', '{"a": 1.10}'),
        (JSON, "null", None),
        (NULL, "1", None),
        (list_of(INT), "[1, null , 2]", [1, None, 2]),
        (list_of(INT), "1", None),
        (list_of(JSON), '[1.10,{"a":[]} ]', ["1.10", '{"a":[]}']),
        (record({"a": INT}), '{"a":1,"b":2}', {"a": 1}),
        (record({"a": INT}, open=True), '{"a":1,"b":2.0}', {"a": 1, "@rest": '{"b":2.0}'}),
        (record({"a": INT}, open=True), "7", None),
        (list_of(record({"a": INT})), '[{"a":1},{}]', [{"a": 1}, {"a": None}]),
    ],
)
def test_values_have_the_type_that_is_asked_for(kind, text, value):
    """A value of another type is null; nothing is guessed."""
    values, rest, reason = one(f'{{"x" : {text} }}', x=kind)
    assert (values, rest, reason) == ((value,), None, None)


def test_the_last_of_duplicate_keys_wins():
    """For named members and for the rest."""
    assert one('{"a":1,"b":1,"a":2,"b":2}', a=INT) == ((2,), '{"b":2}', None)


def test_keys_with_an_at_sign_land_under_fields():
    """They cannot be taken for metadata; a member `fields` of the data is merged."""
    assert one('{"@version":1,"a":2}')[1] == '{"a":2,"fields":{"@version":1}}'
    assert one('{"fields":{"b":1.0},"@rest":{}}')[1] == '{"fields":{"b":1.0,"@rest":{}}}'
    assert one('{"fields":7,"@v":1}')[1] == '{"fields":{"fields":7,"@v":1}}'
    fields = record({"@v": INT}, open=True)
    assert one('{"@v":1,"@w":2}', fields=fields)[0] == ({"@v": 1, "@rest": '{"@w":2}'},)


def test_keys_in_the_rest_are_in_their_shortest_form():
    """So that a reader can find them by a search."""
    assert one('{"\\u0061\\/":1,"\\ud800":2}')[1] == '{"a/":1,"\ufffd":2}'


def test_a_record_is_one_line():
    """Line breaks between values become spaces."""
    assert one('{\n"a":[\r\n1]\n}')[1] == '{"a":[  1]}'


@pytest.mark.parametrize(
    ("text", "reason", "detail"),
    [
        (None, "not_json", "an empty record"),
        ("", "not_json", "an empty record"),
        ("  ", "not_json", "a value is missing, or the text ends too early"),
        ("[1]", "not_json", "JSON, but not an object"),
        ('"x"', "not_json", "JSON, but not an object"),
        ("hello", "not_json", "a value is missing, or the text ends too early"),
        ('{"a":1', "not_json", "a value is missing, or the text ends too early"),
        ('{"a":NaN}', "not_json", "NaN is not JSON"),
        ('{"a":[-Infinity]}', "not_json", "-Infinity is not JSON"),
        ('{"a" 1}', "not_json", "a colon is missing at character 5"),
        ('{"a":1 "b":2}', "not_json", "a comma or closing brace is missing at character 7"),
        ('{"a":1,}', "not_json", "a name in double quotes is missing at character 7"),
        ("{a:1}", "not_json", "a name in double quotes is missing at character 1"),
        ('{"a":1} x', "not_json", "more text after the object, from character 7"),
        ('{"a":"x\ny"}', "not_json", "a control character in a string is not escaped at character 7"),
        ('{"a":' + "[" * 64 + "]" * 64 + "}", "too_deep", "objects and arrays nest deeper than 64"),
        ('{"a":' * 100_000, "too_deep", "objects and arrays nest deeper than 64"),
    ],
)
def test_what_is_no_object_is_refused_with_the_place(text, reason, detail):
    """The reason is short, the detail says where; other rows are not affected."""
    found = extract(pl.Series([text, '{"a":1}'], dtype=pl.String), {"a": INT})
    assert found.reason.to_list() == [reason, None]
    assert found.detail.to_list() == [detail, None]
    assert found.columns["a"].to_list() == [None, 1]


def test_nesting_up_to_the_limit_is_read():
    """64 levels are fine, and brackets inside strings do not count."""
    assert one('{"a":' + "[" * 63 + "]" * 63 + "}")[2] is None
    assert one('{"a":"' + "[{" * 200 + '"}')[2] is None


def test_paths_become_a_tree_of_open_records():
    """Parents of named paths are open records; a deeper path wins over another type of its parent."""
    fields = {("a", "b", "c"): INT, ("a", "d"): STRING, ("x",): JSON, ("x", "y"): INT, ("r",): record({"k": INT})}
    assert tree(fields) == {
        "a": record({"d": STRING, "b": record({"c": INT}, open=True)}, open=True),
        "x": record({"y": INT}, open=True),
        "r": record({"k": INT}),
    }


def test_no_rows_and_no_fields():
    """Empty columns have their dtypes."""
    found = extract(pl.Series([], dtype=pl.String), {"a": TIME, "r": record({"k": INT}, open=True)})
    assert found.columns.schema == {"a": dtype(TIME), "r": dtype(record({"k": INT}, open=True))}
    assert (found.rest.dtype, found.reason.dtype, found.rest.len()) == (pl.String, pl.String, 0)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.text(max_size=4).filter(lambda name: not name.startswith("@")) | st.sampled_from(["a", "b"])


@given(st.dictionaries(NAMES, VALUES, max_size=5), st.sampled_from([None, 1]), st.booleans())
@settings(max_examples=150, deadline=None)
def test_values_and_rest_together_are_the_object(members, indent, ascii_only):
    """However it is written, what is named and what is carried is all that was there."""
    text = json.dumps(members, indent=indent, ensure_ascii=ascii_only)
    found = extract(pl.Series([text]), {"a": JSON})
    whole = json.loads(found.rest.item() or "{}")
    assert "a" not in whole
    value = found.columns["a"].item()
    others = {name: member for name, member in members.items() if name != "a"}
    assert found.reason.item() is None
    assert (whole, json.loads(value or "null")) == (others, members.get("a"))


@given(st.text(alphabet='{}[]",:\\ \n0129.eE+-truefalsn@u', max_size=14))
@settings(max_examples=300, deadline=None)
def test_objects_are_accepted_as_the_standard_library_does(text):
    """Exactly what `json.loads` reads as an object is accepted."""
    try:
        parsed = json.loads(text, parse_constant=lambda name: 1 / 0)
    except (ValueError, ZeroDivisionError):
        parsed = None
    assert (one(text)[2] is None) == isinstance(parsed, dict)
