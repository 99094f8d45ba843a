"""Make an event of each element of a list."""

from __future__ import annotations

import polars as pl

from pipeline import api
from pipeline.api import nested
from pipeline.api.jsontext import extract

from .several import EMPTY, INDEX, MOST, Empty, changed, limited, made, numbered, own, placed


class Options(api.Options):
    field: api.Field = api.option("The list, or a JSON value that is one.")
    into: api.NewName | None = api.option(
        "The field for the element; the list goes. Without it the element takes the place of the list.", default=None
    )
    spread: bool = api.option(
        "Make the members of elements that are records fields of the event; the list goes.", default=False
    )
    index: api.NewName | None = api.option(INDEX, default=None)
    empty: Empty = api.option(EMPTY + " Its element is null.", default="keep")
    most: int = api.option(MOST, default=10_000, ge=1, le=1_000_000)


class Unnest(api.Filter[Options]):
    """Makes an event of each element of a list. The element takes the place of the list, everything else is copied: all fields,
    `@timestamp`, `@raw` and the other metadata. In `@item` and `@rid` each has its number, so that it is told apart from the others
    of its record, and is the same when that is read again.

    A list that is empty, or null, makes one event whose element is null; with `empty: drop` none, and the event is filtered. Elements
    that are null are elements. A JSON value that is no list is rejected with `not_a_list`; elements of one that is are
    JSON: `unnest(Records) | json(Records, into: record)`.

    With `spread: true` the members of elements that are records become fields of the event; without it they are `items.name`. A member
    with the name of another field is an error.

    Outputs that write records as they came (`format: raw`) write the record for each of its events: let them read what is before the
    `unnest`. A window counts each event that is made."""

    name = "unnest"
    makes = True
    drops = True
    options_model = Options
    example = """
source access = generate(count: 100)
transform words = access
  | grok('%{NGINX_COMBINED}')
  | set { part = split(path, '/') }
  | unnest(part, index: depth, empty: drop)
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
            raise api.OptionError(f"{options.field.name} is metadata", "field", "name a list of your own")
        if options.spread and options.into is not None:
            raise api.OptionError("what is spread goes into no field", "into", "leave out one of `spread` and `into`")

    def schema(self, columns: api.Columns) -> api.Columns:
        options = self.options
        kind = options.field.type
        if kind.kind not in ("list", "json"):
            raise api.OptionError(f"{options.field.name} is of type {kind}, not a list", "field", "name a list")
        item = (kind.item or api.NULL) if kind.kind == "list" else api.JSON
        spread = options.spread
        columns = self._spread(columns, item) if spread else changed(columns, self._path, options.into, item)
        return columns if options.index is None else columns.with_field((options.index,), api.INT)

    def _spread(self, columns: api.Columns, item: api.Type) -> api.Columns:
        if item.kind != "record" or item.open:
            told = "whose members nobody named" if item.kind == "record" else f"of type {item}"
            help = "name its members: the field is `" + self.options.field.name + ".NAME` without `spread`"
            raise api.OptionError(f"elements {told} cannot be spread", "spread", help)
        columns = nested.forgotten(columns, self._path)
        for name, kind in item.fields:
            if name in columns.fields:
                raise api.OptionError(f"there would be two fields {name}", "spread", "rename the field before")
            columns = columns.with_field((name,), kind)
        return columns

    def apply(self, batch: api.Batch) -> api.Batch:
        options = self.options
        lists = options.field.values(batch.frame)
        if options.field.type.kind == "json":
            texts = lists
            lists = _elements(texts)
            other = lists.is_null() & texts.is_not_null() & (texts != "null").fill_null(value=False)
            batch = batch.reject(other, "not_a_list", field=options.field.name)
            lists = lists.filter(~other)
        batch, lists = limited(batch, lists, options.most, options.field.name)
        many, values = made(batch, lists, options.empty)
        if options.spread:
            many = many.with_frame(nested.without(many.frame, self._path))
            many = many.with_columns(*values.struct.unnest().get_columns())
        else:
            many = placed(many, self._path, options.into, values)
        return numbered(many, lists, options.index)


def _elements(texts: pl.Series) -> pl.Series:
    """The elements of JSON lists as JSON; null for what is no list."""
    kind = api.list_of(api.JSON)
    return extract(('{"v":' + texts + "}").alias(texts.name), {"v": kind}).columns.to_series()
