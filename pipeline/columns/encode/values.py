"""Columns to JSON text: one value, or an object, a row.

The native kernel writes one row after the other; its twin is here. Strings, numbers and what can be turned into them are *plain*: Polars' own serialiser writes and escapes them, many
columns in one pass. Records, JSON text and lists of these are *text*: written by us and spliced in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from pipeline.columns.boundary import carrier
from pipeline.columns.encode.times import rfc3339, seconds
from pipeline.columns.jsonscan import drop
from pipeline.columns.lines import decode
from pipeline.columns.native import kernels
from pipeline.columns.types import NULL, REST, Type


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an object: its key, its values (a column), their type."""

    name: str
    values: pl.Series
    type: Type


def lines(columns: Sequence[Member], rest: pl.Series | None, height: int) -> bytes:
    """An object and a newline a row. Nulls are left out.

    `rest`: String, JSON objects whose members follow; those that `columns` name are dropped from it."""
    if kernels is None or not columns:
        return lines_twin(columns, rest, height)
    typed = [(member.name, NULL if member.values.dtype == pl.Null else member.type) for member in columns]
    if not all(_held(member.values, kind) for member, (_, kind) in zip(columns, typed, strict=True)):
        return lines_twin(columns, rest, height)
    values = [member.values.alias(str(place)) for place, member in enumerate(columns)]
    frame = pl.DataFrame(values if rest is None else [*values, rest.alias(REST)])
    return kernels.json_lines(frame, typed)


def lines_twin(columns: Sequence[Member], rest: pl.Series | None, height: int) -> bytes:
    """`lines` without the native kernel."""
    body = members(columns, rest, height).alias("body").to_frame()
    return str(body.select(pl.concat_str(pl.lit("{"), "body", pl.lit("}\n")).str.join("")).item()).encode()


def members(columns: Sequence[Member], rest: pl.Series | None, height: int) -> pl.Series:
    """The members of an object without its braces: `"a":1,"b":"x"`; `""` when there are none. Nulls are left out.

    `rest`: String, JSON objects whose members follow; those that `columns` name are dropped from it."""
    pieces: list[pl.Series] = []
    run: list[pl.Series] = []
    for member in columns:
        if member.type.kind == "null" or member.values.null_count() == height:
            continue
        if _plain(member.type):
            values = _native(member.values, member.type).alias(member.name)
            if values.null_count() == 0:
                run.append(values)
                continue
            piece = _braceless(values.to_frame()).set(values.is_null(), None)
        else:
            piece = _key(member.name) + text_twin(member.values, member.type)
        if run:
            pieces.append(_braceless(pl.DataFrame({values.name: values for values in run})))
            run = []
        pieces.append(piece)
    if run:
        pieces.append(_braceless(pl.DataFrame({values.name: values for values in run})))
    if rest is not None and rest.null_count() < height:
        inner = _without(rest, [member.name for member in columns]).str.slice(1).str.strip_suffix("}")
        pieces.append(inner.set(inner == "", None))
    if not pieces:
        return pl.Series([""], dtype=pl.String).new_from_index(0, height)
    frame = pl.DataFrame([piece.alias(str(place)) for place, piece in enumerate(pieces)])
    return frame.select(pl.concat_str(pl.all(), separator=",", ignore_nulls=True)).to_series()


def text(values: pl.Series, kind: Type) -> pl.Series:
    """Values to JSON text (String); null stays null, and a record without members is null."""
    if kernels is None or not _held(values, kind):
        return text_twin(values, kind)
    return pl.DataFrame(kernels.json_texts(values.alias("").to_frame(), kind)).to_series()


def _held(values: pl.Series, kind: Type) -> bool:
    """Whether the native kernel takes the values."""
    held = carrier(kind)
    return held is not None and values.dtype == held


def text_twin(values: pl.Series, kind: Type) -> pl.Series:
    """`text` without the native kernel."""
    if _plain(kind):
        native = _native(values, kind)
        return (
            (
                native.alias("v")
                .to_frame()
                .select(pl.struct("v").struct.json_encode().str.slice(5).str.strip_suffix("}"))
            )
            .to_series()
            .set(native.is_null(), None)
        )
    match kind.kind:
        case "record":
            frame = values.struct.unnest()
            fields = [Member(name, frame[name], inner) for name, inner in kind.fields]
            body = members(fields, frame[REST] if kind.open else None, values.len())
            return ("{" + body + "}").set(body == "", None)
        case "list":
            return _list(values, kind.item or NULL)
        case _:  # JSON text; line breaks can only be white space in it
            return values.str.replace_all("\n", " ", literal=True).str.replace_all("\r", " ", literal=True)


def _list(values: pl.Series, item: Type) -> pl.Series:
    frame = pl.DataFrame({"row": pl.int_range(values.len(), eager=True), "values": values})
    filled = frame.filter(pl.col("values").list.len() > 0).explode("values")
    inner = filled["values"]
    items = text_twin(inner, item)
    empty = pl.Series(["{}" if item.kind == "record" else "null"]).new_from_index(0, inner.len())
    items = items.zip_with(items.is_not_null(), empty.set(inner.is_null(), "null"))
    joined = (
        filled.select("row", items.alias("items"))
        .group_by("row", maintain_order=True)
        .agg(pl.col("items").str.join(","))
    )
    texts = frame.join(joined, on="row", how="left", maintain_order="left")
    body = pl.concat_str(pl.lit("["), pl.col("items").fill_null(""), pl.lit("]"))
    return texts.select(pl.when(pl.col("values").is_not_null()).then(body)).to_series()


def _plain(kind: Type) -> bool:
    if kind.kind == "list":
        return _plain(kind.item or NULL)
    return kind.kind not in ("record", "json")


def _native(values: pl.Series, kind: Type) -> pl.Series:
    """Values in a dtype that Polars' serialiser writes as we want it."""
    match kind.kind:
        case "float":
            finite = values.is_finite()
            return values if finite.all() else values.set(~finite, None)
        case "bytes":
            return decode(values)[0]
        case "time":
            return rfc3339(values)
        case "duration":
            return seconds(values)
        case "list" if kind.item is not None and kind.item.kind in ("float", "bytes", "time", "duration", "list"):
            return _relist(values, kind.item)
        case _:
            return values


def _relist(values: pl.Series, item: Type) -> pl.Series:
    """A list column with its items made native."""
    frame = pl.DataFrame({"row": pl.int_range(values.len(), eager=True), "values": values})
    filled = frame.filter(pl.col("values").list.len() > 0).explode("values")
    native = _native(filled["values"], item)
    lists = filled.select("row", native.alias("items")).group_by("row", maintain_order=True).agg("items")
    joined = frame.join(lists, on="row", how="left", maintain_order="left")
    empty = pl.lit(pl.Series([[]], dtype=pl.List(native.dtype)))
    whole = pl.when(pl.col("values").is_not_null()).then(pl.col("items").fill_null(empty))
    return joined.select(whole).to_series()


def _braceless(frame: pl.DataFrame) -> pl.Series:
    encoded = pl.struct(pl.all()).struct.json_encode()
    return frame.select(encoded.str.slice(1).str.strip_suffix("}")).to_series()


def _key(name: str) -> str:
    return json.dumps(name, ensure_ascii=False) + ":"


def _without(rest: pl.Series, names: Sequence[str]) -> pl.Series:
    """`rest` with the members of these names dropped. Keys are written in their shortest form there, so a search for the
    quoted name finds every row that may need it; only those are parsed."""
    keys = [json.dumps(name, ensure_ascii=False) for name in names]
    if not keys:
        return rest
    suspects = rest.str.contains_any(keys).fill_null(value=False)
    if not suspects.any():
        return rest
    places = suspects.arg_true()
    return rest.clone().scatter(places, [drop(rest[place], names) for place in places])
