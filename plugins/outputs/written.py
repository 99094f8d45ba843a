"""How events become the bytes of files and objects: a codec, compression, and what a file has that is more than its rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import polars as pl

from pipeline import api
from pipeline.api import formats

Compression = Literal["none", "gzip", "zstd"]
Metadata = Literal[
    "@timestamp",
    "@received",
    "@raw",
    "@source",
    "@path",
    "@partition",
    "@offset",
    "@item",
    "@host",
    "@peer",
    "@rid",
    "@error",
]

ENDINGS: dict[str, Compression] = {".gz": "gzip", ".zst": "zstd"}

LARGEST = 128 << 20
"""Bytes of encoded rows in a file that is written whole, by default. One may be written while the next one fills: reading
stops when more than twice as much waits in the state."""


class Written:
    """The bytes of a file. `whole`: it is put together when all its rows are there (`finish`); else what `encode` gives is compressed
    by the engine and appended. What is particular to a writing is the codec's business.

    Raises OptionError for a form that cannot be, in the constructor and in `accept`."""

    def __init__(
        self,
        codec: api.Codec[Any],
        path: api.Template,
        compression: Compression | None,
        *,
        metadata: list[Metadata],
    ) -> None:
        if codec.compressed and compression not in (None, "none"):
            raise api.OptionError(
                f"{codec.name} is compressed already; {compression} around it would make it unreadable",
                "compression",
                "leave `compression` out",
            )
        self._codec = codec
        self._compression = compression or _told(path, codec)
        self._metadata = metadata
        self._columns = api.Columns({})
        self.whole = codec.whole

    @property
    def compression(self) -> Compression:
        """What the engine does to the bytes of `encode`."""
        return "none" if self.whole else self._compression

    @property
    def extension(self) -> str:
        """That of a generated name, without what the engine adds for `compression`."""
        packed = {kind: ending for ending, kind in ENDINGS.items()}.get(self._compression, "")
        return self._codec.extension + (packed if self.whole else "")

    @property
    def exact(self) -> bool:
        return self._codec.exact

    def accept(self, columns: api.Columns) -> None:
        check_fixed(self._codec, columns)
        self._codec.accept(columns, self._metadata)
        self._columns = columns

    def uses(self) -> frozenset[str] | None:
        return self._codec.uses()

    def encode(self, frame: pl.DataFrame) -> bytes:
        return self._codec.encode(frame, self._columns, self._metadata)

    @property
    def form(self) -> str:
        """What `encode` gives: the codec's own form, and all else that `finish` needs to know. Empty for bytes that continue any
        others."""
        form = self._codec.form(self._columns, self._metadata)
        if not form and not self.whole:
            return ""
        codec = {"codec": self._codec.name, "form": form, "whole": self.whole}
        return json.dumps({**codec, "compression": self._compression})

    def finish(self, spooled: Iterable[bytes], form: str) -> Iterable[bytes] | None:
        """A file of rows that were encoded for this form, perhaps in another format than now; None where that is neither this
        codec's nor one of the house."""
        begun = json.loads(form or "{}")
        codec = self._codec if begun.get("codec") == self._codec.name else _house().get(begun.get("codec"))
        if codec is None or not begun["whole"]:
            return None
        return _packed(codec.finish(spooled, begun["form"]), begun["compression"])


def _house() -> dict[str, api.Codec[Any]]:
    """Codecs whose files may wait for a program that writes another format by now, which has no use for them otherwise."""
    from ..codecs import csv, parquet

    return {codec.name: codec for codec in (csv.Csv(csv.Options()), parquet.Parquet(parquet.Options()))}


def begun_whole(form: str) -> bool:
    """Whether rows of this form become a file by `finish`."""
    return bool(form) and bool(json.loads(form)["whole"])


def ending(path: api.Template) -> str:
    """The literal text after the last hole."""
    last = path.parts[-1] if path.parts else ""
    return last if isinstance(last, str) else ""


def check_times(path: api.Template, option: str) -> None:
    """Raises OptionError for a format of something that is no time."""
    for hole in path.holes:
        if hole.format and hole.field.type.kind not in ("time", "json"):
            raise api.OptionError(f"{hole.field.name} is {hole.field.type}: only times have a format", option)


def check_fixed(codec: api.Codec[Any], columns: api.Columns) -> None:
    """Raises OptionError where events have members that a codec has no place for."""
    if codec.fixed and columns.open:
        raise api.OptionError(
            f"{codec.name} has fixed columns, but after `json` events have members that nobody named",
            "format",
            "choose the columns with `keep(…)`, or write json",
        )


def _told(path: api.Template, codec: api.Codec[Any]) -> Compression:
    """The compression that the path's extension says."""
    found: Compression = next((kind for end, kind in ENDINGS.items() if ending(path).endswith(end)), "none")
    return "none" if codec.compressed else found


def _packed(parts: Iterable[bytes], compression: Compression) -> Iterator[bytes]:
    """Each part compressed for itself."""
    for part in parts:
        if part:
            yield part if compression == "none" else formats.compress.frame(part, compression)
