"""Hide what a regex finds in a text."""

from pipeline import api
from pipeline.api import nested


class Options(api.Options):
    field: api.Field = api.option("The text.")
    pattern: str = api.option("What to hide, a /regex/.")
    mask: str = api.option("What stands there instead; `$1` is the first group.", default="***")


class Hide(api.Filter[Options], api=1):
    """Replaces what a regex finds in a text. `@raw` still has the record as it came."""

    name = "hide"
    options_model = Options
    example = r"""
source access = generate(count: 100)
transform safe = access | grok('%{NGINX_COMBINED}') | hide(path, /(q|token)=[^&]+/, mask: '$1=***')
sink out = safe -> console()
"""

    def schema(self, columns: api.Columns) -> api.Columns:
        if self.options.field.type != api.STRING:
            raise api.OptionError(f"hide changes texts, and this is of type {self.options.field.type}", "field")
        return columns

    def apply(self, batch: api.Batch) -> api.Batch:
        text = self.options.field.polars.str.replace_all(self.options.pattern, self.options.mask)
        return batch.with_columns(nested.put(batch.frame.schema, self.options.field.path, text))
