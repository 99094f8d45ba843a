"""Make members of records fields of the top level."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from pipeline import api


class Options(api.Options):
    fields: list[api.Field] = api.option("The records; without any, all that there are.", default=[])
    separator: str = api.option("What stands between the names of a path.", default=".")

    rest = "fields"


class Flatten(api.Filter[Options]):
    """Turns records into fields of the top level, named by their paths: `geo.country` is then one name, written with back-ticks, and
    with `separator: '_'` it is `geo_country`. Records in records too; lists stay as they are.

    A record that is null gives members that are null. Members that nobody named (after `json`) stay where they are: a record that
    has such members is left with them alone. A field that has the name of a member already is an error."""

    name = "flatten"
    options_model = Options
    example = """
source access = generate(count: 100)
transform flat = access
  | grok('%{NGINX_COMBINED}')
  | geoip(remote_addr)
  | flatten(geo, separator: '_')
  | keep(path, geo_country)
sink out = flat -> console()
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        for field in options.fields:
            if len(field.path) > 1 or field.name.startswith("@"):
                help = f"flatten({field.path[0]})" if len(field.path) > 1 else "flatten fields of your own"
                raise api.OptionError(f"{field.name} is not a field of the top level", "fields", help)
        self._names = frozenset(field.name for field in options.fields)

    def schema(self, columns: api.Columns) -> api.Columns:
        for field in self.options.fields:
            if field.type.kind != "record":
                raise api.OptionError(f"{field.name} is of type {field.type}, not a record", "fields", "leave it out")
        made: dict[str, api.Type] = {}
        for name, kind in columns.fields.items():
            chosen = kind.kind == "record" and (not self._names or name in self._names)
            for inner, found in _members(name, kind, self.options.separator) if chosen else [(name, kind)]:
                if inner in made:
                    help = "take another `separator`, or rename the field before"
                    raise api.OptionError(f"there would be two fields {inner}", "fields", help)
                made[inner] = found
        return api.Columns(made, columns.open)

    def apply(self, batch: api.Batch) -> api.Batch:
        made: list[pl.Expr] = []
        for name, kind in batch.frame.schema.items():
            chosen = (
                isinstance(kind, pl.Struct) and not name.startswith("@") and (not self._names or name in self._names)
            )
            made += _columns(name, pl.col(name), kind, self.options.separator) if chosen else [pl.col(name)]
        return batch.with_frame(batch.frame.select(made))


def _members(name: str, kind: api.Type, separator: str) -> Iterator[tuple[str, api.Type]]:
    """The fields that a value becomes, with their types."""
    if kind.kind != "record":
        yield name, kind
        return
    for inner, found in kind.fields:
        yield from _members(f"{name}{separator}{inner}", found, separator)
    if kind.open:
        yield name, api.record({}, open=True)


def _columns(name: str, value: pl.Expr, kind: pl.DataType, separator: str) -> Iterator[pl.Expr]:
    """The same as columns."""
    if not isinstance(kind, pl.Struct):
        yield value.alias(name)
        return
    members: Mapping[str, object] = {field.name: field.dtype for field in kind.fields}
    for inner, found in members.items():
        if inner != api.REST and isinstance(found, pl.DataType):
            yield from _columns(f"{name}{separator}{inner}", value.struct.field(inner), found, separator)
    if api.REST in members:
        left = pl.struct(value.struct.field(api.REST))
        yield pl.when(value.is_not_null()).then(left).alias(name)
