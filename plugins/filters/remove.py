"""Remove fields."""

from __future__ import annotations

from pipeline import api
from pipeline.api import nested


class Options(api.Options):
    fields: list[api.Field] = api.option("The fields to remove; paths remove one member of a record.", min_length=1)

    rest = "fields"


class Remove(api.Filter[Options]):
    """Removes these fields. A record that has no members left goes too. Metadata cannot be removed."""

    name = "remove"
    options_model = Options
    example = """
source access = generate(count: 100)
transform anonymous = access
  | grok('%{NGINX_COMBINED}')
  | remove(remote_addr, remote_user)
sink out = anonymous -> console()
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        for field in options.fields:
            if field.path[0].startswith("@"):
                raise api.OptionError(
                    f"{field.name} is metadata and cannot be removed", "fields", "outputs write none of it unless asked"
                )

    def schema(self, columns: api.Columns) -> api.Columns:
        for field in self.options.fields:
            columns = nested.forgotten(columns, field.path)
        return columns

    def apply(self, batch: api.Batch) -> api.Batch:
        frame = batch.frame
        for field in self.options.fields:
            frame = nested.without(frame, field.path)
        return batch.with_frame(frame)
