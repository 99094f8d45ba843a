"""Bytes to records and records to text.

A record ends with `\\n` and with nothing else: a `\\r` before it belongs to the record, an empty line is a record.
"""

from __future__ import annotations

import codecs
from contextlib import suppress

import polars as pl

from pipeline.columns.native import kernels


def records(chunk: bytes, offset: int) -> tuple[pl.Series, pl.Series, int]:
    """Split the complete records off a chunk that begins at a record's start.

    `offset` is the position of the chunk's first byte. Gives `@raw` (Binary, without the newlines), `@offset` (Int64, the
    position of each record) and the number of bytes consumed; the bytes after the last newline are not a record yet.
    """
    if kernels is not None:
        frame, consumed = kernels.records(chunk, offset)
        raw, offsets = pl.DataFrame(frame).get_columns()
        return raw, offsets, consumed
    consumed = chunk.rfind(b"\n") + 1
    if consumed == 0:
        return pl.Series("@raw", [], pl.Binary), pl.Series("@offset", [], pl.Int64), 0
    raw = _split(chunk[: consumed - 1]).alias("@raw")
    sizes = raw.bin.size().cast(pl.Int64) + 1
    offsets = (sizes.cum_sum() - sizes + offset).alias("@offset")
    return raw, offsets, consumed


def decode(raw: pl.Series) -> tuple[pl.Series, pl.Series | None]:
    """Text of Binary records: String, with U+FFFD for what is not UTF-8 and null where `raw` is null.

    The second series (Boolean, as long) says which rows had to be repaired; None when all were valid, the fast case.
    """
    try:
        return raw.cast(pl.String), None
    except pl.exceptions.ComputeError:
        blocks = [_repair(raw.slice(at, _BLOCK)) for at in range(0, len(raw), _BLOCK)]
    return pl.concat([text for text, _ in blocks], rechunk=True), pl.concat(
        [invalid for _, invalid in blocks], rechunk=True
    )


def transcode(raw: pl.Series, charset: str) -> pl.Series:
    """Text of Binary records in a charset by Python's name: String, with U+FFFD for what it has no character for, null where
    `raw` is null; a byte order mark is a character. Raises LookupError for an unknown charset."""
    if codecs.lookup(charset).name in ("utf-8", "utf-8-sig"):
        return decode(raw)[0]
    values: list[bytes | None] = raw.to_list()
    # One call for all where a byte is a character, and no newline is in a text.
    whole = b"\n".join(value or b"" for value in values)
    if codecs.lookup(charset).name.startswith(_SINGLE) and whole.count(b"\n") == len(values) - 1:
        texts = whole.decode(charset, "replace").split("\n")
        if len(texts) == len(values):
            found = pl.Series(raw.name, texts, dtype=pl.String)
            return found.set(raw.is_null(), None) if raw.null_count() else found
    each = [None if value is None else value.decode(charset, "replace") for value in values]
    return pl.Series(raw.name, each, dtype=pl.String)


_SINGLE = ("ascii", "iso8859-", "cp125", "cp437", "cp85", "cp866", "koi8-", "mac-")
"""How Python's names of charsets begin in which a byte is a character."""

_BLOCK = 256
"""Rows that are looked at one by one when one of them is not UTF-8; the rest of the batch keeps its fast cast."""


def _repair(raw: pl.Series) -> tuple[pl.Series, pl.Series]:
    try:
        return raw.cast(pl.String), pl.Series([False], dtype=pl.Boolean).new_from_index(0, len(raw))
    except pl.exceptions.ComputeError:
        values: list[bytes | None] = raw.to_list()
    texts = [None if value is None else value.decode("utf-8", "replace") for value in values]
    invalid = [
        value is not None and text is not None and text.encode() != value
        for value, text in zip(values, texts, strict=True)
    ]
    return pl.Series(raw.name, texts, dtype=pl.String), pl.Series(invalid, dtype=pl.Boolean)


def _split(body: bytes) -> pl.Series:
    """The parts of `body` between newlines, as Binary.

    Polars' line reader is several times faster than `bytes.split`, but it drops a `\\r` before a newline, wants UTF-8, and
    unpacks what looks compressed: it gets only chunks in which none of that can occur."""
    if b"\r" not in body and body[:1] not in _PACKED and body[-1:] != b"\n" and body:
        with suppress(pl.exceptions.ComputeError):
            return pl.read_lines(body).to_series().cast(pl.Binary)
    return pl.Series(body.split(b"\n"), dtype=pl.Binary)


_PACKED = (b"\x1f", b"(", b"x", b"B")
"""First bytes of gzip, zstd, zlib and bzip2 data."""
