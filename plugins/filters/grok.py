"""Parse text with grok patterns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from pipeline import api
from pipeline.api import grok, nested
from pipeline.api.records import decode

TYPES: Mapping[str, api.Type] = {"string": api.STRING, "int": api.INT, "float": api.FLOAT, "bool": api.BOOL}


class Options(api.Options):
    patterns: list[str] = api.option("A pattern, or a list of patterns: the first that matches wins.", min_length=1)
    on: api.Field = api.option("The text to match, a string or bytes.", default=api.Field(("@raw",), api.BYTES))
    definitions: dict[str, str] = api.option("The program's own patterns; filled in by the program.", default={})


class Grok(api.Filter[Options]):
    """Takes fields out of text with patterns as Logstash has them: `%{IP:client} %{INT:status:int} %{GREEDYDATA:rest}`.

    Named patterns come from Logstash's library, from `NGINX_COMBINED` and from the program's own `pattern NAME = '…'`. Fields
    are strings unless typed: `:int`, `:float`, `:bool`. Dots make records: `%{IP:client.ip}`. A field that exists is
    replaced; one that takes no part in the match is null. Patterns are not anchored: write `^…$` to match the whole text.

    Most patterns run on a columnar engine in linear time. Those that cannot (they look around or back) run row by row, about
    fifty times as slow; `pipe check` warns of them and `pipe explain` says why.

    Rows that no pattern matches are rejected with `no_match`. Bytes that are not UTF-8 are read as U+FFFD."""

    name = "grok"
    options_model = Options
    example = """
pattern DURATION = '%{NUMBER:seconds:float}s'
source access = generate(count: 100)
transform parsed = access
  | grok(['%{NGINX_COMBINED} %{DURATION}', '%{NGINX_COMBINED}'])
sink out = parsed -> console()
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        try:
            self._grok = grok.Grok(options.patterns, options.definitions)
        except grok.GrokError as error:
            raise api.OptionError(error.message, "patterns", error.help) from error

    def schema(self, columns: api.Columns) -> api.Columns:
        if self.options.on.type.kind not in ("string", "bytes"):
            raise api.OptionError(f"grok reads a text, and this is of type {self.options.on.type}", "on")
        for capture in self._grok.captures:
            if capture.field.startswith("@"):
                raise api.OptionError(
                    f"the pattern names {capture.field}, and metadata is never assigned by a pattern",
                    "patterns",
                    "give the field another name; `set` can then set @timestamp from it",
                )
            columns = columns.with_field(tuple(capture.field.split(".")), TYPES[capture.type])
        return columns

    def describe(self) -> Mapping[str, str]:
        return {"engine": self._grok.engine, **({"why": self._grok.reason} if self._grok.reason else {})}

    def warnings(self) -> Sequence[tuple[str | None, str, str]]:
        if self._grok.reason is None:
            return ()
        return [("patterns", f"this pattern runs row by row: {self._grok.reason}", "it is about fifty times as slow")]

    def apply(self, batch: api.Batch) -> api.Batch:
        column = batch.frame.select(self.options.on.polars).to_series()
        text = decode(column)[0] if column.dtype == pl.Binary else column
        if self.options.on.name == "@raw" and bool(text.str.ends_with("\r").any()):
            # The end of a line of other systems; it stays in `@raw`.
            text = text.str.strip_suffix("\r")
        found = self._grok.match(text)
        frame = batch.frame
        flat = [capture.field for capture in self._grok.captures if "." not in capture.field]
        frame = frame.with_columns(found.select(flat).get_columns())
        for capture in self._grok.captures:
            if "." in capture.field:
                values = pl.lit(found[capture.field])
                frame = frame.with_columns(nested.put(frame.schema, tuple(capture.field.split(".")), values))
        missed = ~found[grok.MATCHED]
        return batch.with_frame(frame).reject(missed, "no_match", field=self.options.on.name, detail=found[grok.REASON])
