"""Parse `key=value` pairs."""

from __future__ import annotations

from pipeline import api
from pipeline.api.decoding import RAW, Parser
from pipeline.api.members import SCHEMA, TypeName

from ..codecs import kv as codec


class Options(api.Options):
    field: api.Field = api.option("The text to parse, a string or bytes.", default=RAW)
    pairs: str = api.option("What stands between two pairs.", default=" ", min_length=1)
    values: str = api.option("What stands between a key and its value.", default="=", min_length=1)
    into: api.NewName | None = api.option(
        "Nest the pairs under this name; without it they become fields.", default=None
    )
    prefix: str = api.option("What the name of every field begins with.", default="")
    keys: list[api.NewName] | None = api.option("The keys to take; without it, all.", default=None)
    types: dict[str, TypeName] = api.option(SCHEMA, default={}, alias="schema")


class Kv(Parser[Options]):
    """Takes `key=value` pairs out of a text and makes them fields: `level=info msg="it is late" took=12`.

    Pairs that the program uses are taken out with the type that their use demands, or that `schema` states, and converted to
    it; a value that cannot be is null. All other pairs are carried as texts and written out. Nothing is inferred from the
    data, so `into`, `prefix` and `keys` keep what strangers write into a log apart from what the program relies on.

    Keys and values may be in quotes, `"` or `'`: then separators in them mean nothing, `\\"` is a quote and `\\n` a line break. A
    quote that is never closed, or after whose end no separator comes, is part of the text. Blanks around keys and values are
    left out. Words without a value are passed over; a value that is not there (`a=`) is an empty text.

    Of a key that is there several times the last wins, as in `json`: elsewhere such a key becomes a list, but here a type
    cannot depend on the data. Keys that begin with `@` land under `fields`. A dot in a key is part of its name, which is then
    written with back-ticks.

    Rows without any pair are rejected with `no_pairs`."""

    name = "kv"
    options_model = Options
    example = """
source access = generate(count: 100)
transform parsed = access
  | grok('%{NGINX_COMBINED}')
  | set { line = "method={method} status={status} agent='{user_agent}'" }
  | kv(line, into: pairs, schema: {status: int})
  | where(pairs.status >= 400)
sink out = parsed -> console()
"""

    def decoder(self) -> codec.Kv:
        options = self.options
        return codec.Kv(
            codec.Options(
                pairs=options.pairs,
                values=options.values,
                prefix=options.prefix,
                keys=options.keys,
                types=options.types,
            )
        )
