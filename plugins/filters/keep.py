"""Keep some fields."""

from __future__ import annotations

from collections.abc import Container

from pipeline import api
from pipeline.api import nested


class Options(api.Options):
    fields: list[api.Field] = api.option("The fields to keep; paths keep one member of a record.", min_length=1)

    rest = "fields"


class Keep(api.Filter[Options]):
    """Keeps these fields and removes all others. Metadata (`@timestamp`, `@raw`, …) always stays.

    After `json`, members that nobody named are removed too."""

    name = "keep"
    options_model = Options
    example = """
source access = generate(count: 100)
transform small = access
  | grok('%{NGINX_COMBINED}')
  | geoip(remote_addr)
  | keep(status, path, geo.country)
sink out = small -> console()
"""

    def schema(self, columns: api.Columns) -> api.Columns:
        kept = api.Columns({})
        for name in self._names(columns.fields):
            paths = [field.path for field in self.options.fields if field.path[0] == name]
            if (name,) in paths:
                kept = kept.with_field((name,), columns.fields[name])
                continue
            for path in paths:
                kind = columns.get(path)
                if kind is not None:
                    kept = kept.with_field(path, kind)
        return kept

    def apply(self, batch: api.Batch) -> api.Batch:
        schema = batch.frame.schema
        metadata = [name for name in schema if name.startswith("@") and name != api.REST]
        fields = [
            nested.pick(schema, name, [field.path for field in self.options.fields if field.path[0] == name])
            for name in self._names(schema)
        ]
        return batch.with_frame(batch.frame.select(*metadata, *fields))

    def _names(self, known: Container[str]) -> list[str]:
        """Top-level names, in the order of the options."""
        names = dict.fromkeys(field.path[0] for field in self.options.fields)
        return [name for name in names if not name.startswith("@") and name in known]
