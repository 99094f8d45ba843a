"""Events of Splunk's HTTP event collector."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pipeline import api
from pipeline.api import formats


class Options(api.Options):
    sourcetype: str | None = api.option("Splunk's `sourcetype`.", default=None)
    index: str | None = api.option("Splunk's `index`.", default=None)


class Hec(api.Codec[Options]):
    """One event of Splunk's HTTP event collector a line: `{"time":1769860800.5,"host":"web1","source":"…","event":{…}}`.

    `time` is `@timestamp`, `host` is `@host`, `source` is `@path` or the name of the source; `event` has all fields. Metadata that
    is asked for is indexed: `"fields":{"rid":"…"}`."""

    name = "hec"
    options_model = Options
    example = """
source access = file("/var/log/nginx/access.log*", codec: nginx)
sink out = access -> file("out/events.ndjson", format: hec(sourcetype: 'nginx'))
"""
    extension = ".ndjson"

    def encode(self, frame: pl.DataFrame, columns: api.Columns, metadata: Sequence[str]) -> bytes:
        fixed = {"sourcetype": self.options.sourcetype, "index": self.options.index}
        return formats.hec(
            frame, columns, {name: value for name, value in fixed.items() if value is not None}, metadata
        )
