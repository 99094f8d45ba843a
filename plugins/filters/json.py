"""Parse JSON objects."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Literal

import polars as pl

from pipeline import api
from pipeline.api import jsontext
from pipeline.api.records import decode

TYPES: Mapping[str, api.Type] = {
    "int": api.INT,
    "float": api.FLOAT,
    "bool": api.BOOL,
    "time": api.TIME,
    "duration": api.DURATION,
    "string": api.STRING,
    "bytes": api.BYTES,
    "json": api.JSON,
}

TypeName = Literal["int", "float", "bool", "time", "duration", "string", "bytes", "json"]

with warnings.catch_warnings():
    # The option is called `schema`, as in the language; pydantic's own method of that name is deprecated and unused.
    warnings.filterwarnings("ignore", message='Field name "schema"')

    class Options(api.Options):
        field: api.Field = api.option("The text to parse, a string or bytes.", default=api.Field(("@raw",), api.BYTES))
        into: api.NewName | None = api.option(
            "Nest the members under this name; without it they become fields.", default=None
        )
        schema: dict[str, TypeName] = api.option(  # type: ignore[assignment]  # pydantic's method of that name
            "Types of members, such as `{status: int}`; a path is written with back-ticks. Others have the type that "
            "their use demands.",
            default={},
        )


class Json(api.Filter[Options]):
    """Parses a JSON object and makes its members fields.

    Members that the program uses are taken out with the type that their use demands, or that `schema` states; a value of
    another type is null: nothing is guessed, and no type changes from batch to batch. All other members are carried as they
    came, digit for digit, and written out unchanged: `1.10` stays `1.10`.

    Members whose names begin with `@` land under `fields`, so that data cannot pass for metadata. Of duplicate names the last
    wins. `time` is ISO 8601, UTC where it has no zone; `duration` is a number of seconds.

    Rows that are no JSON object are rejected with `not_json` and the place of the mistake; NaN and infinities are no JSON.
    Objects and arrays that nest deeper than 64 are rejected with `too_deep`."""

    name = "json"
    options_model = Options
    example = """
source access = generate(count: 100, format: json)
transform parsed = access
  | json(schema: {status: int})
  | where(status >= 400)
sink out = parsed -> console()
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        if options.into is not None and (options.into.startswith("@") or not options.into):
            raise api.OptionError(
                f"{options.into!r} is no name for a field", "into", "names that begin with `@` are metadata"
            )
        prefix = () if options.into is None else (options.into,)
        self._stated = {(*prefix, *name.split(".")): TYPES[kind] for name, kind in options.schema.items()}
        self._set(self._stated)

    def schema(self, columns: api.Columns) -> api.Columns:
        if self.options.field.type.kind not in ("string", "bytes", "json"):
            raise api.OptionError(f"json reads a text, and this is of type {self.options.field.type}", "field")
        for name, kind in self._types.items():
            columns = columns.with_field((name,), kind)
        return api.Columns(columns.fields, open=columns.open or self.options.into is None)

    def demand(self, fields: Mapping[tuple[str, ...], api.Type]) -> None:
        into = self.options.into
        mine = {path: kind for path, kind in fields.items() if into is None or (path[0] == into and len(path) > 1)}
        self._set({**mine, **self._stated})

    def apply(self, batch: api.Batch) -> api.Batch:
        if not batch.frame.height:
            return self._empty(batch)
        column = batch.frame.select(self.options.field.polars).to_series()
        text = decode(column)[0] if column.dtype == pl.Binary else column
        found = jsontext.extract(text, self._members)
        made, rest = found.columns.get_columns(), found.rest.alias(api.REST)
        if self.options.into is not None:
            nested = pl.DataFrame([*made, rest]).select(pl.struct(pl.all()).alias(self.options.into))
            made = nested.get_columns()
        else:
            there = api.REST in batch.frame.columns
            made.append(jsontext.merged(batch.frame[api.REST], rest) if there else rest)
        batch = batch.with_columns(*made)
        return self._rejected(batch, found)

    def _rejected(self, batch: api.Batch, found: jsontext.Extracted) -> api.Batch:
        if found.reason.null_count() == found.reason.len():
            return batch
        name = self.options.field.name
        deep = (found.reason == jsontext.TOO_DEEP).fill_null(value=False)
        bad = found.reason.is_not_null()
        batch = batch.reject(bad & ~deep, jsontext.NOT_JSON, field=name, detail=found.detail)
        left = deep.filter(~(bad & ~deep))
        return batch.reject(
            left, jsontext.TOO_DEEP, field=name, detail=f"objects and arrays nest deeper than {jsontext.DEPTH}"
        )

    def _set(self, paths: Mapping[tuple[str, ...], api.Type]) -> None:
        """Take note of the members to take out, by path from the event."""
        self._types = dict(jsontext.tree(paths))
        if self.options.into is not None:
            inside = self._types.get(self.options.into)
            fields = dict(inside.fields) if inside is not None else {}
            self._types = {self.options.into: api.record(fields, open=True)}
            self._members: Mapping[str, api.Type] = fields
        else:
            self._members = self._types

    def _empty(self, batch: api.Batch) -> api.Batch:
        columns = [pl.Series(name, [], dtype=api.dtype(kind)) for name, kind in self._types.items()]
        if self.options.into is None and api.REST not in batch.frame.columns:
            columns.append(pl.Series(api.REST, [], dtype=pl.String))
        return batch.with_columns(*columns)
