"""Templates over rows: one text a row, made of literals and values of the event.

What data says must not decide where bytes go: every value is percent-encoded to `[A-Za-z0-9_.=-]`, so that it is one part
of a path and can never leave the template's literal prefix."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol
from urllib.parse import quote_from_bytes

import polars as pl

from pipeline.columns.encode.flat import told
from pipeline.columns.encode.times import rfc3339, strftime
from pipeline.columns.encode.values import text
from pipeline.columns.lines import decode
from pipeline.columns.types import Type

TIME = pl.Datetime("us", "UTC")

LIMIT = 128
"""The most bytes that one value adds to a path."""

NOTHING = "_"
"""What an empty or missing value becomes."""


class Source(Protocol):
    """Where a value comes from: its column in a frame, and its type."""

    def values(self, frame: pl.DataFrame) -> pl.Series: ...

    @property
    def type(self) -> Type: ...


class Slot(Protocol):
    """A place for a value. `format` is strftime's, for times; empty for RFC 3339."""

    @property
    def field(self) -> Source: ...

    @property
    def format(self) -> str: ...


def render(parts: Sequence[str | Slot], frame: pl.DataFrame) -> pl.Series:
    """The text of each row (String, never null). Only distinct values are formatted and encoded."""
    pieces = [part if isinstance(part, str) else _values(part, frame) for part in parts]
    columns = [piece for piece in pieces if isinstance(piece, pl.Series)]
    if all(_constant(column) for column in columns):
        whole = "".join(piece if isinstance(piece, str) else piece[0] for piece in pieces) if frame.height else ""
        return pl.Series([whole], dtype=pl.String).new_from_index(0, frame.height)
    return pl.select(pl.concat_str([pl.lit(piece) for piece in pieces])).to_series()


def plain(parts: Sequence[str | Slot], frame: pl.DataFrame) -> pl.Series:
    """The text of each row (String, never null), with values as they are: for contents, never for paths."""
    pieces = [pl.lit(part) if isinstance(part, str) else pl.lit(_shown(part, frame).fill_null("")) for part in parts]
    pieces.append(pl.lit(pl.Series([""]).new_from_index(0, frame.height)))
    return pl.select(pl.concat_str(pieces)).to_series()


def _shown(slot: Slot, frame: pl.DataFrame) -> pl.Series:
    column, kind = slot.field.values(frame), slot.field.type
    if kind.kind == "time" and slot.format:
        return strftime(column, unit_of(slot.format), slot.format)
    return told(column, kind)


def split(parts: Sequence[str | Slot], frame: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    """The rows of each rendered text, in their order; texts in the order of their first row.

    A row of each combination of values is rendered, not every row, and none where all rows have the same."""
    if frame.height == 0:
        return []
    known = [part if isinstance(part, str) else _shared(part, frame) for part in parts]
    if None not in known:
        return [("".join(text for text in known if text is not None), frame)]
    keys = [
        _key(part, frame) for part, text in zip(parts, known, strict=True) if text is None and not isinstance(part, str)
    ]
    names = [str(place) for place in range(len(keys))]
    combined = pl.DataFrame([key.alias(name) for key, name in zip(keys, names, strict=True)])
    firsts = combined.with_row_index("@row").unique(names, keep="first", maintain_order=True)
    paths = render(parts, frame[firsts["@row"]])
    if paths.n_unique() == 1:
        return [(paths[0], frame)]
    texts = firsts.select(*names, paths.alias("@rendered"))
    rendered = combined.join(texts, on=names, how="left", nulls_equal=True, maintain_order="left")
    groups = frame.with_columns(rendered["@rendered"]).partition_by("@rendered", maintain_order=True, include_key=True)
    return [(group["@rendered"][0], group.drop("@rendered")) for group in groups]


def _shared(slot: Slot, frame: pl.DataFrame) -> str | None:
    """The text that a slot has in all rows; None where it may differ."""
    column = slot.field.values(frame)
    if slot.field.type.kind == "time" and slot.format:
        unit, micros = unit_of(slot.format), column.cast(pl.Int64)
        low, high = micros.min(), micros.max()
        if column.null_count() or not isinstance(low, int) or not isinstance(high, int) or low // unit != high // unit:
            return None
        return _formatted(low // unit, unit, slot.format)
    if slot.field.type.kind != "string":
        return _values(slot, frame.head(1))[0] if _constant(column) else None
    first = column[0]
    same = column.null_count() == column.len() if first is None else bool((column == first).all(ignore_nulls=False))
    return safe(first) if same else None


@lru_cache(maxsize=1024)
def _formatted(units: int, unit: int, pattern: str) -> str:
    return str(strftime(pl.Series([units * unit]).cast(TIME), unit, pattern).fill_null(NOTHING)[0])


def _key(slot: Slot, frame: pl.DataFrame) -> pl.Series:
    """What a slot's text depends on: rows that have the same have the same text."""
    column = slot.field.values(frame)
    kind = slot.field.type
    if kind.kind == "time":
        return column.to_physical() // (unit_of(slot.format) if slot.format else 1)
    return column if kind.kind in ("string", "bytes", "json", "int", "bool") else _text(column, kind)


def safe(value: str | None) -> str:
    """A value as one part of a path: other bytes than `[A-Za-z0-9_.=-]` as `%XX`, at most LIMIT bytes, never empty, never
    only dots. A value that is too long is cut and ends in 16 hex digits of its hash, so that it stays apart from others."""
    if not value:
        return NOTHING
    encoded = quote_from_bytes(value.encode("utf-8", "replace"), safe="=").replace("~", "%7E")
    if not encoded.strip("."):
        encoded = "%2E" * len(encoded)
    if len(encoded) <= LIMIT:
        return encoded
    digest = hashlib.blake2b(value.encode("utf-8", "replace"), digest_size=8).hexdigest()
    return re.sub(r"%.?$", "", encoded[: LIMIT - 17]) + "-" + digest


def _constant(column: pl.Series) -> bool:
    return column.len() == 0 or (column.null_count() == 0 and bool(column.min() == column.max()))


def _values(slot: Slot, frame: pl.DataFrame) -> pl.Series:
    """A slot's text for each row, safe to be one part of a path (several for a time format with slashes)."""
    column = slot.field.values(frame)
    if slot.field.type.kind == "time" and slot.format:
        return strftime(column, unit_of(slot.format), slot.format).fill_null(NOTHING)
    texts = _text(column, slot.field.type)
    distinct = texts.unique()
    spoken = [_spoken(value) for value in distinct] if slot.field.type.kind == "json" else distinct
    rendered = pl.Series([safe(value) for value in spoken], dtype=pl.String)
    if distinct.len() == 1:
        return rendered.new_from_index(0, frame.height)
    return texts.replace_strict(distinct, rendered, return_dtype=pl.String)


def _spoken(value: str | None) -> str | None:
    """A JSON string without its quotes and escapes; other JSON as it is, null as nothing."""
    if value is None or value == "null":
        return None
    return str(json.loads(value)) if value.startswith('"') else value


def _text(column: pl.Series, kind: Type) -> pl.Series:
    match kind.kind:
        case "string":
            return column
        case "bytes":
            return decode(column)[0]
        case "time":
            return rfc3339(column)
        case _:
            return text(column, kind) if kind.kind != "null" else column.cast(pl.String)


_SECOND = 1_000_000
_UNITS = {
    letter: unit
    for letters, unit in (
        ("YymbBhdejDFxuwaAGgVUWCq", 86_400 * _SECOND),
        ("HIklpP", 3_600 * _SECOND),
        ("MR", 60 * _SECOND),
        ("STXrcs", _SECOND),
        ("Zz%tn", 86_400 * _SECOND),
    )
    for letter in letters
}
_DIRECTIVE = re.compile(r"%[-_0]?:*([0-9.]*[A-Za-z%+])", re.DOTALL)


def unit_of(pattern: str) -> int:
    """The longest unit (µs; at most a day) whose passing a strftime pattern may show. What is not known counts as 1 µs."""
    letters = _DIRECTIVE.findall(pattern)
    return min((_UNITS.get(letter, 1) for letter in letters), default=86_400 * _SECOND)
