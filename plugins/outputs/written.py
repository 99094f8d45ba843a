"""How events become the bytes of files and objects: a codec, compression, and what a file has that is more than its rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import chain
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
    """The bytes of a file. `whole`: all of it is encoded at once when its rows are there (`finish`); else what `encode` gives is
    compressed by the engine and appended.

    Raises OptionError for a form that cannot be, in the constructor and in `accept`."""

    def __init__(
        self,
        codec: api.Codec[Any],
        path: api.Template,
        compression: Compression | None,
        *,
        header: bool,
        metadata: list[Metadata],
    ) -> None:
        if codec.whole and compression not in (None, "none"):
            raise api.OptionError(
                f"Parquet compresses its columns itself; {compression} around it would make it unreadable",
                "compression",
                "leave `compression` out: the columns are zstd",
            )
        if header and codec.name != "csv":
            raise api.OptionError(f"{codec.name} files have no header", "header", "`header` is for format: csv")
        self._codec = codec
        self._compression = compression or _told(path, codec)
        self._metadata = metadata
        self._columns = api.Columns({})
        self.whole = codec.whole or header

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
        if self._codec.fixed and columns.open:
            raise api.OptionError(
                f"{self._codec.name} has fixed columns, but after `json` events have members that nobody named",
                "format",
                "choose the columns with `keep(…)`, or write json",
            )
        self._codec.accept(columns, self._metadata)
        self._columns = columns

    def uses(self) -> frozenset[str] | None:
        return self._codec.uses()

    def encode(self, frame: pl.DataFrame) -> bytes:
        return self._codec.encode(frame, self._columns, self._metadata)

    @property
    def form(self) -> str:
        """The columns of formats that have the same ones in every row, and all that `finish` needs to know."""
        match self._codec.name:
            case "csv":
                header = formats.header(self._columns, self._metadata).decode()
                return json.dumps({"format": "csv", "header": header, "compression": self._compression})
            case "parquet":
                fields = {name: str(kind) for name, kind in self._columns.fields.items()}
                names = {"metadata": self._metadata, "fields": fields, "open": self._columns.open}
                return json.dumps({"format": "parquet", **names})
            case _:
                return ""


def finish(spooled: Iterable[bytes], form: str) -> Iterable[bytes] | None:
    """A file of rows that were encoded for this form; None for a form that is not written whole."""
    begun = json.loads(form or "{}")
    match begun.get("format"):
        case "parquet":
            return [formats.finish(spooled)]
        case "csv":
            return _separated(spooled, begun["header"], begun["compression"])
        case _:
            return None


def ending(path: api.Template) -> str:
    """The literal text after the last hole."""
    last = path.parts[-1] if path.parts else ""
    return last if isinstance(last, str) else ""


def check_times(path: api.Template, option: str) -> None:
    """Raises OptionError for a format of something that is no time."""
    for hole in path.holes:
        if hole.format and hole.field.type.kind not in ("time", "json"):
            raise api.OptionError(f"{hole.field.name} is {hole.field.type}: only times have a format", option)


def _told(path: api.Template, codec: api.Codec[Any]) -> Compression:
    """The compression that the path's extension says."""
    found: Compression = next((kind for end, kind in ENDINGS.items() if ending(path).endswith(end)), "none")
    return "none" if codec.whole else found


def _separated(rows: Iterable[bytes], header: str, compression: Compression) -> Iterator[bytes]:
    """A CSV file: the header, then the rows, each part compressed for itself."""
    for part in chain([header.encode()], rows):
        yield part if compression == "none" else formats.compress.frame(part, compression)
