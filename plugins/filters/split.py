"""Make an event of each part of a text."""

from __future__ import annotations

from pipeline import api

from .several import EMPTY, INDEX, MOST, Empty, changed, limited, made, numbered, own, placed


class Options(api.Options):
    field: api.Field = api.option("The text.")
    on: str = api.option("What stands between two parts.")
    into: api.NewName | None = api.option(
        "The field for the part; the text goes. Without it the part takes the place of the text.", default=None
    )
    index: api.NewName | None = api.option(INDEX, default=None)
    empty: Empty = api.option(EMPTY + " Nothing is made of a text that is null.", default="keep")
    most: int = api.option(MOST, default=10_000, ge=1, le=1_000_000)


class Split(api.Filter[Options]):
    """Makes an event of each part of a text. The part takes the place of the text, everything else is copied: all fields, `@timestamp`,
    `@raw` and the other metadata. In `@item` and `@rid` each has its number, so that it is told apart from the others of its
    record, and is the same when that is read again.

    Empty parts stay, and an empty text is one empty part; spaces stay, too: `| set { tag = trim(tag) } | where(tag != '')`. A
    text that is null makes one event with null; with `empty: drop` none, and the event is filtered. The function
    `split` makes a list of the parts instead."""

    name = "split"
    makes = True
    drops = True
    options_model = Options
    example = """
source access = generate(count: 100)
transform words = access
  | grok('%{NGINX_COMBINED}')
  | keep(path)
  | split(path, on: '/', into: part, index: depth)
  | where(part != '')
transform facts = words | window(10s) { seen = count() by part }
sink out = facts -> console()
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._path = options.field.path
        own(options.into, "into")
        own(options.index, "index")
        if options.index == (options.into or self._path[0]):
            raise api.OptionError(f"{options.index} is the field of what is made", "index", "name another field")
        if self._path[0].startswith("@"):
            raise api.OptionError(f"{options.field.name} is metadata", "field", "name a field of your own")
        if not options.on:
            raise api.OptionError("nothing stands between two parts", "on", "such as on: ','")

    def schema(self, columns: api.Columns) -> api.Columns:
        options = self.options
        if options.field.type.kind != "string":
            told = f"{options.field.name} is of type {options.field.type}, not a string"
            help = "make events of its elements: unnest" if options.field.type.kind == "list" else "name a text"
            raise api.OptionError(told, "field", help)
        columns = changed(columns, self._path, options.into, api.STRING)
        return columns if options.index is None else columns.with_field((options.index,), api.INT)

    def apply(self, batch: api.Batch) -> api.Batch:
        options = self.options
        parts = options.field.values(batch.frame).str.split(options.on)
        batch, parts = limited(batch, parts, options.most, options.field.name)
        many, values = made(batch, parts, options.empty)
        return numbered(placed(many, self._path, options.into, values), parts, options.index)
