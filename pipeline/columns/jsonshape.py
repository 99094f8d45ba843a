"""Flat JSON objects that look alike: read by columns.

A shape is all of an object's text but its values. One regular expression, in linear time, finds the values of every row
that has it: twenty times as fast as a parser in Python. Rows of another shape do not match and are left to the parser."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import polars as pl

from pipeline.columns.jsonscan import Spot, members, one_line, scan
from pipeline.columns.jsonvalue import Wanted
from pipeline.columns.types import REST, Type, dtype

MOST = 64
"""Members of the largest shape."""

_ESCAPED = r'\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})'
_STRING = rf'"(?:[^"\\\x00-\x1f]|{_ESCAPED})*"'
_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_SCALAR = rf"({_STRING}|{_NUMBER}|true|false|null)"


@dataclass(frozen=True, slots=True)
class Shape:
    """`names` of the members in order, each with its text up to the value, and a pattern with a group for each value."""

    names: tuple[str, ...]
    keys: tuple[str, ...]
    pattern: str

    def read(self, texts: pl.Series, fields: Mapping[str, Type]) -> tuple[pl.Series, pl.DataFrame]:
        """Which rows have this shape (Boolean), and for those a column for each field and REST."""
        groups = texts.alias("text").to_frame().select(pl.col("text").str.extract_groups(self.pattern)).to_series()
        values = groups.struct.unnest()
        matched = values.get_column("1").is_not_null()
        values = values.filter(matched)
        found = dict(zip(self.names, values.get_columns(), strict=True))
        columns = [
            _convert(found[name], kind).alias(name)
            if name in found
            else pl.Series(name, [None], dtype=dtype(kind)).new_from_index(0, values.height)
            for name, kind in fields.items()
        ]
        return matched, pl.DataFrame([*columns, self._rest(found, fields, values.height)])

    def _rest(self, found: Mapping[str, pl.Series], fields: Mapping[str, Type], height: int) -> pl.Series:
        left = [(key, found[name]) for name, key in zip(self.names, self.keys, strict=True) if name not in fields]
        if not left:
            return pl.Series(REST, [None], dtype=pl.String).new_from_index(0, height)
        pieces = [pl.lit("{")]
        for place, (key, values) in enumerate(left):
            pieces += [pl.lit(f",{key}" if place else key), pl.lit(values)]
        return pl.select(pl.concat_str([*pieces, pl.lit("}")]).alias(REST)).to_series()


def shape_of(text: str | None) -> Shape | None:
    """The shape of a flat object; None for other texts, for names with escapes or `@`, and for names that are there twice."""
    try:
        if not text or text[0] != "{":
            return None
        found, end = members(text, 0)
    except (ValueError, StopIteration, IndexError, RecursionError):
        return None
    spots = list(found.values())
    if not 0 < len(spots) <= MOST or end != len(text):
        return None
    if any(isinstance(spot.value, (dict, list)) or text[spot.key + 1] == "@" for spot in spots):
        return None
    keys = [text[spot.key : spot.begin] for spot in spots]
    opening, closing = text[: spots[0].key], text[spots[-1].end :]
    between = [text[one.end : other.key] for one, other in pairwise(spots)]
    if (
        opening.strip(" \t\r\n") != "{"
        or any("\\" in key for key in keys)
        or any(gap.strip(" \t\r\n") != "," for gap in between)
    ):
        return None
    parts = [_literal(opening + keys[0]), _SCALAR]
    for gap, key in zip(between, keys[1:], strict=True):
        parts += [_literal(gap + key), _SCALAR]
    pattern = "".join(["^", *parts, _literal(closing), "$"])
    return Shape(tuple(found), tuple(one_line(key) for key in keys), pattern)


def _literal(text: str) -> str:
    return "".join(char if char.isalnum() or char in '_,:" ' else f"\\x{{{ord(char):x}}}" for char in text)


def _convert(texts: pl.Series, kind: Type) -> pl.Series:
    """JSON scalars (String) to a column. What the columnar way cannot decide is converted one by one."""
    match kind.kind:
        case "string":
            quoted = texts.str.starts_with('"')
            inner = texts.str.slice(1).str.strip_suffix('"').set(~quoted, None)
            return _patched(inner, texts, quoted & texts.str.contains("\\", literal=True), kind)
        case "int":
            numbers = texts.cast(pl.Int64, strict=False)
            return _patched(numbers, texts, numbers.is_null() & texts.str.contains("^-?[0-9]"), kind)
        case "float":
            reals = texts.cast(pl.Float64, strict=False)
            return reals.set(~reals.is_finite(), None)
        case "bool":
            return (texts == "true").set(~texts.is_in(["true", "false"]), None)
        case "json":
            return texts.set(texts == "null", None)
        case _:
            everything = pl.Series([True]).new_from_index(0, texts.len())
            nothing = pl.Series([None], dtype=dtype(kind)).new_from_index(0, texts.len())
            return _patched(nothing, texts, everything, kind)


def _patched(values: pl.Series, texts: pl.Series, doubtful: pl.Series, kind: Type) -> pl.Series:
    """`values` with those of `doubtful` rows converted one by one."""
    if not doubtful.any():
        return values
    wanted = Wanted.of({"value": kind})
    exact = [wanted.one(text, Spot(scan(text, 0)[0], 0, 0, len(text))) for text in texts.filter(doubtful)]
    column = values.to_list()
    for place, value in zip(doubtful.arg_true(), exact, strict=True):
        column[place] = value
    return pl.Series(column, dtype=values.dtype)
