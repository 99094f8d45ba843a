"""Kernels of conversions, for plugins."""

import polars as pl

from pipeline.columns.conversions import (
    digits_to_int,
    to_bool,
    to_duration,
    to_float,
    to_int,
    to_json,
    to_size,
    to_text,
)
from pipeline.columns.jsonwhole import parsed
from pipeline.columns.times import parse
from pipeline.columns.types import STRING, Type, dtype

__all__ = [
    "digits_to_int",
    "from_text",
    "to_bool",
    "to_duration",
    "to_float",
    "to_int",
    "to_json",
    "to_size",
    "to_text",
]


def from_text(x: pl.Expr, kind: Type) -> pl.Expr:
    """Texts (String) as values of a type: int, float, bool, time (ISO 8601), duration, string, bytes or json. Null where a text is none.

    Raises TypeError for other types."""
    match kind.kind:
        case "string":
            return x
        case "int":
            return to_int(x, STRING)
        case "float":
            return to_float(x, STRING)
        case "bool":
            return to_bool(x, STRING)
        case "time":
            return parse(x, "iso8601")
        case "duration":
            return to_duration(x, STRING)
        case "bytes":
            return x.cast(dtype(kind))
        case "json":
            return parsed(x)
    raise TypeError(f"a text cannot be converted to {kind}")
