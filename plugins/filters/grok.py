"""Parse text with grok patterns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from pipeline import api
from pipeline.api import grok, nested


class Options(api.Options):
    patterns: list[str] = api.option("A pattern, or a list of patterns: the first that matches wins.", min_length=1)
    on: api.Field = api.option("The text to match, a string or bytes.", default=api.Field(("@raw",), api.BYTES))
    definitions: api.Patterns = api.option("The program's own patterns; filled in by the program.", default={})


class Grok(api.Filter[Options]):
    """Takes fields out of text with patterns as Logstash has them: `%{IP:client} %{INT:status:int} %{GREEDYDATA:rest}`.

    Named patterns come from Logstash's library, from `NGINX_COMBINED` and from the program's own `pattern NAME = '…'`. Fields
    are strings unless typed: `:int`, `:float`, `:bool`. Dots make records: `%{IP:client.ip}`. A field that exists is
    replaced; one that takes no part in the match is null. Patterns are not anchored: write `^…$` to match the whole text.

    Patterns are compiled to automata, which take linear time whatever the text (engine `native`; `polars` where the native
    kernels are not built). Those that cannot be (they look further than one character ahead or behind, or need an atomic
    group) run row by row with a time limit, about fifty times as slow; `pipe check` warns of them and `pipe explain` says
    why.

    Rows that no pattern matches are rejected with `no_match`; `pipe top --node NAME` shows what they look like and where the
    pattern stops, `pipe grok` with `--explain` also what to change. Bytes that are not UTF-8 are read as U+FFFD."""

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
        names = [capture.field for capture in self._grok.captures]
        self._flat = [name for name in names if "." not in name]
        self._nested = [(name, tuple(name.split("."))) for name in names if "." in name]
        self._figures: tuple[api.Meter, grok.Sampler] | None = None

    def __reduce__(self) -> tuple[object, ...]:
        return Grok, (self.options,)

    async def open(self, ctx: api.Context) -> None:
        sampler = grok.Sampler(self.options.patterns, self.options.definitions, ctx.clock.monotonic)
        ctx.metrics.table("grok.patterns", sampler.patterns)
        ctx.metrics.table("grok.misses", sampler.misses)
        self._figures = ctx.metrics, sampler

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
            columns = columns.with_field(tuple(capture.field.split(".")), grok.TYPES[capture.type])
        return columns

    def describe(self) -> Mapping[str, str]:
        return {"engine": self._grok.engine, **({"why": self._grok.reason} if self._grok.reason else {})}

    def warnings(self) -> Sequence[tuple[str | None, str, str]]:
        if self._grok.reason is None:
            return ()
        return [("patterns", f"this pattern runs row by row: {self._grok.reason}", "it is about fifty times as slow")]

    def apply(self, batch: api.Batch) -> api.Batch:
        on = self.options.on
        column = batch.frame[on.name] if on.name in batch.frame.columns else batch.frame.select(on.polars).to_series()
        # In `@raw` a carriage return is the end of a line of other systems.
        found = self._grok.match(column, strip_return=on.name == "@raw")
        batch = batch.with_columns(*(found[name] for name in self._flat))
        for name, path in self._nested:
            batch = batch.with_columns(nested.put(batch.frame.schema, path, pl.lit(found[name])))
        matched = found[grok.MATCHED]
        self._count(column, matched, found[grok.REASON])
        if matched.all():
            return batch
        return batch.reject(~matched, "no_match", field=on.name, detail=found[grok.REASON])

    def _count(self, text: pl.Series, matched: pl.Series, reason: pl.Series) -> None:
        """The figures of this node; nothing where it runs outside of an agent."""
        if self._figures is None:
            return
        meter, sampler = self._figures
        hits = int(matched.sum())
        late = int((reason == "timeout").sum()) if hits < matched.len() else 0
        for name, value in (("matched", hits), ("no_match", matched.len() - hits - late), ("timeout", late)):
            meter.count(f"grok.{name}", value)
        sampler.add(text, matched)
