"""Batches out of plain Python, and plain Python out of batches: for tests of filters and outputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from pipeline.api import REST, Batch, Columns, Type, dtype, lines
from pipeline.columns.batch import stamp
from pipeline.testing.life import EPOCH

Row = dict[str, Any]


def batch(
    *events: Mapping[str, Any] | str | bytes,
    types: Mapping[str, Type] | None = None,
    partition: str = "p",
    start: int = 0,
    now: int = EPOCH,
) -> Batch:
    """A batch as a filter gets it: a row for each event.

    An event is the fields of a row, or a line (the row then has no fields). A field has the type of `types`, or the one that its
    values show; what a row lacks is null. `@raw` is the line, or `line N`; rows are numbered from `start`."""
    raw = [_raw(event, number) for number, event in enumerate(events, start)]
    offsets = pl.Series(range(start, start + len(events)), dtype=pl.Int64)
    made = lines(raw, offsets, partition=partition, start=start, end=start + len(events), path="/var/log/test")
    made = stamp(made, source="source", host="host", now=now)
    rows = [event if isinstance(event, Mapping) else {} for event in events]
    names = dict.fromkeys([*(types or {}), *(name for row in rows for name in row)])
    known = {name: dtype(kind) for name, kind in (types or {}).items()}
    columns = [
        pl.Series(name, [row.get(name) for row in rows], dtype=known.get(name), strict=True)
        for name in names
        if not name.startswith("@")
    ]
    metadata = [
        pl.Series(name, [row.get(name) for row in rows], dtype=made.frame.schema[name])
        for name in names
        if name.startswith("@")
    ]
    return made.with_columns(*metadata, *columns)


def columns_of(made: Batch) -> Columns:
    """What `schema` would be given for this batch."""
    known = made.frame.schema
    fields = {name: _type(kind) for name, kind in known.items() if not name.startswith("@")}
    return Columns(fields, open=REST in known)


def events(made: Batch) -> list[Row]:
    """The fields of each row; metadata is left out."""
    return made.frame.select(name for name in made.frame.columns if not name.startswith("@")).to_dicts()


def rejected(made: Batch) -> list[tuple[bytes, str, str | None, str | None]]:
    """(`@raw`, reason, field, detail) of each rejected row."""
    rows: Iterable[Row] = (row for frame in made.rejected for row in frame.to_dicts())
    return [(row["@raw"], row["@error"]["reason"], row["@error"]["field"], row["@error"]["detail"]) for row in rows]


def _raw(event: object, number: int) -> bytes:
    if isinstance(event, bytes):
        return event
    return event.encode() if isinstance(event, str) else b"line %d" % number


def _type(kind: pl.DataType) -> Type:
    match kind:
        case pl.List():
            return Type("list", item=_type(_made(kind.inner)))
        case pl.Struct():
            return Type("record", fields=tuple((field.name, _type(_made(field.dtype))) for field in kind.fields))
        case _:
            return Type(_KINDS[kind.base_type()])


def _made(kind: object) -> pl.DataType:
    return kind if isinstance(kind, pl.DataType) else kind()  # type: ignore[operator]


_KINDS: Mapping[type[pl.DataType] | Any, Any] = {
    pl.Int64: "int",
    pl.Float64: "float",
    pl.Boolean: "bool",
    pl.Datetime: "time",
    pl.Duration: "duration",
    pl.String: "string",
    pl.Binary: "bytes",
    pl.Null: "null",
}
