"""Parse JSON objects."""

from __future__ import annotations

from pipeline import api
from pipeline.api.decoding import RAW, Parser
from pipeline.api.members import SCHEMA, TypeName

from ..codecs import json as codec


class Options(api.Options):
    field: api.Field = api.option("The text to parse, a string or bytes.", default=RAW)
    into: api.NewName | None = api.option(
        "Nest the members under this name; without it they become fields.", default=None
    )
    types: dict[str, TypeName] = api.option(SCHEMA, default={}, alias="schema")


class Json(Parser[Options]):
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

    def decoder(self) -> codec.Json:
        return codec.Json(codec.Options(types=self.options.types))
