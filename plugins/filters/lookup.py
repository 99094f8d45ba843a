"""Add what a table knows of a key."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import polars as pl

from pipeline import api
from pipeline.api import jsontext, records
from pipeline.api.conversions import from_text
from pipeline.api.typed import typed
from pipeline.api.world import Files

from .refreshed import Refreshed, contents

FORMATS: Mapping[str, str] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".parquet": "parquet",
}

KEY, HIT = "@key", "@hit"


class Options(api.Options):
    file: str = api.option(
        "Path of the table: `.csv` or `.tsv` with a header, `.ndjson`, `.jsonl` or `.parquet`.", min_length=1
    )
    on: api.Field = api.option("The field whose value is looked up, a string or an int.")
    columns: list[api.NewName] = api.option(
        "The columns of the table to add, with types where they are no strings: `[team, 'limit:int']`.", min_length=1
    )
    key: api.NewName | None = api.option(
        "The column of the table that has the keys; without it, the one that is called like the field.", default=None
    )
    duplicates: Literal["first", "last", "error"] = api.option(
        "Which row counts where a key is there several times; `error` refuses such a table.", default="error"
    )
    reload: api.Duration | None = api.option(
        "How often to see whether the file has changed, to read it anew; `null` for never.",
        default=30_000_000,
        ge=1_000_000,
    )
    into: api.NewName | None = api.option(
        "Nest the columns under this name; without it they become fields.", default=None, min_length=1, pattern="^[^@]"
    )


class Lookup(api.Filter[Options]):
    """Looks a key up in a table and adds columns of its row: `lookup('hosts.csv', on: host, columns: [team, 'rack:int'])`.

    A key that the table does not have gives null, and so does a key that is null. Columns are strings unless typed: `:int`,
    `:float`, `:bool`, `:time`, `:duration`; a value that is none is null. Rows of the table without a key are left out. The whole table
    is in memory.

    The file is read at the start, and again when it has changed. A batch is answered by one table from its first row to its
    last. A new file that cannot be read, that changes while it is read or that has duplicates changes nothing: the table that
    is there goes on, and the log says so. Replace the file in one step (write another, rename it).

    Answers are those of the time when a batch is computed: a batch that is computed again, after a crash or for `pipe why`, is
    answered by the table that is there then."""

    name = "lookup"
    options_model = Options
    example = """
source access = generate(count: 100)
transform named = access
  | grok('%{NGINX_COMBINED}')
  | lookup('statuses.csv', on: status, columns: [meaning, 'retry:bool'])
  | keep(path, status, meaning)
sink out = named -> console()
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._types = _types(options.columns)
        self._key = options.key or options.on.path[-1]
        if Path(options.file).suffix.lower() not in FORMATS:
            raise api.OptionError(
                f"what {options.file} is cannot be told from its name", "file", f"it ends in {', '.join(FORMATS)}"
            )
        if self._key in self._types:
            raise api.OptionError(
                f"{self._key} is the key", "columns", f"the event has it already, as {options.on.name}"
            )
        path = Path(options.file)
        self._refreshed = Refreshed(path, "table", self._read, lambda why: _refused(path, why))

    def __reduce__(self) -> tuple[object, ...]:
        return Lookup, (self.options,)

    def schema(self, columns: api.Columns) -> api.Columns:
        if self.options.on.type.kind not in ("string", "int"):
            told = f"lookup finds strings and ints, and this is of type {self.options.on.type}"
            raise api.OptionError(told, "on", "convert it first: set { k = string(…) }")
        if self.options.into is not None:
            return columns.with_field((self.options.into,), api.record(self._types))
        for name, kind in self._types.items():
            columns = columns.with_field((name,), kind)
        return columns

    def warnings(self) -> Sequence[tuple[str | None, str, str]]:
        if not Path(self.options.file).is_file():
            return [("file", f"there is no file {self.options.file}", "the program cannot start without it")]
        return ()

    async def open(self, ctx: api.Context) -> None:
        await self._refreshed.open(ctx, self.options.reload)

    async def close(self) -> None:
        await self._refreshed.close()

    def apply(self, batch: api.Batch) -> api.Batch:
        # Read once: another table may take its place at any time.
        table = self._refreshed.current
        if table is None:
            raise api.ConfigurationError(f"the table {self.options.file} was not read", "open the filter first")
        keys = self.options.on.values(batch.frame).alias(KEY).to_frame()
        found = keys.join(table, on=KEY, how="left", maintain_order="left")
        into = self.options.into
        if into is not None:
            found = found.select(pl.when(HIT).then(pl.struct(*self._types)).alias(into))
            return batch.with_columns(found.to_series())
        return batch.with_columns(*(found.get_column(name) for name in self._types))

    def _read(self, files: Files) -> pl.DataFrame:
        """The rows of the table, by a column KEY without duplicates. Blocks. Raises ConfigurationError, and OSError."""
        path = Path(self.options.file)
        data = contents(files, path)
        try:
            return self._unique(path, self._rows(path, data))
        except pl.exceptions.PolarsError as error:
            raise _refused(path, str(error).partition("\n")[0]) from error

    def _rows(self, path: Path, data: bytes) -> pl.DataFrame:
        """All rows with the columns that are wanted, and KEY."""
        wanted = {self._key: self.options.on.type, **self._types}
        kind = FORMATS[path.suffix.lower()]
        if kind == "ndjson":
            raw, _, _ = records.records(data if data.endswith(b"\n") else data + b"\n", 0)
            found = jsontext.extract(records.decode(raw)[0], wanted)
            bad = found.reason.is_not_null().arg_true()
            if bad.len():
                raise _refused(path, f"line {bad[0] + 1} is no JSON object: {found.detail[bad[0]]}")
            frame = found.columns
        elif kind == "parquet":
            frame = _having(path, pl.read_parquet(io.BytesIO(data)), wanted)
            frame = frame.select(pl.col(name).cast(api.dtype(type), strict=False) for name, type in wanted.items())
        else:
            frame = _having(path, _cells(path, data, "\t" if kind == "tsv" else ","), wanted)
            frame = frame.select(from_text(pl.col(name), type).alias(name) for name, type in wanted.items())
        return frame.select(pl.col(self._key).alias(KEY), *self._types, pl.lit(value=True).alias(HIT)).drop_nulls(KEY)

    def _unique(self, path: Path, rows: pl.DataFrame) -> pl.DataFrame:
        if self.options.duplicates != "error":
            return rows.unique(KEY, keep=self.options.duplicates, maintain_order=True)
        twice = rows.get_column(KEY).filter(rows.get_column(KEY).is_duplicated())
        if twice.len():
            raise _refused(path, f"the key {twice[0]} is there several times: say duplicates: first, or last")
        return rows


def _cells(path: Path, data: bytes, separator: str) -> pl.DataFrame:
    """The rows of CSV by the names of its first, all texts."""
    # What Polars does not say is asked of Python's reader, which agrees about where rows and their cells end.
    rows = csv.reader(io.TextIOWrapper(io.BytesIO(data), "utf-8-sig", "replace", newline=""), delimiter=separator)
    names: list[str] = []
    with contextlib.suppress(csv.Error):  # a cell beyond its limit
        names = next(rows, [])
        if twice := next((name for place, name in enumerate(names) if name in names[:place]), None):
            raise _refused(path, f"it has two columns {twice}")
    try:
        return pl.read_csv(io.BytesIO(data), infer_schema=False, empty_string_is_null=False, separator=separator)
    except pl.exceptions.ComputeError as error:
        with contextlib.suppress(csv.Error):
            long = next((row for row in rows if len(row) > len(names)), None)
            if long is not None:
                told = f"line {rows.line_num} has {len(long)} values, and there are {len(names)} columns"
                raise _refused(path, told) from error
        raise


def _having(path: Path, frame: pl.DataFrame, wanted: Mapping[str, api.Type]) -> pl.DataFrame:
    for name in wanted:
        if name not in frame.columns:
            raise _refused(path, f"it has no column {name}; it has {', '.join(frame.columns[:12])}")
    return frame


def _refused(path: Path, why: str) -> api.ConfigurationError:
    return api.ConfigurationError(
        f"lookup cannot use the table {path}: {why}", "mend the file, or give another as file:"
    )


def _types(written: Sequence[str]) -> dict[str, api.Type]:
    found: dict[str, api.Type] = {}
    for text in written:
        name, kind = typed(text, "columns")
        if name in found:
            raise api.OptionError(f"{name} is there twice", "columns", "name each column once")
        found[name] = kind
    return found
