"""JSON objects in the shapes that servers of logs take: GELF, Loki, Splunk."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import polars as pl

from pipeline.columns.encode.flat import flattened, told, value_of
from pipeline.columns.encode.rows import chosen, rest_of
from pipeline.columns.encode.values import Member, lines, text
from pipeline.columns.lines import decode
from pipeline.columns.types import FLOAT, INT, JSON, REST, STRING, Columns, Type, record

GELF_OWN = ("version", "host", "short_message", "full_message", "message", "level", "timestamp", "@timestamp")
"""Fields and metadata that are no additional fields."""


def gelf_name(name: str) -> str:
    """The name of an additional field: `_`, and `_` for what it cannot have, without the `@` of metadata."""
    plain = re.sub(r"[^A-Za-z0-9_.-]", "_", name.lstrip("@"))
    return plain if plain.startswith("_") else f"_{plain}"


def label_name(name: str) -> str:
    """The name of a label of Prometheus and Loki: `_` for what it cannot have, without the `@` of metadata."""
    return re.sub(r"^(?=[0-9])|[^A-Za-z0-9_]", "_", name.lstrip("@"))


def gelf(frame: pl.DataFrame, columns: Columns, metadata: Sequence[str] = ()) -> bytes:
    """GELF 1.1, an object a line: what is not of GELF itself has `_` before its name."""
    if frame.height == 0:
        return b""
    record_text = decode(frame["@raw"])[0]
    others = [member for member in chosen(frame, columns, metadata) if member.name not in GELF_OWN]
    full = [Member("full_message", value_of(frame, columns, "full_message"), STRING)]
    level = value_of(frame, columns, "level").cast(pl.Int64, strict=False)
    return lines(
        [
            Member("version", pl.Series(["1.1"]).new_from_index(0, frame.height), STRING),
            Member("host", frame["@host"], STRING),
            Member(
                "short_message", value_of(frame, columns, "short_message", "message").fill_null(record_text), STRING
            ),
            *(full if "full_message" in columns.fields else []),
            Member("timestamp", _seconds(frame), FLOAT),
            *([Member("level", level, INT)] if "level" in columns.fields else []),
            *(
                Member(
                    gelf_name(member.name),
                    member.values,
                    member.type,
                )
                for member in flattened(others)
            ),
        ],
        None,
        frame.height,
    )


def loki(frame: pl.DataFrame, labels: Sequence[tuple[str, pl.Series, Type]], line: tuple[pl.Series, Type]) -> bytes:
    """An element of `streams` a line, each with one value."""
    if frame.height == 0:
        return b""
    members = [Member("host", frame["@host"], STRING)]
    members += [Member(name, told(values, kind), STRING) for name, values, kind in labels if name != "host"]
    # Nanoseconds have 64 bits only from 1677 to 2262.
    nanoseconds = frame.select(pl.col("@timestamp").to_physical().cast(pl.Int128) * 1000).to_series().cast(pl.String)
    shown = text(told(*line).fill_null(""), STRING)
    value = '[["' + nanoseconds + '",' + shown + "]]"
    return lines([Member("stream", _object(members, None), JSON), Member("values", value, JSON)], None, frame.height)


def hec(frame: pl.DataFrame, columns: Columns, fixed: Mapping[str, str], metadata: Sequence[str] = ()) -> bytes:
    """An event of Splunk's collector a line; `fixed` are members that are the same in all, `metadata` are indexed fields, which are
    texts."""
    if frame.height == 0:
        return b""
    own = [member for member in chosen(frame, columns) if member.name != "@timestamp"]
    indexed = [
        Member(member.name.lstrip("@"), told(member.values, member.type), STRING)
        for member in chosen(frame, Columns({}), metadata)
        if member.name in metadata
    ]
    source = frame["@path"].fill_null(frame["@source"])
    return lines(
        [
            Member("time", _seconds(frame), FLOAT),
            Member("host", frame["@host"], STRING),
            Member("source", source, STRING),
            *(
                Member(name, pl.Series([value]).new_from_index(0, frame.height), STRING)
                for name, value in fixed.items()
            ),
            Member("event", _object(own, rest_of(frame) if columns.open else None), JSON),
            *([Member("fields", _object(indexed, None), JSON)] if indexed else []),
        ],
        None,
        frame.height,
    )


def _seconds(frame: pl.DataFrame) -> pl.Series:
    million = pl.Series([1e6]).new_from_index(0, frame.height)
    return frame["@timestamp"].to_physical().cast(pl.Float64) / million


def _object(members: Sequence[Member], rest: pl.Series | None) -> pl.Series:
    """Members as the JSON text of an object a row; nulls are left out."""
    held = [member for member in members if member.values.dtype != pl.Null]
    kind = record({member.name: member.type for member in held}, open=rest is not None)
    columns = [member.values.alias(member.name) for member in held]
    if rest is not None:
        columns.append(rest.alias(REST))
    return text(pl.DataFrame(columns).to_struct("o"), kind).fill_null("{}")
