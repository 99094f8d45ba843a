"""Names with values, and headers: logfmt, CEF, syslog."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import polars as pl

from pipeline.columns.encode.flat import fields, flattened, joined, one_line, told, value_of, written
from pipeline.columns.encode.rows import chosen
from pipeline.columns.encode.times import rfc3339
from pipeline.columns.encode.values import text
from pipeline.columns.lines import decode
from pipeline.columns.types import STRING, TIME, Columns


def logfmt_name(name: str) -> str:
    """`_` for what ends a name in logfmt."""
    return re.sub(r'[\0- ="]', "_", name)


def cef_name(name: str) -> str:
    """`_` for what a name in CEF cannot have, without the `@` of metadata."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", name.lstrip("@"))


def logfmt(frame: pl.DataFrame, columns: Columns, metadata: Sequence[str] = ()) -> bytes:
    """`name=value` of all fields; values in quotes where they are empty or have white space, a quote, `=` or `\\` in them."""
    if frame.height == 0:
        return b""
    pieces = []
    for member in fields(frame, columns, metadata):
        plain = told(member.values, member.type)
        odd = plain.str.contains(r'^$|[\x00-\x20"=\\]')
        value = plain.zip_with(~odd, text(plain, STRING)) if odd.any() else plain
        pieces.append(logfmt_name(member.name) + "=" + value)
    return joined(pieces)


def cef(frame: pl.DataFrame, columns: Columns, header: Sequence[str]) -> bytes:
    """`CEF:0|…|extension`; `header` are the names of the fields of the header."""
    if frame.height == 0:
        return b""
    heads = [_head(value_of(frame, columns, name)).alias(name) for name in header]
    rest = [member for member in chosen(frame, columns) if member.name not in (*header, "cefVersion", "@timestamp")]
    pairs = []
    for member in flattened(rest):
        value = told(member.values, member.type).str.replace_many(
            ["\\", "=", "\n", "\r"], ["\\\\", "\\=", "\\n", "\\r"]
        )
        pairs.append(cef_name(member.name) + "=" + value)
    start = pl.DataFrame(heads).select("CEF:0|" + pl.concat_str(pl.all(), separator="|") + "|").to_series()
    extension = (
        pl.DataFrame([pair.alias(str(place)) for place, pair in enumerate(pairs)])
        .select(pl.concat_str(pl.all(), separator=" ", ignore_nulls=True))
        .to_series()
        if pairs
        else pl.Series([""]).new_from_index(0, frame.height)
    )
    return written(start + extension)


def _head(value: pl.Series) -> pl.Series:
    return value.fill_null("").str.replace_many(["\\", "|", "\n", "\r"], ["\\\\", "\\|", " ", " "])


def syslog(
    frame: pl.DataFrame, columns: Columns, facilities: Mapping[str, int], severities: Mapping[str, int]
) -> bytes:
    """RFC 5424, without structured data. What a row has not got is `-`; its message is then the record."""
    if frame.height == 0:
        return b""
    own = frame["timestamp"] if columns.fields.get("timestamp") == TIME else frame["@timestamp"]
    stamp = rfc3339(own)
    parts = pl.DataFrame(
        [
            value_of(frame, columns, "facility").alias("facility"),
            value_of(frame, columns, "severity").alias("severity"),
            stamp.alias("stamp"),
            value_of(frame, columns, "hostname").fill_null(frame["@host"]).alias("hostname"),
            *(value_of(frame, columns, name).alias(name) for name in ("appname", "procid", "msgid")),
            value_of(frame, columns, "message").fill_null(decode(frame["@raw"])[0]).alias("message"),
        ]
    )
    facility = pl.col("facility").replace_strict(facilities, default=1, return_dtype=pl.Int64)
    severity = pl.col("severity").str.to_lowercase().replace_strict(severities, default=6, return_dtype=pl.Int64)
    tokens = [_token(name, size) for name, size in (("hostname", 255), ("appname", 48), ("procid", 128), ("msgid", 32))]
    lines = parts.select(
        pl.format(
            "<{}>1 {} {} {} {} {} - {}",
            facility * 8 + severity,
            pl.col("stamp").fill_null("-"),
            *tokens,
            one_line(pl.col("message").fill_null("")),
        )
    )
    return written(lines.to_series())


def _token(name: str, size: int) -> pl.Expr:
    """A field of the header: printable ASCII of limited length, `-` for nothing."""
    clean = pl.col(name).str.replace_all(r"[^\x21-\x7e]", "_").str.slice(0, size)
    return pl.when(clean.str.len_bytes() > 0).then(clean).otherwise(pl.lit("-"))
