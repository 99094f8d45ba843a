"""Comma-separated values, RFC 4180: CRLF after every row, quotes where needed, a quote doubled.

Rows may be concatenated, so the header is apart."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pipeline.columns.encode.rows import chosen, rest_of
from pipeline.columns.encode.times import rfc3339, seconds
from pipeline.columns.encode.values import Member, text
from pipeline.columns.lines import decode
from pipeline.columns.types import REST, STRING, Columns


def csv(frame: pl.DataFrame, columns: Columns, metadata: Sequence[str] = ()) -> bytes:
    """One line a row, in the order of `header`. Null is nothing, an empty string is `""`; times are RFC 3339, durations
    seconds; records, lists and an open record's other members are JSON text."""
    if frame.height == 0:
        return b""
    cells = [_cell(member).alias(str(place)) for place, member in enumerate(_members(frame, columns, metadata))]
    return pl.DataFrame(cells).write_csv(include_header=False, line_terminator="\r\n").encode()


def header(columns: Columns, metadata: Sequence[str] = ()) -> bytes:
    """The line with the columns' names. `@timestamp` is first, then the metadata asked for, then the fields."""
    names = ["@timestamp", *(name for name in metadata if name != "@timestamp"), *columns.fields]
    empty = pl.DataFrame({name: [] for name in [*names, *([REST] if columns.open else [])]})
    return empty.write_csv(line_terminator="\r\n").encode()


def _members(frame: pl.DataFrame, columns: Columns, metadata: Sequence[str]) -> list[Member]:
    wanted = {"@timestamp", *metadata, *columns.fields}
    named = [member for member in chosen(frame, columns, metadata) if member.name in wanted]
    return [*named, Member(REST, rest_of(frame), STRING)] if columns.open else named


def _cell(member: Member) -> pl.Series:
    values = member.values
    match member.type.kind:
        case "record" | "list":
            return text(values, member.type)
        case "bytes":
            return decode(values)[0]
        case "time":
            return rfc3339(values)
        case "duration":
            return seconds(values)
        case "null":
            return pl.Series([None], dtype=pl.String).new_from_index(0, values.len())
        case _:
            return values
