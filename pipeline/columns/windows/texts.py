"""Values as text: the `by` object, the identity of a row, and values that are not numbers.

JSON is compact, members in the order given, UTF-8 unescaped where JSON allows it. Times are RFC 3339 with Z and as many
digits of a fraction as needed, durations ISO 8601; a value of type json is put in as it is. JSON has no NaN and no
infinities: they are strings, so that they are not taken for null."""

from __future__ import annotations

import json
from collections.abc import Sequence

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


def identity_of(metric: str, group: pl.Expr, rank: pl.Expr | None = None) -> pl.Expr:
    """The JSON array `[metric, group]` or `[metric, group, rank]`: what a row of a window is about, unambiguously.

    `group` is JSON text, null for none; `rank` an integer."""
    parts = [pl.lit("[" + json.dumps(metric, ensure_ascii=False) + ","), group.fill_null("null")]
    if rank is not None:
        parts += [pl.lit(","), rank.cast(pl.String)]
    return pl.concat_str([*parts, pl.lit("]")])


def plain(value: pl.Expr, kind: Type) -> pl.Expr:
    """A string as it is, a time as RFC 3339, a boolean as `true` or `false`."""
    match kind.kind:
        case "time":
            return _rfc3339(value)
        case _:
            return value.cast(pl.String)


def _rfc3339(time: pl.Expr) -> pl.Expr:
    digits = time.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f").str.strip_chars_end("0")
    return digits.str.strip_suffix(".") + "Z"
