"""Values of several types: how long they are, turned round, repeated; their type and their JSON text."""

from __future__ import annotations

import polars as pl

from pipeline import api
from pipeline.api.conversions import to_json as written

Types = tuple[api.Type | None, ...]


def _length(x: pl.Expr, *, types: Types) -> pl.Expr:
    match (types[0] or api.STRING).kind:
        case "list":
            count = x.list.len()
        case "bytes":
            count = x.bin.size("b")
        case _:
            count = x.str.len_chars()
    return count.cast(pl.Int64)


def _byte_length(x: pl.Expr, *, types: Types) -> pl.Expr:
    count = x.bin.size("b") if types[0] == api.BYTES else x.str.len_bytes()
    return count.cast(pl.Int64)


def _reverse(x: pl.Expr, *, types: Types) -> pl.Expr:
    return x.list.reverse() if types[0] is not None and types[0].kind == "list" else x.str.reverse()


def _repeat(x: pl.Expr, times: int) -> pl.Expr:
    if not 0 <= times <= _MOST:
        raise TypeError(f"a text is repeated 0 to {_MOST:,} times, not {times:,}")
    repeated = x.repeat_by(times).list.join("")
    return pl.when(x.is_not_null()).then(repeated)


def _type_of(x: pl.Expr, *, types: Types) -> pl.Expr:
    kind = types[0] or api.NULL
    if kind.kind != "json":
        return pl.when(x.is_not_null()).then(pl.lit(kind.kind))
    first = x.str.slice(0, 1)
    return (
        pl.when(x == "null")
        .then(None)
        .when(first.is_in(["-", *"0123456789"]))
        .then(pl.when(x.str.contains(r"[.eE]")).then(pl.lit("float")).otherwise(pl.lit("int")))
        .otherwise(first.replace_strict(_FIRST, default=None, return_dtype=pl.String()))
    )


def _same(types: Types) -> api.Type:
    return types[0] or api.STRING


_MOST = 10_000
_FIRST = {'"': "string", "{": "record", "[": "list", "t": "bool", "f": "bool"}
"""What JSON text begins with, of all but numbers and null."""


def _to_json(x: pl.Expr, *, types: Types) -> pl.Expr:
    return written(x, types[0] or api.STRING)


length = api.Function(
    name="length",
    doc="The number of characters (code points) of a text, of elements of a list, or of bytes.",
    parameters=(api.Parameter("x", "The text, list or bytes.", ("string", "list", "bytes")),),
    returns=api.INT,
    build=_length,
    examples=(
        api.Example("length('naïve')", 5),
        api.Example("length(split('a,b', ','))", 2),
        api.Example("length(null)", None),
    ),
    typed=True,
)

byte_length = api.Function(
    name="byte_length",
    doc="The number of bytes of a text in UTF-8, or of bytes.",
    parameters=(api.Parameter("x", "The text or bytes.", ("string", "bytes")),),
    returns=api.INT,
    build=_byte_length,
    examples=(api.Example("byte_length('naïve')", 6),),
    typed=True,
)

reverse = api.Function(
    name="reverse",
    doc="The characters of a text, or the elements of a list, from the last to the first. Accents stay on their letters.",
    parameters=(api.Parameter("x", "The text or list.", ("string", "list")),),
    returns=_same,
    build=_reverse,
    examples=(api.Example("reverse('abc')", "cba"), api.Example("reverse([1, 2])", [2, 1])),
    typed=True,
)

repeat = api.Function(
    name="repeat",
    doc="The text several times one after the other.",
    parameters=(
        api.Parameter("x", "The text.", ("string",)),
        api.Parameter("times", "How often, 0 to 10,000.", ("int",), constant=True),
    ),
    returns=api.STRING,
    build=_repeat,
    examples=(api.Example("repeat('ab', 3)", "ababab"), api.Example("repeat('ab', 0)", "")),
)

type_of = api.Function(
    name="type_of",
    doc="The type of the value: `int`, `float`, `bool`, `string`, `time`, `duration`, `bytes`, `list` or `record`. Of JSON it is that of the value "
    "in it.",
    parameters=(api.Parameter("x", "The value."),),
    returns=api.STRING,
    build=_type_of,
    examples=(
        api.Example("type_of(1.5)", "float"),
        api.Example("type_of(parse_json('[1]'))", "list"),
        api.Example("type_of(parse_json('null'))", None),
        api.Example("type_of(null)", None),
    ),
    typed=True,
)

to_json = api.Function(
    name="to_json",
    doc="The value as JSON text, as outputs write it: times are RFC 3339, durations seconds, members of records that are null are left out.",
    parameters=(api.Parameter("x", "The value."),),
    returns=api.STRING,
    build=_to_json,
    examples=(
        api.Example("to_json(['a', 'b'])", '["a","b"]'),
        api.Example("to_json('say \"hi\"')", '"say \\"hi\\""'),
        api.Example("to_json(90s)", "90.0"),
        api.Example("to_json(null)", None),
    ),
    typed=True,
)
