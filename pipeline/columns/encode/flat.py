"""Rows as flat names with values, for formats without nesting."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pipeline.columns.conversions import to_text
from pipeline.columns.encode.rows import chosen
from pipeline.columns.encode.values import Member
from pipeline.columns.types import REST, STRING, Columns, Type


def flattened(members: Sequence[Member]) -> list[Member]:
    """Members of records in place of the records, with their path as their name; other members of open ones are left out."""
    found: list[Member] = []
    for member in members:
        if member.type.kind == "record" and member.values.dtype != pl.Null:
            inner = member.values.struct.unnest()
            named = [Member(f"{member.name}.{name}", inner[name], kind) for name, kind in member.type.fields]
            found += flattened([one for one in named if not one.name.endswith(REST)])
        else:
            found.append(member)
    return found


def paths(columns: Columns) -> list[str]:
    """The names that `flattened` gives fields of these types."""
    found: list[str] = []
    for name, kind in columns.fields.items():
        inner = paths(Columns(dict(kind.fields))) if kind.kind == "record" else None
        found += [name] if inner is None else [f"{name}.{path}" for path in inner]
    return found


def told(values: pl.Series, kind: Type) -> pl.Series:
    """Values as text (String), as expressions make it; null stays null."""
    if kind == STRING or values.dtype == pl.Null:
        return values.cast(pl.String)
    return values.alias("v").to_frame().select(to_text(pl.col("v"), kind)).to_series()


def one_line(text: pl.Expr) -> pl.Expr:
    """Spaces for line breaks."""
    return text.str.replace_many(["\n", "\r"], [" ", " "])


def value_of(frame: pl.DataFrame, columns: Columns, *names: str) -> pl.Series:
    """The first of these fields that a row has, as text; null where it has none."""
    found = [told(frame[name], kind) for name in names if (kind := columns.fields.get(name)) and name in frame.columns]
    if not found:
        return pl.Series([None], dtype=pl.String).new_from_index(0, frame.height)
    return pl.select(pl.coalesce(found)).to_series()


def joined(pieces: Sequence[pl.Series]) -> bytes:
    """A line a row: the pieces of the row that are not null, with a space between."""
    frame = pl.DataFrame([piece.alias(str(place)) for place, piece in enumerate(pieces)])
    return written(frame.select(pl.concat_str(pl.all(), separator=" ", ignore_nulls=True)).to_series())


def written(lines: pl.Series) -> bytes:
    """A line a row; line breaks in it are spaces, null is an empty line."""
    whole = lines.alias("l").to_frame().select((one_line(pl.col("l").fill_null("")) + "\n").str.join(""))
    return str(whole.item() or "").encode()


def fields(frame: pl.DataFrame, columns: Columns, metadata: Sequence[str] = ()) -> list[Member]:
    """What an event has, flat; `@timestamp` first."""
    return flattened(chosen(frame, columns, metadata))
