"""Which columns of a frame are written, in which order, with which types."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pipeline.columns.batch import RID
from pipeline.columns.encode.values import Member
from pipeline.columns.types import BYTES, METADATA, REST, STRING, Columns, Type, dtype

TIMESTAMP = "@timestamp"


def chosen(frame: pl.DataFrame, columns: Columns, metadata: Sequence[str] = ()) -> list[Member]:
    """`@timestamp`, the metadata asked for, then the event's fields; what the frame has not got is null.

    Rows that a filter could not process have no fields: where the frame has `@error`, that and their `@raw` are written
    although nobody asked. The same is true of `@raw` where events have no fields at all, since nothing parsed them."""
    names = list(dict.fromkeys([TIMESTAMP, *metadata]))
    members = [Member(name, _values(frame, name, METADATA[name]), METADATA[name]) for name in names]
    if "@raw" not in names and "@error" in frame.columns:
        failed = frame.select(pl.when(pl.col("@error").struct.field("reason").is_not_null()).then("@raw")).to_series()
        members.append(Member("@raw", failed, BYTES))
    elif "@raw" not in names and not columns.fields and not columns.open:
        members.append(Member("@raw", frame["@raw"], BYTES))
    if "@error" in frame.columns and "@error" not in (*names, *columns.fields):
        members.append(Member("@error", frame["@error"], METADATA["@error"]))
    fields = [(name, kind) for name, kind in columns.fields.items() if name not in names]
    return [*members, *(Member(name, _values(frame, name, kind), kind) for name, kind in fields)]


def rest_of(frame: pl.DataFrame) -> pl.Series:
    """An open record's other members (String); null where the frame has none."""
    return _values(frame, REST, STRING)


def _values(frame: pl.DataFrame, name: str, kind: Type) -> pl.Series:
    """A column; null where no row of the frame has it, as when rows of only one of several upstreams are there."""
    if name in frame.columns:
        return frame[name]
    if name == "@rid":
        return frame.select(RID).to_series()
    return pl.Series(name, [None], dtype=dtype(kind)).new_from_index(0, frame.height)
