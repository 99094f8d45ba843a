"""Events as records of a stream: each with its identity, a key, and what a codec makes of it alone.

A segment holds records one after the other, each with the lengths of its parts before it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from pipeline import api
from pipeline.api import templates

from .written import Metadata, Written

FORM = "records"
"""Begins the form of layouts whose segments hold records."""

_HEAD = struct.Struct("<cIiI")
"""A tag, and the bytes of identity, key (-1 for none) and value."""

_TAG = b"R"


@dataclass(frozen=True, slots=True)
class Record:
    """`id` is that of the event within its state: `@rid`."""

    id: str
    key: bytes | None
    value: bytes


class Records:
    """Rows to the bytes of segments. `key` is rendered for each event; an empty text is no key.

    Raises OptionError for a form that cannot be, in the constructor and in `accept`."""

    def __init__(self, codec: api.Codec[Any], key: api.Template | None, metadata: list[Metadata]) -> None:
        if codec.whole or codec.compressed:
            raise api.OptionError(
                f"{codec.name} writes whole files, and a record is one event", "format", "use json, raw or a template"
            )
        self._written = Written(codec, api.Template((), ""), "none", metadata=metadata)
        self._key = key

    def accept(self, columns: api.Columns) -> None:
        self._written.accept(columns)

    @property
    def form(self) -> str:
        return FORM + self._written.form

    def uses(self) -> frozenset[str] | None:
        used = self._written.uses()
        holes = () if self._key is None else self._key.holes
        return (
            None if used is None else used | {"@partition", "@offset", "@item", *(hole.field.path[0] for hole in holes)}
        )

    def encode(self, frame: pl.DataFrame) -> bytes:
        ids = frame.select(api.RID).to_series().fill_null("").to_list()
        keys = [""] * frame.height if self._key is None else templates.plain(self._key, frame).to_list()
        parts: list[bytes] = []
        for id, key, value in zip(ids, keys, self._values(frame), strict=True):
            name, said = id.encode(), key.encode()
            parts += (_HEAD.pack(_TAG, len(name), len(said) or -1, len(value)), name, said, value)
        return b"".join(parts)

    def _values(self, frame: pl.DataFrame) -> list[bytes]:
        """What the codec makes of each row, without the line break at its end. A row may have line breaks in it; it is then
        found by halves."""
        if frame.height == 0:
            return []
        data = self._written.encode(frame)
        if frame.height == 1:
            return [data.removesuffix(b"\n")]
        lines = data.split(b"\n")
        if len(lines) == frame.height + 1 and not lines[-1]:
            return lines[:-1]
        half = frame.height // 2
        return self._values(frame[:half]) + self._values(frame[half:])


def read(data: bytes) -> Iterator[Record]:
    """The records of a segment. Raises ConfigurationError for bytes that are none."""
    at = 0
    while at < len(data):
        if data[at : at + 1] != _TAG or at + _HEAD.size > len(data):
            raise api.ConfigurationError(
                "its bytes are no records: it was laid out by another kind of output",
                "Run the program as it was to deliver it.",
            )
        _, name, key, value = _HEAD.unpack_from(data, at)
        begin = at + _HEAD.size
        middle = begin + name
        rest = middle + max(key, 0)
        at = rest + value
        yield Record(data[begin:middle].decode(), data[middle:rest] if key >= 0 else None, data[rest:at])
