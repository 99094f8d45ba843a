"""Files on this machine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import polars as pl

from pipeline import api

from .written import LARGEST, Compression, Metadata, Written, check_times, ending

IDLE = 600 * 1_000_000
"""A file without new rows is completed after so long (µs): compressed ones then show all they have."""

HOUR = 3_600_000_000


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
        "When to start the next file: `{age: 1h, size: 1GiB}`. One hour for files that are written whole (Parquet, CSV "
        "with a header) and for generated names; never for others. Whole ones also roll at `128MiB` of encoded rows where no "
        "`size` is given.",
        default=None,
    )
    metadata: list[Metadata] = api.option(
        "Metadata to write besides `@timestamp`, such as `[@host, @raw]`.", default=[]
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
        if not options.path.text or options.path.parts in ((), ("",)):
            raise api.OptionError("the path is empty", "path", "name a file, or a folder with a `/` at the end")
        check_times(options.path, "path")
        self._written = Written(options.format, options.path, options.compression, metadata=options.metadata)
        whole = self._written.whole
        roll = options.roll or api.Roll(age=HOUR if whole or ending(options.path).endswith("/") else None)
        self._layout = api.Layout(
            path=options.path,
            roll=replace(roll, size=roll.size or (LARGEST if whole else None), idle=IDLE),
            compression=self._written.compression,
            extension=self._written.extension,
            in_place=True,
            whole=whole,
            exact=self._written.exact,
        )

    def schema(self, columns: api.Columns) -> None:
        self._written.accept(columns)
        self._layout = replace(self._layout, form=self._written.form)

    def guarantee(self) -> tuple[api.Guarantee, str]:
        if self._written.whole:
            return "exactly once", "rows are committed with the progress; a file is written whole, under a fixed name"
        return "exactly once", "bytes are committed with the progress, and cut back to it after a crash"

    @property
    def layout(self) -> api.Layout:
        return self._layout

    def uses(self) -> frozenset[str] | None:
        used = self._written.uses()
        return None if used is None else used | {hole.field.path[0] for hole in self.options.path.holes}

    def encode(self, frame: pl.DataFrame) -> bytes:
        return self._written.encode(frame)

    def finish(self, spooled: Iterable[bytes], form: str) -> Iterable[bytes]:
        finished = self._written.finish(spooled, form)
        return super().finish(spooled, form) if finished is None else finished

    async def deliver(self, segment: api.Segment) -> api.Result:
        """Nothing to send: the engine puts bytes into local files itself."""
        return api.Result()
