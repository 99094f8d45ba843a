"""Values of any type: their length, and their JSON text."""

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
