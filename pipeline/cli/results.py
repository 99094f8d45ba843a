"""Where a query ends: rows on standard output, as JSON lines, as comma-separated values, or as a table."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from typing import Literal

import polars as pl

from pipeline import api
from pipeline.api import formats
from pipeline.cli.objects import objects
from pipeline.cli.streams import show
from pipeline.cli.tables import tabular, text

Form = Literal["json", "csv", "table"]

SHOWN = 1000
"""Rows that a table shows; the rest is counted."""

IDENTITY = frozenset({"id", "host", "revision"})
"""Fields of a fact that say nothing about one that is computed over a whole input and shown once."""


class Options(api.Options):
    format: Literal["json", "csv", "table"] = api.option("How rows are written.", default="json")


class Results(api.Output[Options]):
    """Writes rows to standard output as they come; `conclude` writes what must wait for the last of them.

    Facts over the whole input are written without the names and times that they have in a stream. Where standard output
    cannot be written, `failure` says why and `stop` is called: a finite run has nobody to try again for."""

    name = "results"
    options_model = Options
    example = ""

    def __init__(self, options: Options, columns: api.Columns) -> None:
        super().__init__(options)
        self.failure: OSError | None = None
        self.stop: Callable[[], None] = lambda: None
        self._columns = columns
        self._facts = {"metric", "by", "value"} <= set(columns.fields)
        self._whole = self._facts and "window_start" not in columns.fields
        self._waits = options.format == "table" or (self._facts and options.format == "csv")
        self._rows: list[Mapping[str, object]] = []
        self._more = 0
        self._begun = False

    def schema(self, columns: api.Columns) -> None:
        self._columns = columns

    def guarantee(self) -> tuple[api.Guarantee, str]:
        return "at most once", "a query starts anew"

    @property
    def layout(self) -> api.Layout:
        return api.Layout(roll=api.Roll(age=0), extension=".txt")

    def encode(self, frame: pl.DataFrame) -> bytes:
        if self.options.format == "csv" and not self._waits:
            return formats.csv(frame, self._columns)
        if self._whole:
            return objects(frame, {name: kind for name, kind in self._columns.fields.items() if name not in IDENTITY})
        return formats.ndjson(frame, self._columns)

    async def open(self, ctx: api.Context) -> None:
        self._ctx = ctx

    async def deliver(self, segment: api.Segment) -> api.Result:
        if self.failure is None:
            try:
                await self._ctx.run(self._take, segment)
            except OSError as error:
                self.failure = error
                self.stop()
        return api.Result()

    def conclude(self) -> None:
        """All rows have come. Raises OSError where they could not be written."""
        if self.failure is not None:
            raise self.failure
        if self.options.format == "table":
            told = text(tabular(self._rows, facts=self._facts))
            more = f"\n… {self._more:,} more; --format json has them all" if self._more else ""
            show(f"{told}{more}\n".encode())
        elif self._waits:
            show(_separated(tabular(self._rows, facts=True)))
        else:
            self._begin()

    def _take(self, segment: api.Segment) -> None:
        data = segment.read(self._ctx.files)
        if self._waits:
            lines = data.splitlines()
            room = max(0, SHOWN - len(self._rows)) if self.options.format == "table" else len(lines)
            self._rows += [json.loads(line) for line in lines[:room]]
            self._more += max(0, len(lines) - room)
            return
        self._begin()
        show(data)

    def _begin(self) -> None:
        """The header of comma-separated values, also when there are no rows."""
        if self.options.format == "csv" and not self._begun:
            show(formats.header(self._columns))
        self._begun = True


def _separated(rows: list[dict[str, object]]) -> bytes:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(
        {name: json.dumps(value) if isinstance(value, (dict, list)) else value for name, value in row.items()}
        for row in rows
    )
    return buffer.getvalue().encode()
