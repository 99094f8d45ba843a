"""`key=value` pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from pipeline import api
from pipeline.api import keyvalues
from pipeline.api.members import SCHEMA, TypeName

NO_PAIRS = "no_pairs"


class Options(api.Options):
    pairs: str = api.option("What stands between two pairs.", default=" ", min_length=1)
    values: str = api.option("What stands between a key and its value.", default="=", min_length=1)
    prefix: str = api.option("What the name of every field begins with.", default="")
    keys: list[api.NewName] | None = api.option("The keys to take; without it, all.", default=None)
    types: dict[str, TypeName] = api.option(SCHEMA, default={}, alias="schema")


class Kv(api.Codec[Options]):
    """Takes `key=value` pairs out of a text and makes them fields: `level=info msg="it is late" took=12`.

    Pairs that the program uses are taken out with the type that their use demands, or that `schema` states, and converted to
    it; a value that cannot be is null. All other pairs are carried as texts and written out. Nothing is inferred from the
    data, so `prefix` and `keys` keep what strangers write into a log apart from what the program relies on.

    Keys and values may be in quotes, `"` or `'`: then separators in them mean nothing, `\\"` is a quote and `\\n` a line break. A
    quote that is never closed, or after whose end no separator comes, is part of the text. Blanks around keys and values are
    left out. Words without a value are passed over; a value that is not there (`a=`) is an empty text.

    Of a key that is there several times the last wins, as in `json`: elsewhere such a key becomes a list, but here a type
    cannot depend on the data. Keys that begin with `@` land under `fields`. A dot in a key is part of its name, which is then
    written with back-ticks.

    Records without any pair are rejected with `no_pairs`."""

    name = "kv"
    options_model = Options
    example = """
source access = generate(count: 100)
transform pairs = access
  | grok('%{NGINX_COMBINED}')
  | set { line = "method={method} status={status} agent='{user_agent}'" }
  | decode(kv(schema: {status: int}), line, into: pairs)
  | where(pairs.status >= 400)
sink out = pairs -> console()
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        if options.pairs == options.values:
            raise api.OptionError("pairs and values are separated by the same text", "values", "such as values: '='")
        for name in ("pairs", "values"):
            if any(mark in getattr(options, name) for mark in "\"'"):
                raise api.OptionError(
                    "a quote cannot separate: it holds values together", name, "use `dissect` or `grok`"
                )
        self._members = api.Members(options.types, texts=True)
        unknown = (
            [] if options.keys is None else [name for name in options.types if self._key(name) not in options.keys]
        )
        if unknown:
            help = f"the keys that are taken are {', '.join(options.keys or ())}"
            raise api.OptionError(f"`schema` has {unknown[0]}, which is not among `keys`", "schema", help)

    def _key(self, name: str) -> str:
        """The key of the data that gets this name."""
        return name.removeprefix(self.options.prefix)

    def schema(self) -> api.Columns:
        return self._members.columns

    def demand(self, fields: Mapping[tuple[str, ...], api.Type]) -> None:
        self._members.demand(fields)

    def decode(self, texts: pl.Series, received: pl.Series) -> api.Decoded:
        options = self.options
        found = keyvalues.objects(texts, options.pairs, options.values, options.prefix, options.keys)
        taken = self._members.take(found)
        if found.null_count() == 0:
            return taken
        return replace(
            taken, reason=pl.select(pl.when(found.is_null()).then(pl.lit(NO_PAIRS))).to_series(), detail=None
        )
