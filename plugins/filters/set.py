"""Compute fields."""

from __future__ import annotations

import polars as pl

from pipeline import api
from pipeline.api import nested

TIMESTAMP = "@timestamp"


class Options(api.Options):
    block: api.Assignments = api.option("`field = expression` entries, done in order; later ones see earlier ones.")


class Set(api.Filter[Options]):
    """Sets fields to the values of expressions. A path sets one member of a record and makes the record if it is not there.

    `@timestamp` is the one piece of metadata that can be set: it says when the event happened. Where its new value is null
    (a stamp that does not parse) the event is rejected with `no_timestamp`. A strict conversion that fails (`int!(x)`)
    rejects the event as well."""

    name = "set"
    options_model = Options
    example = """
source access = generate(count: 100)
transform parsed = access
  | grok('%{NGINX_COMBINED}')
  | set { @timestamp = time(time_local, '%d/%b/%Y:%H:%M:%S %z')
          page       = normalize_path(path)
          kilobytes  = body_bytes_sent / 1000 }
sink out = parsed -> console()
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        for entry in options.block:
            if not entry.target[0].startswith("@"):
                continue
            name = ".".join(entry.target)
            if entry.target != (TIMESTAMP,):
                raise api.OptionError(
                    f"{name} cannot be set: of the metadata only {TIMESTAMP} can",
                    "block",
                    f"set a field of your own, such as `{name.removeprefix('@')}`",
                )
            if entry.value.type not in (api.TIME, api.NULL, api.JSON):
                raise api.OptionError(
                    f"{TIMESTAMP} is a time, not {entry.value.type}", "block", "convert it with `time(…)`"
                )

    def schema(self, columns: api.Columns) -> api.Columns:
        for entry in self.options.block:
            columns = columns.with_field(entry.target, entry.value.type)
        return columns

    def apply(self, batch: api.Batch) -> api.Batch:
        for entry in self.options.block:
            batch = entry.value.require(batch)
            values = _typed(entry.value)
            if entry.target == (TIMESTAMP,):
                batch = _stamped(batch, values.cast(api.dtype(api.TIME)), entry.value.text)
            else:
                batch = batch.with_columns(nested.put(batch.frame.schema, entry.target, values))
        return batch


def _typed(value: api.Expr) -> pl.Expr:
    """The expression in its type's dtype: a literal may be narrower."""
    kind = value.type
    return value.polars.cast(api.dtype(kind)) if kind.kind in ("int", "float", "string") else value.polars


def _stamped(batch: api.Batch, expression: pl.Expr, text: str) -> api.Batch:
    times = batch.frame.select(expression.alias(TIMESTAMP)).to_series()
    if times.len() != batch.frame.height:
        times = times.new_from_index(0, batch.frame.height)
    if times.null_count():
        batch = batch.reject(times.is_null(), "no_timestamp", field=TIMESTAMP, detail=f"{text} is null")
        times = times.drop_nulls()
    return batch.with_columns(times)
