"""Conversions between types. All are fallible: null for what cannot be converted, or rejected with `!`."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from pipeline import api
from pipeline.api.conversions import digits_to_int, to_bool, to_duration, to_float, to_int, to_size, to_text
from pipeline.api.times import parse

Kernel = Callable[[pl.Expr, api.Type], pl.Expr]
Types = tuple[api.Type | None, ...]

_NUMBERS = ("string", "int", "float", "bool", "time", "duration", "bytes", "json")


def _by_type(kernel: Kernel) -> Callable[..., pl.Expr]:
    def build(x: pl.Expr, *, types: Types) -> pl.Expr:
        return kernel(x, types[0] or api.STRING)

    return build


def _time(x: pl.Expr, format: str | list[str], zone: str, *, types: Types) -> pl.Expr:
    kind = types[0] or api.STRING
    return x if kind == api.TIME else parse(to_text(x, kind) if kind.kind in ("bytes", "json") else x, format, zone)


def _int(x: pl.Expr, base: int, *, types: Types) -> pl.Expr:
    kind = types[0] or api.STRING
    if base == 10:
        return to_int(x, kind)
    if not 2 <= base <= 36:
        raise TypeError(f"a base is 2 to 36, not {base}")
    if kind.kind not in ("string", "bytes", "json"):
        raise TypeError(f"only texts have digits of a base, not {kind}")
    return digits_to_int(to_text(x, kind), base)


int_ = api.Function(
    name="int",
    doc="An integer. Texts are decimal digits with an optional sign and nothing else: `int('1.5')`, `int(' 1')` and `int('-')` are "
    "null. Floats are cut toward zero. Times are seconds since 1970 and durations seconds, rounded down. true is 1, false 0.",
    parameters=(
        api.Parameter("x", "What to convert.", _NUMBERS),
        api.Parameter(
            "base",
            "The base of a text's digits, 2 to 36; `0x` and the like are no digits.",
            ("int",),
            constant=True,
            default=10,
            required=False,
        ),
    ),
    returns=api.INT,
    build=_int,
    examples=(
        api.Example("int('42')", 42),
        api.Example("int('-')", None),
        api.Example("int('1.5')", None),
        api.Example("int(-1.9)", -1),
        api.Example("int(90s)", 90),
        api.Example("int('fF', base: 16)", 255),
    ),
    fallible=True,
    typed=True,
)

float_ = api.Function(
    name="float",
    doc="A float. Texts are decimal, with optional sign, fraction and exponent; what is not finite (`nan`, `inf`) is null. Times are "
    "seconds since 1970, durations seconds. true is 1, false 0.",
    parameters=(api.Parameter("x", "What to convert.", _NUMBERS),),
    returns=api.FLOAT,
    build=_by_type(to_float),
    examples=(
        api.Example("float('1.5')", 1.5),
        api.Example("float('2e3')", 2000.0),
        api.Example("float('-')", None),
        api.Example("float('nan')", None),
        api.Example("float(1500ms)", 1.5),
    ),
    fallible=True,
    typed=True,
)

string = api.Function(
    name="string",
    doc="A text. Times are RFC 3339 in UTC, durations `1m30s`, lists and records JSON; bytes are read as UTF-8, with U+FFFD for what is "
    "none; a JSON string is given without its quotes.",
    parameters=(api.Parameter("x", "What to convert."),),
    returns=api.STRING,
    build=_by_type(to_text),
    examples=(
        api.Example("string(42)", "42"),
        api.Example("string(true)", "true"),
        api.Example("string(90s)", "1m30s"),
        api.Example("string(time('2015-05-17 10:05:03'))", "2015-05-17T10:05:03Z"),
    ),
    typed=True,
)

bool_ = api.Function(
    name="bool",
    doc="A truth value. Texts in any case: `true t yes y on 1` and `false f no n off 0`. Of numbers, 0 is false and others are true.",
    parameters=(api.Parameter("x", "What to convert.", ("string", "int", "float", "bool", "bytes", "json")),),
    returns=api.BOOL,
    build=_by_type(to_bool),
    examples=(
        api.Example("bool('Yes')", True),
        api.Example("bool('0')", False),
        api.Example("bool('maybe')", None),
        api.Example("bool(2)", True),
    ),
    fallible=True,
    typed=True,
)

duration = api.Function(
    name="duration",
    doc="A length of time, from a text such as `10s`, `1m30s`, `250ms`, `1.5h` (units `ns us µs ms s m h d`) or from a number of seconds. "
    "It is rounded to microseconds.",
    parameters=(api.Parameter("x", "What to convert.", ("string", "int", "float", "duration", "bytes", "json")),),
    returns=api.DURATION,
    build=_by_type(to_duration),
    examples=(
        api.Example("float(duration('1m30s'))", 90.0),
        api.Example("string(duration('0.25'))", "0.25s"),
        api.Example("string(duration(90))", "1m30s"),
        api.Example("duration('soon')", None),
    ),
    fallible=True,
    typed=True,
    by_value=True,
)

size = api.Function(
    name="size",
    doc="A number of bytes, from a text such as `64MiB`, `10MB`, `1.5K`, `512`. `KB MB GB TB PB` are powers of 1000; `KiB MiB …` and the bare "
    "letters `K M …`, as `ls -h` writes them, are powers of 1024.",
    parameters=(api.Parameter("x", "What to convert.", ("string", "int", "bytes", "json")),),
    returns=api.INT,
    build=_by_type(to_size),
    examples=(
        api.Example("size('64MiB')", 67108864),
        api.Example("size('10 MB')", 10000000),
        api.Example("size('1.5K')", 1536),
        api.Example("size('big')", None),
    ),
    fallible=True,
    typed=True,
    by_value=True,
)

time = api.Function(
    name="time",
    doc="""A time, from a text or a number.

Formats are strftime's (`%Y %y %m %d %e %j %b %B %a %A`, `%H %I %M %S %p`, `%f` for a fraction of any length, `%z` for `+0200`, `+02:00` or `Z`,
`%Z` for `UTC` or `GMT`, `%s`, `%G %V %u`, `%D %F %T %R`, `%%`), `'iso8601'` (date and time with `T` or a space, with or without
seconds, fraction and offset; or a date), `'unix'`, `'unix_ms'`, `'unix_us'` or `'unix_ns'`. Of a list, the first format that fits wins.

A stamp without an offset is in `zone`. Of a local time that is there twice, when clocks are set back, the first is taken; one
that is skipped is null. Fractions are cut to microseconds. Years are 1 to 9999. Numbers may lack leading zeros, white space
matches any amount of white space, and names of months and days are English, in any case.""",
    parameters=(
        api.Parameter("x", "What to convert.", ("string", "int", "float", "time", "bytes", "json")),
        api.Parameter(
            "format",
            "A format, or a list of formats that are tried in order.",
            ("string", "list"),
            constant=True,
            default="iso8601",
            required=False,
        ),
        api.Parameter(
            "zone", "The zone of stamps without an offset.", ("string",), constant=True, default="UTC", required=False
        ),
    ),
    returns=api.TIME,
    build=_time,
    examples=(
        api.Example(
            "string(time('17/May/2015:12:05:03 +0200', '%d/%b/%Y:%H:%M:%S %z'))",
            "2015-05-17T10:05:03Z",
        ),
        api.Example("string(time('2024-05-01T12:00:00.25+02:00'))", "2024-05-01T10:00:00.25Z"),
        api.Example("string(time('1714564800.5', 'unix'))", "2024-05-01T12:00:00.5Z"),
        api.Example("string(time(1714564800123, 'unix_ms'))", "2024-05-01T12:00:00.123Z"),
        api.Example("string(time('2024-05-01', ['unix', '%Y-%m-%d']))", "2024-05-01T00:00:00Z"),
        api.Example(
            "string(time('2024-07-01 12:00:00,5', '%Y-%m-%d %H:%M:%S,%f', zone: 'Europe/Paris'))",
            "2024-07-01T10:00:00.5Z",
        ),
        api.Example("time('yesterday')", None),
    ),
    fallible=True,
    typed=True,
)
