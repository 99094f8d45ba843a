"""Parse comma-separated values."""

from __future__ import annotations

from pipeline import api
from pipeline.api.decoding import RAW, Parser
from pipeline.api.members import TypeName

from ..codecs import csv as codec


class Options(api.Options):
    field: api.Field = api.option("The text to parse, a string or bytes.", default=RAW)
    columns: list[str] = api.option("Names of the columns in their order, `_` for one to leave out.", min_length=1)
    types: dict[str, TypeName] = api.option(
        "Types of columns, such as `{status: int}`; the others are strings.", default={}
    )
    delimiter: str = api.option("What is between two values.", default=",")
    into: api.NewName | None = api.option(
        "Nest the columns under this name; without it they become fields.", default=None
    )


class Csv(Parser[Options]):
    """Takes the values of one CSV record apart (RFC 4180): `a,"b, c",d` has three.

    A value may be in quotes, in which a quote is doubled; one that is empty is null, unless it is in quotes. What does not convert
    to its column's type is null. A text that is the names of the columns is left out. Texts with another number of
    columns, or with a quote that is not closed, are rejected with `wrong_columns`."""

    name = "csv"
    options_model = Options
    example = """
source access = generate(count: 100)
transform rows = access
  | grok('^%{IP:ip} .* %{INT:status} %{INT:size}')
  | set { text = "{ip},{status},{size}" }
  | csv(text, columns: ['client', 'status', 'size'], types: {status: int, size: int})
  | where(status >= 400)
sink out = rows -> console()
"""

    def decoder(self) -> codec.Csv:
        options = self.options
        return codec.Csv(codec.Options(columns=options.columns, types=options.types, delimiter=options.delimiter))
