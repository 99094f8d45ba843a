"""Small notations: rows of CSV, queries, numbers, paths, syslog, UUIDs, bits, places."""

import csv
import io
import json
import math
import posixpath
import urllib.parse
import uuid
from decimal import ROUND_HALF_UP, Decimal

import pytest
from calls import run
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import api

INT64 = st.integers(-(2**63), 2**63 - 1)


@given(st.lists(st.lists(st.text(st.sampled_from('a,;" é'), max_size=4), min_size=1, max_size=4), max_size=6))
@settings(max_examples=100, deadline=None)
def test_parse_csv(rows):
    """What Python's writer writes is read back."""
    written = []
    for row in rows:
        out = io.StringIO()
        csv.writer(out, lineterminator="").writerow(row)
        written.append(out.getvalue())
    assert run("parse_csv(x)", x=(api.STRING, written)) == rows


def test_parse_csv_edges():
    """An empty text is one empty cell; two rows, cells that are too long for a reader and quotes that are amiss are none."""
    texts = ["", "a\nb", "x" * 200_000, '"open', '"a"b', "a\r", 'a"b', None]
    assert run("parse_csv(x)", x=(api.STRING, texts)) == [[""], None, None, None, None, ["a"], ['a"b'], None]
    with pytest.raises(TypeError, match="one character"):
        run("parse_csv(x, '||')", x=(api.STRING, texts))


@given(st.lists(st.tuples(st.text(st.sampled_from("ab &=+é%"), max_size=3), st.text(max_size=3)), max_size=5))
@settings(max_examples=100, deadline=None)
def test_parse_query(pairs):
    """What Python encodes is read back, a name that occurs several times as a list."""
    expected = {}
    for name, value in pairs:
        expected.setdefault(name, []).append(value)
    (found,) = run("parse_query(x)", x=(api.STRING, [urllib.parse.urlencode(pairs)]))
    assert json.loads(found) == {name: given if len(given) > 1 else given[0] for name, given in expected.items()}


@given(st.lists(st.one_of(st.none(), INT64), max_size=8), st.integers(2, 36))
@settings(max_examples=100, deadline=None)
def test_bases(numbers, base):
    """Digits of any base are read back; Python reads them too."""
    digits = run(f"format_int(x, {base})", x=(api.INT, numbers))
    assert [None if text is None else int(text, base) for text in digits] == numbers
    assert run(f"int(x, base: {base})", x=(api.STRING, digits)) == numbers


@pytest.mark.parametrize(
    ("text", "found"),
    [("FF", 255), ("-ff", -255), ("0xff", None), (" ff", None), ("", None), ("g", None), ("8" * 16, None), ("é", None)],
)
def test_hex_digits(text, found):
    """Digits with an optional sign and nothing else; what does not fit is null."""
    assert run("int(x, base: 16)", x=(api.STRING, [text])) == [found]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("int(x, base: 1)", "2 to 36, not 1"),
        ("format_int(1, 37)", "2 to 36, not 37"),
        ("int(1, base: 2)", "only texts have digits of a base, not int"),
        ("format_number(1, 16)", "0 to 15 decimals, not 16"),
        ("uuid_v5('a', 'web')", "dns, url, oid, x500 or a UUID, not 'web'"),
        ("start_of(time('2024-05-01'), 'decade')", "minute, hour, day, week, month, quarter, year, not decade"),
    ],
)
def test_wrong_constants(call, message):
    """What cannot work is told when the program is compiled."""
    with pytest.raises(TypeError, match=message):
        run(call, x=(api.STRING, ["1"]))


@given(st.lists(INT64, max_size=6), st.integers(0, 3))
@settings(max_examples=100, deadline=None)
def test_format_integers(numbers, digits):
    """Integers are Python's `,` format, exact to the last digit."""
    expected = [f"{number:,}" + ("." + "0" * digits if digits else "") for number in numbers]
    assert run(f"format_number(x, {digits})", x=(api.INT, numbers)) == expected


@given(st.lists(st.floats(-1e9, 1e9).map(lambda value: round(value, 4)), max_size=6), st.integers(0, 3))
@settings(max_examples=200, deadline=None)
def test_format_floats(numbers, digits):
    """Floats are rounded halves away from zero, as their decimals are written."""
    exact = [Decimal(repr(number)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP) for number in numbers]
    expected = [f"{number or abs(number):,}" for number in exact]
    assert run(f"format_number(x, {digits})", x=(api.FLOAT, numbers)) == expected


def test_format_number_edges():
    """Huge numbers have all their digits; what is not finite is null; any text may stand between groups."""
    floats = (api.FLOAT, [1e21, -0.0, math.nan, math.inf, None])
    assert run("format_number(x)", x=floats) == ["1,000,000,000,000,000,000,000", "0", None, None, None]
    assert run("format_number(x, 1, '’', '·')", x=(api.INT, [-1234567, None])) == ["-1’234’567·0", None]


@given(st.lists(st.text(st.sampled_from("ab./"), max_size=8), max_size=10))
@settings(max_examples=100, deadline=None)
def test_paths(paths):
    """Names and folders are Python's for paths without doubled separators or one at their end."""
    plain = [path for path in paths if not path.endswith("/") and "//" not in path]
    column = (api.STRING, plain)
    assert run("basename(x)", x=column) == [posixpath.basename(path) for path in plain]
    assert run("dirname(x)", x=column) == [posixpath.dirname(path) or "." for path in plain]


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("/a/b/", ("b", "/a", None)),
        ("C:\\logs\\App.LOG", ("App.LOG", "C:\\logs", "log")),
        ("a.tar.gz", ("a.tar.gz", ".", "gz")),
        (".bashrc", (".bashrc", ".", None)),
        ("a.", ("a.", ".", None)),
        ("/", ("", "/", None)),
        ("", ("", ".", None)),
        ("a\nb/c.é", ("c.é", "a\nb", "é")),
    ],
)
def test_parts_of_paths(path, parts):
    """The name, the folder and the extension."""
    column = (api.STRING, [path])
    assert tuple(run(f"{name}(x)", x=column)[0] for name in ("basename", "dirname", "extension")) == parts


def test_syslog():
    """Every priority has its level and facility; the numbers of levels are read back, with the names of programs."""
    numbers = (api.INT, [0, 191, 165, -1, 192, None])
    assert run("syslog_level(x)", x=numbers) == ["emerg", "debug", "notice", None, None, None]
    assert run("syslog_facility(x)", x=numbers) == ["kern", "local7", "local4", None, None, None]
    levels = run("syslog_level(x)", x=(api.INT, list(range(8))))
    assert run("syslog_severity(x)", x=(api.STRING, levels)) == list(range(8))
    names = (api.STRING, [" Error ", "FATAL", "warn", "panic", "trace", "none", "", None])
    assert run("syslog_severity(x)", x=names) == [3, 2, 4, 0, 7, None, None, None]


@given(st.lists(st.text(max_size=5), max_size=5), st.uuids())
@settings(max_examples=50, deadline=None)
def test_uuid_v5(names, space):
    """Names have the UUIDs that Python gives them."""
    assert run(f"uuid_v5(x, '{space}')", x=(api.STRING, names)) == [str(uuid.uuid5(space, name)) for name in names]


@given(st.lists(st.integers(0, 2**48 - 1), max_size=5), st.integers(0, 2**74 - 1))
@settings(max_examples=100, deadline=None)
def test_uuid_time(stamps, rest):
    """The milliseconds of version 7 are read back, up to the year 9999."""
    made = [
        str(uuid.UUID(int=stamp << 80 | 7 << 76 | (rest >> 62) << 64 | 2 << 62 | rest & (2**62 - 1)))
        for stamp in stamps
    ]
    expected = [stamp if stamp < 253_402_300_800_000 else None for stamp in stamps]
    assert run("unix_ms(uuid_time(x))", x=(api.STRING, made)) == expected


def test_uuid_time_of_clocks():
    """Versions 1 and 6 hold the same time in other orders; version 4 and other texts hold none."""
    now = uuid.UUID("c232ab00-9414-11ec-b3c8-9f6bdeced846")
    texts = [str(now), str(now).upper(), "1ec9414c-232a-6b00-b3c8-9f6bdeced846", str(uuid.UUID(int=0)), "", "x", None]
    found = run("unix_us(uuid_time(x))", x=(api.STRING, texts))
    assert found == [1645557742000000] * 3 + [None] * 4
    assert run("is_uuid(x)", x=(api.STRING, texts)) == [True] * 4 + [False] * 3


@given(st.lists(st.tuples(INT64, INT64), max_size=8))
@settings(max_examples=50, deadline=None)
def test_bits(pairs):
    """Bits are Python's, in 64 bits."""
    columns = {"x": (api.INT, [one for one, _ in pairs]), "y": (api.INT, [other for _, other in pairs])}
    assert run("bit_and(x, y)", **columns) == [one & other for one, other in pairs]
    assert run("bit_or(x, y)", **columns) == [one | other for one, other in pairs]
    assert run("bit_xor(x, y)", **columns) == [one ^ other for one, other in pairs]


LATITUDES, LONGITUDES = st.floats(-90, 90), st.floats(-180, 180)


@given(LATITUDES, LONGITUDES, LATITUDES, LONGITUDES)
@settings(max_examples=200, deadline=None)
def test_geo_distance(one, along, other, across):
    """The angle between two vectors, times the radius of the earth; the same in both directions."""
    vectors = [
        (math.cos(a) * math.cos(b), math.cos(a) * math.sin(b), math.sin(a))
        for a, b in ((math.radians(one), math.radians(along)), (math.radians(other), math.radians(across)))
    ]
    expected = 2 * 6371.0088 * math.asin(min(1.0, math.dist(*vectors) / 2))
    columns = {name: (api.FLOAT, [value]) for name, value in zip("abcd", (one, along, other, across), strict=True)}
    assert run("geo_distance(a, b, c, d)", **columns) == [pytest.approx(expected, abs=1e-3)]
    assert run("geo_distance(c, d, a, b)", **columns) == [pytest.approx(expected, abs=1e-3)]


def test_geo_distance_edges():
    """The other side of the earth is half its circumference away; what is no place has no distance."""
    assert run("geo_distance(0, 0, 0, 180)") == pytest.approx(math.pi * 6371.0088)
    assert run("geo_distance(a, 0, 0, 181)", a=(api.FLOAT, [0.0, math.nan, None])) == [None] * 3
