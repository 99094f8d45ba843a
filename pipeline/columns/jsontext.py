"""JSON records to columns: the members that somebody names with their types, everything else as the text it was.

The native kernel reads one record after the other. Its twin is here: logs are written by programs, so that most rows have
the shape of the row before, and those are read by columns (`jsonshape`); the others one by one, in Python.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import polars as pl

from pipeline.columns.boundary import carrier
from pipeline.columns.jsonscan import Spot, after_space, depth, members, mistake, scan, spliced, written
from pipeline.columns.jsonshape import shape_of
from pipeline.columns.jsonvalue import Wanted, moment
from pipeline.columns.native import kernels
from pipeline.columns.types import REST, Columns, Type, dtype, record

DEPTH = 64
"""How deep objects and arrays may nest."""

FIELDS = "fields"
"""Where members of the data go whose names begin with `@`."""

SHAPES, FEW = 4, 64
"""Shapes that are looked for in a batch, and rows that are too few to look for one."""

NOT_JSON, TOO_DEEP = "not_json", "too_deep"


class Extracted(NamedTuple):
    """`columns`: a column for each named member, of its type's dtype. `rest`: String, the other members as a JSON object,
    null when there are none. `reason`, `detail`: String, why a row is not a JSON object; null for rows that are."""

    columns: pl.DataFrame
    rest: pl.Series
    reason: pl.Series
    detail: pl.Series


def tree(fields: Mapping[tuple[str, ...], Type]) -> Mapping[str, Type]:
    """Paths with their types to types of top-level members: parents become open records. A parent that is itself
    named as a record keeps its members; a deeper path wins over any other type of its parent."""
    types = Columns({})
    for path in sorted(fields, key=len):
        for size in range(1, len(path)):
            parent = types.get(path[:size])
            if parent is None or parent.kind != "record" or not parent.open:
                known = dict(parent.fields) if parent is not None else {}
                types = types.with_field(path[:size], record(known, open=True))
        types = types.with_field(path, fields[path])
    return types.fields


def extract(texts: pl.Series, fields: Mapping[str, Type]) -> Extracted:
    """Take members out of JSON objects (String). A value that is not of its member's type is null.

    Of duplicate keys the last wins. Members whose names begin with `@` move into the member `fields`. A row is refused
    when it is null, has a syntax error, NaN or an infinity, is no object, or nests deeper than DEPTH."""
    if kernels is None or carrier(record(fields, open=True)) is None:
        return extract_twin(texts, fields)
    found = pl.DataFrame(kernels.json_members(texts.alias("").to_frame(), list(fields.items()), _micros))
    rest, reason, detail = found.get_columns()[len(fields) :]
    return Extracted(found.select(*fields), rest.rename(""), reason.rename(""), detail.rename(""))


def _micros(text: str) -> int | None:
    time = moment(text)
    return None if time is None else (time - _EPOCH) // timedelta(microseconds=1)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def extract_twin(texts: pl.Series, fields: Mapping[str, Type]) -> Extracted:
    """`extract` without the native kernel. Rows of a shape that repeats are read by columns; the others one by one."""
    parts: list[pl.DataFrame] = []
    waiting = pl.DataFrame({_PLACE: pl.int_range(texts.len(), eager=True), _TEXT: texts})
    for _ in range(SHAPES):
        if waiting.height < FEW:
            break
        shape = shape_of(waiting[0, _TEXT]) or shape_of(waiting[waiting.height // 2, _TEXT])
        if shape is None:
            break
        matched, found = shape.read(waiting[_TEXT], fields)
        if not matched.any():
            break
        parts.append(found.with_columns(waiting[_PLACE].filter(matched)))
        waiting = waiting.filter(~matched)
    if waiting.height or not parts:
        parts.append(_each(waiting[_TEXT], fields).with_columns(waiting[_PLACE]))
    whole = parts[0] if len(parts) == 1 else pl.concat(parts, how="diagonal").sort(_PLACE)
    nothing = pl.lit(None, dtype=pl.String)
    whole = whole.with_columns(nothing.alias(name) for name in (_REASON, _DETAIL) if name not in whole.columns)
    return Extracted(
        whole.select(*fields),
        whole[REST].rename(""),
        whole[_REASON].rename(""),
        whole[_DETAIL].rename(""),
    )


_PLACE, _TEXT, _REASON, _DETAIL = "@place", "@text", "@reason", "@detail"


def _each(texts: pl.Series, fields: Mapping[str, Type]) -> pl.DataFrame:
    """Every row on its own: a column for each field, REST, and why a row is refused."""
    wanted = Wanted.of(fields)
    columns: dict[str, list[object]] = {name: [] for name in fields}
    appends = [(name, values.append) for name, values in columns.items()]
    rest: list[str | None] = []
    reasons: list[str | None] = []
    details: list[str | None] = []
    for text in texts:
        reason: str | None = None
        detail: str | None = None
        try:
            taken, other = _record(text, wanted)
        except _Refusal as refusal:
            taken, other, reason, detail = {}, None, refusal.reason, str(refusal)
        for name, append in appends:
            append(taken.get(name))
        rest.append(other)
        reasons.append(reason)
        details.append(detail)
    told = {REST: rest, _REASON: reasons, _DETAIL: details}
    return pl.DataFrame(
        [
            *(pl.Series(name, columns[name], dtype=dtype(kind)) for name, kind in fields.items()),
            *(pl.Series(name, values, dtype=pl.String) for name, values in told.items()),
        ]
    )


def merged(first: pl.Series, second: pl.Series) -> pl.Series:
    """Two columns of objects (String) as one; of members with the same name those of `second` win. Null is no members."""
    if kernels is None:
        return merged_twin(first, second)
    found = kernels.json_merged(pl.DataFrame([first.alias("first"), second.alias("second")]))
    return pl.DataFrame(found).to_series().rename(first.name)


def merged_twin(first: pl.Series, second: pl.Series) -> pl.Series:
    """`merged` without the native kernel."""
    texts = [_merged(one, two) for one, two in zip(first, second, strict=True)]
    return pl.Series(first.name, texts, dtype=pl.String)


def _merged(first: str | None, second: str | None) -> str | None:
    if first is None or second is None:
        return second if first is None else first
    found = [(text, members(text, 0)[0]) for text in (first, second)]
    return written({name: text[spot.begin : spot.end] for text, spots in found for name, spot in spots.items()})


class _Refusal(Exception):
    def __init__(self, message: str, reason: str = NOT_JSON) -> None:
        super().__init__(message)
        self.reason = reason


def _record(text: str | None, wanted: Wanted) -> tuple[Mapping[str, object], str | None]:
    """The named members of one record, converted, and the text of the others. Raises _Refusal."""
    if not text:
        raise _Refusal("an empty record")
    if text.count("{") + text.count("[") > DEPTH and depth(text) > DEPTH:
        raise _Refusal(f"objects and arrays nest deeper than {DEPTH}", TOO_DEEP)
    begin = 0 if text[0] == "{" else after_space(text, 0)
    try:
        if text[begin] != "{":
            scan(text, begin)
            raise _Refusal("JSON, but not an object")
        found, end = members(text, begin)
    except (ValueError, StopIteration, IndexError) as error:
        raise _Refusal(mistake(error, text)) from None
    if end != len(text) and after_space(text, end) != len(text):
        raise _Refusal(f"more text after the object, from character {end}")
    if any(name.startswith("@") for name in found):
        return _record(_moved(text, found), wanted)
    taken = wanted.take(text, found)
    return taken, spliced(text, found)


def _moved(text: str, found: Mapping[str, Spot]) -> str:
    """The record with its `@…` members moved into `fields`; a member `fields` that is no object goes there too."""
    texts = {name: text[spot.begin : spot.end] for name, spot in found.items()}
    inside = {name: value for name, value in texts.items() if name.startswith("@")}
    outside = {name: value for name, value in texts.items() if name not in inside}
    if FIELDS in outside and isinstance(found[FIELDS].value, dict):
        inner, _ = members(text, found[FIELDS].begin)
        inside = {name: text[spot.begin : spot.end] for name, spot in inner.items()} | inside
    elif FIELDS in outside:
        inside = {FIELDS: outside[FIELDS]} | inside
    return written(outside | {FIELDS: written(inside)})
