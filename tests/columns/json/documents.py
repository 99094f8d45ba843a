"""Random JSON documents, written in many ways, whole and damaged; and types for their members."""

import json

from hypothesis import strategies as st

from pipeline.columns.types import BOOL, BYTES, DURATION, FLOAT, INT, JSON, NULL, STRING, TIME, list_of, record

NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(
        [
            "-0",
            "0.0",
            "1.10",
            "2.0",
            "2e2",
            "1E+2",
            "1e999",
            "-1e-999",
            "9" * 40,
            "1." + "0" * 30,
            "9007199254740993.0",
            "9223372036854775807",
            "9223372036854775808",
            "-9223372036854775808",
            "-9223372036854775809",
            "0.0000005",
            "0.0000015",
            "-0.0000015",
            "2.5e-6",
            "1.0000015",
            "9.3e12",
            "9223372036854.775807",
            "-86400.5",
        ]
    ),
)
TIMES = st.one_of(
    st.datetimes().map(str),
    st.datetimes(timezones=st.timezones()).map(lambda time: time.isoformat()),
    st.sampled_from(
        [
            "2026-01-31T12:00:00Z",
            "2026-01-31 12:00:00.25",
            "2026-02-29T00:00:00",
            "2026-01-31T24:00:00",
            "20260131",
            "2026-W05-6",
            "2026-01-31T12:00:00,5+01",
            "0001-01-01T00:00:00+01:00",
            "9999-12-31T23:59:59-01:00",
            "noon",
            "2026-01-31T12:00:60",
            "2026-01-31T12:00:00.1234567890123",
            "2026-01-31T12:00:00.",
            "2026-01-31T12:00:00+24:00",
            "2026-01-31é12:00:00",
            "2026-01-31T12:00:00-00:30",
            "2026-01-31t12:00:00z",
        ]
    ),
)
ESCAPES = ["\\n", "\\/", '\\"', "\\\\", "\\u0041", "\\u00e9", "\\ud83d", "\\ude00", "\\ud83d\\ude00", "\\u0000", "\\b"]


def quoted(text):
    return st.sampled_from([json.dumps(text, ensure_ascii=False), json.dumps(text)])


STRINGS = st.one_of(
    st.text(max_size=30).flatmap(quoted),
    TIMES.flatmap(quoted),
    st.lists(st.sampled_from([*ESCAPES, "a", "é", "😀", "@", " " * 9, "\x7f"]), max_size=6).map(
        lambda parts: '"' + "".join(parts) + '"'
    ),
)
NAMES = st.one_of(
    st.sampled_from(['"a"', '"b"', '"c"', '"d"', '"fields"', '"@t"', '"@v"', '"\\u0061"', '"\\ud800"', '"\\ufffd"']),
    STRINGS,
)
SPACES = st.sampled_from(["", "", "", " ", "\t", "\n", "\r\n", "  "])
LITERALS = st.sampled_from(["true", "false", "null"])


@st.composite
def _object(draw, values):
    pairs = draw(st.lists(st.tuples(NAMES, values, SPACES, SPACES, SPACES), max_size=6))
    inner = [f"{one}{name}{two}:{three}{value}" for name, value, one, two, three in pairs]
    return "{" + ",".join(inner) + draw(SPACES) + "}"


@st.composite
def _array(draw, values):
    items = draw(st.lists(st.tuples(SPACES, values, SPACES), max_size=4))
    return "[" + ",".join("".join(item) for item in items) + draw(SPACES) + "]"


VALUES = st.recursive(NUMBERS | STRINGS | LITERALS, lambda values: _object(values) | _array(values), max_leaves=8)
OBJECTS = _object(VALUES)


@st.composite
def damaged(draw):
    """An object with a piece cut out, replaced, inserted, or cut short."""
    text = draw(OBJECTS)
    begin = draw(st.integers(0, len(text)))
    end = draw(st.integers(begin, min(begin + 3, len(text))))
    pieces = [
        "",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        '"',
        "\\",
        "\\u12",
        "NaN",
        "-Infinity",
        "Infinity",
        "-",
        ".",
        "e",
        "0",
        "x",
        "\x01",
    ]
    return text[:begin] + draw(st.sampled_from(pieces)) + draw(st.sampled_from([text[end:], ""]))


DEEP = st.tuples(st.integers(60, 67), st.sampled_from(["[", '{"a":', '{"@v":', '{"fields":']), st.booleans()).map(
    lambda deep: (
        '{"x":1,"@w":'
        + deep[1] * deep[0]
        + ("1" if deep[1] != "[" else "")
        + ("]" if deep[1] == "[" else "}") * deep[0]
        + "}" * deep[2]
    )
)
TEXTS = OBJECTS | damaged() | VALUES | DEEP | st.text(max_size=12) | SPACES

SCALARS = [BOOL, BYTES, DURATION, FLOAT, INT, JSON, NULL, STRING, TIME]
KINDS = st.recursive(
    st.sampled_from(SCALARS),
    lambda kinds: st.one_of(
        kinds.map(list_of),
        st.tuples(st.dictionaries(st.sampled_from(["a", "b", "c", "@t", "\ufffd"]), kinds, max_size=3), st.booleans())
        .filter(lambda fields: fields[0] or fields[1])
        .map(lambda fields: record(fields[0], open=fields[1])),
    ),
    max_leaves=4,
)
FIELDS = st.dictionaries(st.sampled_from(["a", "b", "c", "d", "fields", "\ufffd"]), KINDS, max_size=4)
