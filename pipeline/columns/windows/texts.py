"""Values as text: the `by` object, the identity of a row, and values that are not numbers.

JSON is compact, members in the order given, UTF-8 unescaped where JSON allows it. Times are RFC 3339 with Z and as many
digits of a fraction as needed, durations ISO 8601; a value of type json is put in as it is. JSON has no NaN and no
infinities: they are strings, so that they are not taken for null."""

from __future__ import annotations

import json
from collections.abc import Sequence
from json.encoder import encode_basestring

import polars as pl

from pipeline.columns.types import Type


def json_of(value: pl.Expr, kind: Type) -> pl.Expr:
    """The JSON text of each value; `null` for null."""
    if kind.kind == "json":
        return value.fill_null("null")
    if kind.kind == "time":
        value = _rfc3339(value)
    wrapped = pl.struct(value.alias("v")).struct.json_encode()
    text = wrapped.str.strip_prefix('{"v":').str.strip_suffix("}")
    if kind.kind != "float":
        return text
    odd = (
        pl.when(value.is_nan())
        .then(pl.lit('"NaN"'))
        .when(value > 0)
        .then(pl.lit('"Infinity"'))
        .otherwise(pl.lit('"-Infinity"'))
    )
    return pl.when(value.is_finite() | value.is_null()).then(text).otherwise(odd)


def object_of(members: Sequence[tuple[str, pl.Expr, Type]]) -> pl.Expr:
    """A JSON object with these members, as text."""
    parts: list[pl.Expr] = []
    for at, (name, value, kind) in enumerate(members):
        start = ("{" if at == 0 else ",") + json.dumps(name, ensure_ascii=False) + ":"
        parts += [pl.lit(start), json_of(value, kind)]
    return pl.concat_str([*parts, pl.lit("}")])


def objects(members: Sequence[tuple[str, pl.Series, Type]], height: int) -> list[str | None]:
    """The same objects as values; None for each of the rows when there are no members."""
    if not members:
        return [None] * height
    names = [
        ("{" if at == 0 else ",") + json.dumps(member[0], ensure_ascii=False) + ":" for at, member in enumerate(members)
    ]
    texts = [_texts(values, kind) for _, values, kind in members]
    return [
        "".join([name + text for name, text in zip(names, row, strict=True)]) + "}" for row in zip(*texts, strict=True)
    ]


def _texts(values: pl.Series, kind: Type) -> list[str]:
    """`json_of` of each value. Texts and integers, which most groups are, without a query."""
    match kind.kind:
        case "string":
            return ["null" if value is None else encode_basestring(value) for value in values.to_list()]
        case "int":
            return ["null" if value is None else str(value) for value in values.to_list()]
        case _:
            return values.to_frame("v").select(json_of(pl.col("v"), kind)).to_series().to_list()


def identity(metric: str, group: str | None, rank: int | None = None) -> str:
    """The JSON array `[metric, group]` or `[metric, group, rank]`: what a row of a window is about, unambiguously.

    `group` is JSON text."""
    named = "[" + json.dumps(metric, ensure_ascii=False) + "," + (group or "null")
    return named + ("]" if rank is None else f",{rank}]")


def plain(values: pl.Series, kind: Type) -> list[str | None]:
    """A string as it is, a time as RFC 3339, a boolean as `true` or `false`."""
    match kind.kind:
        case "time":
            return values.to_frame("v").select(_rfc3339(pl.col("v"))).to_series().to_list()
        case _:
            return values.cast(pl.String).to_list()


def _rfc3339(time: pl.Expr) -> pl.Expr:
    digits = time.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f").str.strip_chars_end("0")
    return digits.str.strip_suffix(".") + "Z"
