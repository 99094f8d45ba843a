"""Comma-separated values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

import polars as pl

from pipeline import api
from pipeline.api import formats
from pipeline.api.delimited import Cells
from pipeline.api.members import TypeName


class Options(api.Options):
    columns: list[str] = api.option(
        "Names of the columns in their order, `_` for one to leave out. Needed to read.", default=[]
    )
    types: dict[str, TypeName] = api.option(
        "Types of columns, such as `{status: int}`; the others are strings.", default={}
    )
    delimiter: str = api.option("What is between two values. Written files have a comma.", default=",")
    header: bool = api.option(
        "Whether a written file begins with the columns' names. Such files appear when they are complete.",
        default=False,
    )


class Csv(api.Codec[Options]):
    """Comma-separated values, RFC 4180, one record a line.

    Read: the columns are named in the program; nothing is guessed from the data. A value may be in quotes, in which a quote is
    doubled; one that is empty is null, unless it is in quotes. What does not convert to its column's type is null. A
    line that is the names of the columns is left out. Records with another number of columns, or with a quote that
    is not closed, are rejected with `wrong_columns`; a value with a line break in it is therefore two records, which are.

    Written: `@timestamp`, then the fields, after a line of their names with `header: true`; texts in quotes where they need it, CRLF after every row."""

    name = "csv"
    options_model = Options
    example = """
source access = file("/var/log/nginx/access.log*", codec: csv(['line', '_'], delimiter: '['))
sink out = access -> file("out/lines.csv", format: csv)
"""
    extension = ".csv"
    fixed = True

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.whole = options.header
        self._cells = Cells(options.columns, options.types, options.delimiter) if options.columns else None

    def schema(self) -> api.Columns:
        if self._cells is None:
            raise api.OptionError("csv is read with the names of its columns", "codec", "write csv(['time', 'status'])")
        return self._cells.columns

    def decode(self, texts: pl.Series, received: pl.Series) -> api.Decoded:
        if self._cells is None:
            raise TypeError("decode before schema")
        found = self._cells.read(texts)
        names = self.options.delimiter.join(self.options.columns)
        quoted = self.options.delimiter.join(f'"{name}"' for name in self.options.columns)
        header = texts.is_in([names, quoted])
        return (
            found
            if not header.any()
            else api.Decoded(found.columns, reason=found.reason, detail=found.detail, skipped=header)
        )

    def accept(self, columns: api.Columns, metadata: Sequence[str]) -> None:
        if self.options.delimiter != ",":
            raise api.OptionError("CSV is written with commas", "format", "leave `delimiter` out")

    def encode(self, frame: pl.DataFrame, columns: api.Columns, metadata: Sequence[str]) -> bytes:
        return formats.csv(frame, columns, metadata)

    def form(self, columns: api.Columns, metadata: Sequence[str]) -> str:
        return formats.header(columns, metadata).decode()

    def finish(self, spooled: Iterable[bytes], form: str) -> Iterable[bytes]:
        return chain([form.encode()], spooled)
