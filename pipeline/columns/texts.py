"""Texts: searching, cutting and encoding. Positions are code points. Inputs are String columns; null stays null."""

from __future__ import annotations

import polars as pl


def trim(x: pl.Expr, characters: str | None = None) -> pl.Expr:
    """The text without these characters at both ends; white space by default."""
    return x.str.strip_chars(characters)


def index_of(x: pl.Expr, part: str) -> pl.Expr:
    """The position of the first occurrence (Int64, from 0); null where there is none."""
    before = x.str.splitn(part, 2).struct.field("field_0") if part else pl.when(x.is_not_null()).then(pl.lit(""))
    return pl.when(x.str.contains(part, literal=True)).then(before.str.len_chars()).cast(pl.Int64)


def truncate(x: pl.Expr, length: int, suffix: str = "") -> pl.Expr:
    """At most `length` characters, of which `suffix` takes the last ones where the text was cut.

    Raises TypeError if the suffix does not fit."""
    if length < len(suffix):
        raise TypeError(f"a text of {length} characters has no room for the suffix {suffix!r}")
    return pl.when(x.str.len_chars() > length).then(x.str.head(length - len(suffix)) + suffix).otherwise(x)


def substring(x: pl.Expr, start: pl.Expr, length: pl.Expr | None = None) -> pl.Expr:
    """The text from a position, counted from the end if negative, and at most `length` characters of it; null for a negative
    length."""
    size = x.str.len_chars().cast(pl.Int64)
    first = pl.when(start < 0).then((size + start).clip(lower_bound=0)).otherwise(start)
    if length is None:
        return x.str.slice(first)
    return pl.when(length >= 0).then(x.str.slice(first, length.clip(lower_bound=0)))


def encode_base64(x: pl.Expr) -> pl.Expr:
    """A String or Binary column in Base64 (RFC 4648, with padding)."""
    return x.cast(pl.Binary).bin.encode("base64")


def decode_base64(x: pl.Expr) -> pl.Expr:
    """The bytes (Binary) of Base64, in the standard or the URL alphabet, with or without padding; null for what is none."""
    standard = x.str.replace_many(["-", "_"], ["+", "/"]).str.strip_chars_end("=")
    missing = (4 - standard.str.len_bytes().cast(pl.Int64) % 4) % 4
    padded = standard + pl.lit("==").str.head(missing)
    return padded.str.decode("base64", strict=False)


def encode_hex(x: pl.Expr) -> pl.Expr:
    """A String or Binary column in lower-case hex digits."""
    return x.cast(pl.Binary).bin.encode("hex")


def decode_hex(x: pl.Expr) -> pl.Expr:
    """The bytes (Binary) of hex digits in either case; null for what is none."""
    return x.str.decode("hex", strict=False)
