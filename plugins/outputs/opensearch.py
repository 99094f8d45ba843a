"""Documents in OpenSearch. This version checks the options and does not deliver yet."""

from __future__ import annotations

import polars as pl

from pipeline import api
from pipeline.api import formats


class Options(api.Options):
    url: str = api.option("The cluster: `https://host:9200`.")
    index: api.Template = api.option("The index, such as `facts-{window_start:%Y.%m.%d}`.")


class OpenSearch(api.Output[Options]):
    """Documents in OpenSearch, one an event; events with an `id` replace their earlier revisions.

    This version checks programs that use `opensearch` and refuses to run them. Write to local files with
    `file("facts.ndjson")` and load them with a tool of your choice."""

    name = "opensearch"
    options_model = Options
    example = """
source access = generate(count: 100)
transform parsed = access | grok('%{NGINX_COMBINED}')
sink search = parsed -> opensearch("http://localhost:9200", index: "access-{@timestamp:%Y.%m.%d}")
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._columns = api.Columns({})
        if not options.url.startswith(("http://", "https://")):
            raise api.OptionError("this is no http url", "url", "write 'https://host:9200'")
        if not options.index.prefix:
            raise api.OptionError(
                "the index begins with a field, so events could name any index",
                "index",
                'begin with a text: "logs-{x}"',
            )

    def schema(self, columns: api.Columns) -> None:
        self._columns = columns

    def guarantee(self) -> tuple[api.Guarantee, str]:
        return (
            "exactly once",
            "ids and versions of documents are fixed by what was committed (this version does not deliver yet)",
        )

    @property
    def layout(self) -> api.Layout:
        return api.Layout(path=self.options.index, extension=".ndjson")

    async def open(self, ctx: api.Context) -> None:
        raise api.ConfigurationError(
            "this version cannot deliver to OpenSearch yet", 'write to local files with file("facts.ndjson")'
        )

    def encode(self, frame: pl.DataFrame) -> bytes:
        return formats.ndjson(frame, self._columns)

    async def deliver(self, segment: api.Segment) -> api.Result:
        raise api.ConfigurationError("this version cannot deliver to OpenSearch yet")
