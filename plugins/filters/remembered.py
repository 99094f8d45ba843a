"""Keys that filters with memory remember: 64 bits of each, the oldest out."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b

import polars as pl

from pipeline import api
from pipeline.api.conversions import to_text

KEYS = ("string", "int", "float", "bool", "time", "duration", "json", "bytes", "null")


def check(fields: Iterable[api.Field], columns: api.Columns) -> None:
    """Raises OptionError for `by` where a field cannot be part of a key."""
    for field in fields:
        kind = columns.get(field.path) or field.type
        if kind.kind not in KEYS:
            raise api.OptionError(
                f"{field.name} is of type {kind}, which cannot be part of a key", "by", "name one of its members"
            )


def oldest(seen: Mapping[int, int], again: set[int]) -> Iterator[int]:
    """The keys as they are to be forgotten; those in `again` were let through anew. A dict itself is slow to give its first key
    when many before it were taken out."""
    while True:
        again.clear()
        for key in tuple(seen):
            if key not in again:
                yield key


def hashed(frame: pl.DataFrame, fields: Sequence[api.Field]) -> list[int | None]:
    """A 64-bit hash of each row's key, the same on every machine and in every version; None for a row without any of the fields."""
    if len(fields) == 1:
        (field,) = fields
        texts = field.values(frame) if field.type.kind == "bytes" else _text(field, frame)
    else:
        parts = [_text(field, frame) for field in fields]
        # With its length each text stands for itself: `ab`, `c` is not `a`, `bc`.
        told = [
            pl.concat_str(pl.col(name).str.len_bytes().cast(pl.String), pl.lit(":"), pl.col(name)).fill_null("-")
            for name in (str(at) for at in range(len(parts)))
        ]
        columns = pl.DataFrame([part.alias(str(at)) for at, part in enumerate(parts)])
        some = pl.any_horizontal(pl.all().is_not_null())
        texts = columns.select(pl.when(some).then(pl.concat_str(told))).to_series()
    if texts.dtype == pl.String:
        texts = texts.cast(pl.Binary)
    keys: list[bytes | None] = texts.to_list()
    unpack = struct.Struct("<q").unpack
    # In a batch keys repeat themselves more often than not.
    known: dict[bytes | None, int | None] = {None: None}
    for text in set(keys):
        if text is not None:
            (known[text],) = unpack(blake2b(text, digest_size=8).digest())
    return [known[text] for text in keys]


def _text(field: api.Field, frame: pl.DataFrame) -> pl.Series:
    """As the language writes it, so that no version of a library changes a key."""
    if field.type.kind == "bytes":
        return field.values(frame).bin.encode("hex")
    return frame.select(to_text(field.polars, field.type)).to_series()
