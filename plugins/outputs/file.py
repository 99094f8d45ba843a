"""Files on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
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
    "@host",
    "@peer",
    "@rid",
    "@error",
]

ENDINGS: dict[str, Compression] = {".gz": "gzip", ".zst": "zstd"}
IDLE = 600 * 1_000_000
"""A file without new rows is completed after so long (µs): compressed ones then show all they have."""

HOUR = 3_600_000_000

LARGEST = 128 << 20
"""Bytes of encoded rows in a file that is written whole, by default. One may be written while the next one fills: reading
stops when more than twice as much waits in the state."""


class Options(api.Options):
    path: api.Template = api.option(
        "Where to write, such as `out/{@host}/{@timestamp:%Y/%m/%d}.ndjson`. A path that ends in `/` gets a generated name."
    )
    format: api.Encoder = api.option(
        "`json`: one object a line. `raw`: the records as they came. `csv`: RFC 4180. `parquet`: columns. Or any other codec that "
        "writes, or a template: the text of a line.",
        default="json",
    )
    compression: Compression | None = api.option(
        "`none`, `gzip` or `zstd`; told from the path (`.gz`, `.zst`) when not given.", default=None
    )
    roll: api.Roll | None = api.option(
        "When to start the next file: `{age: 1h, size: 1GiB}`. One hour for Parquet, CSV with a header, and generated names; "
        "never for others. Parquet and CSV with a header roll at `128MiB` of encoded rows where no `size` is given.",
        default=None,
    )
    metadata: list[Metadata] = api.option(
        "Metadata to write besides `@timestamp`, such as `[@host, @raw]`.", default=[]
    )
    header: bool = api.option(
        "Whether a CSV file begins with the columns' names. Such files appear when they are complete.", default=False
    )


class File(api.Output[Options]):
    """Writes events to local files.

    The path may have fields in it: each event goes to the file that its values name. Values are percent-encoded to
    `[A-Za-z0-9_.=-]`, a missing one is `_`, so that no event can name a file outside the literal part of the path. Files that
    roll are `stem-000001.ext`, `stem-000002.ext`, … and sort naturally.

    Events are appended as they are committed, each exactly once: after a crash a file is cut back to what was committed. A
    reader may therefore see bytes that are not committed yet. Compressed files are made of independent frames that any
    `zstd` or `gzip` reads, and zstd files end in a seek table. Parquet files and CSV files with a header are complete when
    they appear.

    `json` has `@timestamp` and all fields, nested; nulls are left out. Rows that a filter rejected show their record and the
    reason. `raw` writes the bytes of each record and a newline, and none where the last record of its file had none."""

    name = "file"
    options_model = Options
    example = """
source access = generate(count: 100)
transform parsed = access | grok('%{NGINX_COMBINED}')
sink hourly  = parsed -> file("out/{method}/{@timestamp:%Y-%m-%dT%H}.ndjson")
sink archive = [parsed, parsed.rejected] -> file("out/raw/", format: raw, compression: zstd, roll: {age: 1h})
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._columns = api.Columns({})
        self._codec: api.Codec[Any] = options.format
        self._compression = options.compression or _told(options.path, self._codec)
        self._whole = self._codec.whole or options.header
        _check(options)
        generated = _ending(options.path).endswith("/")
        roll = options.roll or api.Roll(age=HOUR if self._whole or generated else None)
        largest = roll.size or (LARGEST if self._whole else None)
        self._layout = api.Layout(
            path=options.path,
            roll=replace(roll, size=largest, idle=IDLE),
            compression="none" if self._whole else self._compression,
            extension=_extension(options, self._compression) if self._whole else self._codec.extension,
            in_place=True,
            whole=self._whole,
            exact=self._codec.exact,
        )

    def schema(self, columns: api.Columns) -> None:
        if self._codec.fixed and columns.open:
            raise api.OptionError(
                f"{self._codec.name} has fixed columns, but after `json` events have members that nobody named",
                "format",
                "choose the columns with `keep(…)`, or write json",
            )
        self._codec.accept(columns, self.options.metadata)
        self._columns = columns
        self._layout = replace(self._layout, form=self._form())

    def guarantee(self) -> tuple[api.Guarantee, str]:
        if self._whole:
            return "exactly once", "rows are committed with the progress; a file is written whole, under a fixed name"
        return "exactly once", "bytes are committed with the progress, and cut back to it after a crash"

    @property
    def layout(self) -> api.Layout:
        return self._layout

    def uses(self) -> frozenset[str] | None:
        used = self._codec.uses()
        return None if used is None else used | {hole.field.path[0] for hole in self.options.path.holes}

    def encode(self, frame: pl.DataFrame) -> bytes:
        return self._codec.encode(frame, self._columns, self.options.metadata)

    def finish(self, spooled: Iterable[bytes], form: str) -> Iterable[bytes]:
        begun = json.loads(form or "{}")
        match begun.get("format"):
            case "parquet":
                return [formats.finish(spooled)]
            case "csv":
                return _separated(spooled, begun["header"], begun["compression"])
            case _:
                return super().finish(spooled, form)

    def _form(self) -> str:
        """The columns of formats that have the same ones in every row, and all that `finish` needs to know."""
        match self._codec.name:
            case "csv":
                header = formats.header(self._columns, self.options.metadata).decode()
                return json.dumps({"format": "csv", "header": header, "compression": self._compression})
            case "parquet":
                fields = {name: str(kind) for name, kind in self._columns.fields.items()}
                names = {"metadata": self.options.metadata, "fields": fields, "open": self._columns.open}
                return json.dumps({"format": "parquet", **names})
            case _:
                return ""

    async def deliver(self, segment: api.Segment) -> api.Result:
        """Nothing to send: the engine puts bytes into local files itself."""
        return api.Result()


def _separated(rows: Iterable[bytes], header: str, compression: Compression) -> Iterator[bytes]:
    """A CSV file: the header, then the rows, each part compressed for itself."""
    for part in chain([header.encode()], rows):
        yield part if compression == "none" else formats.compress.frame(part, compression)


def _ending(path: api.Template) -> str:
    """The literal text after the last hole."""
    last = path.parts[-1] if path.parts else ""
    return last if isinstance(last, str) else ""


def _told(path: api.Template, codec: api.Codec[Any]) -> Compression:
    """The compression that the path's extension says."""
    found: Compression = next((kind for ending, kind in ENDINGS.items() if _ending(path).endswith(ending)), "none")
    return "none" if codec.whole else found


def _extension(options: Options, compression: Compression) -> str:
    """The extension of a generated name for files that are complete when they appear."""
    packed = {kind: ending for ending, kind in ENDINGS.items()}.get(compression, "")
    return str(options.format.extension) + packed


def _check(options: Options) -> None:
    if not options.path.text or options.path.parts in ((), ("",)):
        raise api.OptionError("the path is empty", "path", "name a file, or a folder with a `/` at the end")
    if options.format.whole and options.compression not in (None, "none"):
        raise api.OptionError(
            f"Parquet compresses its columns itself; {options.compression} around it would make it unreadable",
            "compression",
            "leave `compression` out: the columns are zstd",
        )
    if options.header and options.format.name != "csv":
        raise api.OptionError(f"{options.format.name} files have no header", "header", "`header` is for format: csv")
    for hole in options.path.holes:
        if hole.format and hole.field.type.kind not in ("time", "json"):
            raise api.OptionError(f"{hole.field.name} is {hole.field.type}: only times have a format", "path")
