"""Conversions between the types of the language. What cannot be converted is null; nothing raises.

Numbers of times are seconds since 1970 (UTC), numbers of durations are seconds.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import polars as pl

from pipeline.columns.distinct import map_distinct
from pipeline.columns.durations import duration_text, microseconds, size_bytes
from pipeline.columns.encode.times import rfc3339
from pipeline.columns.encode.values import text
from pipeline.columns.lines import decode
from pipeline.columns.numbers import divided
from pipeline.columns.types import Type

_INT = pl.Int64()
_FLOAT = pl.Float64()
_STRING = pl.String()
_SECOND = 1_000_000
_TRUE = ["true", "t", "yes", "y", "on", "1"]
_FALSE = ["false", "f", "no", "n", "off", "0"]


def to_int(x: pl.Expr, kind: Type) -> pl.Expr:
    """Int64. Texts: decimal digits with an optional sign, nothing else. Floats are cut toward zero; NaN, infinite and too large
    ones are null. Times and durations: whole seconds, rounded down."""
    match kind.kind:
        case "time":
            return x.dt.timestamp("us").floordiv(_SECOND)
        case "duration":
            return x.dt.total_microseconds().floordiv(_SECOND)
        case "bytes":
            return to_int(to_text(x, kind), Type("string"))
        case "json":
            plain = _json_text(x)
            number = plain.cast(_FLOAT, strict=False).cast(_INT, strict=False)
            quoted = x.str.starts_with('"')
            return pl.coalesce(
                plain.cast(_INT, strict=False), pl.when(~quoted).then(number), pl.when(~quoted).then(_json_bit(x))
            )
        case _:
            return x.cast(_INT, strict=False)


def digits_to_int(x: pl.Expr, base: int) -> pl.Expr:
    """Int64 of the digits of a base, 2 to 36, in either case, with an optional sign and nothing else."""
    return x.str.to_integer(base=base, strict=False)


def to_float(x: pl.Expr, kind: Type) -> pl.Expr:
    """Float64, finite or null. Texts: decimal with an optional sign, fraction and exponent; `nan` and `inf` are null."""
    match kind.kind:
        case "time":
            return divided(x.dt.timestamp("us"), pl.lit(float(_SECOND)))
        case "duration":
            return divided(x.dt.total_microseconds(), pl.lit(float(_SECOND)))
        case "bytes":
            return to_float(to_text(x, kind), Type("string"))
        case "json":
            number = _json_text(x).cast(_FLOAT, strict=False)
            return pl.coalesce(_finite(number), _json_bit(x).cast(_FLOAT))
        case _:
            return _finite(x.cast(_FLOAT, strict=False))


def to_bool(x: pl.Expr, kind: Type) -> pl.Expr:
    """Boolean. Texts in any case: true t yes y on 1, false f no n off 0. Numbers: 0 is false, others true, NaN is null."""
    match kind.kind:
        case "bool":
            return x
        case "int":
            return x != 0
        case "float":
            return pl.when(x.is_not_nan()).then(x != 0)
        case "json":
            return to_bool(_json_text(x), Type("string"))
        case "bytes":
            return to_bool(to_text(x, kind), Type("string"))
        case _:
            word = x.cast(_STRING).str.to_lowercase()
            return (
                pl.when(word.is_in(_TRUE)).then(pl.lit(value=True)).when(word.is_in(_FALSE)).then(pl.lit(value=False))
            )


def to_text(x: pl.Expr, kind: Type) -> pl.Expr:
    """String. Times as RFC 3339 in UTC, durations as `1m30s`, bytes as UTF-8 with U+FFFD for what is not, the text of a JSON
    string without quotes, lists and records as JSON."""
    match kind.kind:
        case "string":
            return x
        case "time":
            return x.map_batches(_stamped, return_dtype=_STRING, is_elementwise=True)
        case "duration":
            return map_distinct(x.dt.total_microseconds(), duration_text, _STRING)
        case "bytes":
            return x.map_batches(_decoded, return_dtype=_STRING, is_elementwise=True)
        case "json":
            return pl.when(x != "null").then(_json_text(x))
        case "list" | "record":
            return to_json(x, kind)
        case _:
            return x.cast(_STRING)


def to_duration(x: pl.Expr, kind: Type) -> pl.Expr:
    """Duration("us"). Texts: `10s`, `1m30s`, `250ms`, or a number of seconds; numbers are seconds."""
    match kind.kind:
        case "duration":
            return x
        case "int" | "float":
            micros = (x.cast(_FLOAT) * _SECOND).round().cast(_INT, strict=False)
            if kind.kind == "int":
                micros = pl.when(x.is_between(-(2**63) // _SECOND + 1, 2**63 // _SECOND)).then(x * _SECOND)
        case _:
            micros = map_distinct(to_text(x, kind), microseconds, _INT)
    return micros.cast(pl.Duration("us"))


def to_size(x: pl.Expr, kind: Type) -> pl.Expr:
    """Int64 bytes. Texts: `64MiB`, `10MB`, `1.5K`, `512`; integers stay."""
    return x if kind.kind == "int" else map_distinct(to_text(x, kind), size_bytes, _INT)


# ── JSON ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def to_json(x: pl.Expr, kind: Type) -> pl.Expr:
    """The value as JSON text (String), as outputs write it: nulls are left out of records and stay in lists, durations are
    seconds. Null for null, and for a record without members."""
    if kind.kind == "null":
        return x.cast(_STRING)
    return x.map_batches(Written(kind), return_dtype=_STRING, is_elementwise=True)


@dataclass(frozen=True, slots=True)
class Written:
    """A column of a type to JSON text."""

    kind: Type

    def __call__(self, values: pl.Series) -> pl.Series:
        return text(values, self.kind).rename(values.name)


def _json_text(x: pl.Expr) -> pl.Expr:
    """The text of JSON strings without quotes and escapes; the JSON text of all else."""
    unquoted = map_distinct(pl.when(x.str.starts_with('"')).then(x), _loaded, _STRING)
    return pl.when(x.str.starts_with('"')).then(unquoted).otherwise(x)


def _loaded(written: str) -> str | None:
    try:
        value = json.loads(written)
    except ValueError:
        return None
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else None


def _json_bit(x: pl.Expr) -> pl.Expr:
    return pl.when(x == "true").then(1).when(x == "false").then(0).cast(_INT)


def _finite(x: pl.Expr) -> pl.Expr:
    return pl.when(x.is_finite()).then(x)


def _decoded(values: pl.Series) -> pl.Series:
    return decode(values)[0].rename(values.name)


def _stamped(values: pl.Series) -> pl.Series:
    return rfc3339(values).rename(values.name)
