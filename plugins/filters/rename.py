"""Give fields other names."""

from __future__ import annotations

import polars as pl

from pipeline import api
from pipeline.api import nested


class Options(api.Options):
    block: api.Renames = api.option("`new = old` entries, done in order.")


class Rename(api.Filter[Options]):
    """Renames fields: `rename { client = remote_addr  url.path = path }`. Paths move a member into or out of a record.

    A field that already has the new name is replaced. Metadata cannot be renamed."""

    name = "rename"
    options_model = Options
    example = """
source access = generate(count: 100)
transform ecs = access
  | grok('%{NGINX_COMBINED}')
  | rename { client.address = remote_addr  url.path = path }
sink out = ecs -> console()
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        for entry in options.block:
            for path in (entry.target, entry.field.path):
                if path[0].startswith("@"):
                    raise api.OptionError(
                        f"{'.'.join(path)} is metadata and has a fixed name", "block", "copy it with `set { name = … }`"
                    )
            if entry.target[: len(entry.field.path)] == entry.field.path and entry.target != entry.field.path:
                raise api.OptionError(f"{entry.field.name} cannot become a member of itself", "block")

    def schema(self, columns: api.Columns) -> api.Columns:
        for entry in self.options.block:
            kind = columns.get(entry.field.path)
            if kind is not None and entry.target != entry.field.path:
                columns = nested.forgotten(columns, entry.field.path).with_field(entry.target, kind)
        return columns

    def apply(self, batch: api.Batch) -> api.Batch:
        frame = batch.frame
        for entry in self.options.block:
            old, new = entry.field.path, entry.target
            if old == new or old[0] not in frame.columns:
                continue
            values = frame.select(entry.field.polars.alias("value")).to_series()
            frame = nested.without(frame, old)
            frame = frame.with_columns(nested.put(frame.schema, new, pl.lit(values)))
        return batch.with_frame(frame)
