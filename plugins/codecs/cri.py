"""Logs of containers, as containerd and CRI-O write them."""

from __future__ import annotations

import polars as pl

from pipeline import api
from pipeline.api import times
from pipeline.api.grok import MATCHED, Grok

LINE = r"^(?<time>[0-9]{4}-[0-9]{2}-[0-9]{2}T\S+) (?<stream>stdout|stderr) (?<tags>[FP](?::\S*)?)(?: (?<message>.*))?$"


class Options(api.Options):
    pass


class Cri(api.Codec[Options]):
    """Logs of containers, as containerd and CRI-O write them: `2026-01-31T12:00:00.123456789Z stdout F message`.

    `time` is cut to microseconds, `stream` is `stdout` or `stderr`. The runtime writes a line that is longer than 16 KiB in parts:
    `partial` is true for all of them but the last. The filter `unsplit` puts them together. Records of another kind are rejected
    with `not_cri`."""

    name = "cri"
    options_model = Options
    example = """
source access = file("/var/log/nginx/access.log*")
transform wrapped = access | set { line = "{@timestamp:%Y-%m-%dT%H:%M:%SZ} stdout F {@path}" } | decode(cri, line)
sink out = wrapped -> console()
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._grok = Grok(LINE)

    def schema(self) -> api.Columns:
        return api.Columns({"time": api.TIME, "stream": api.STRING, "partial": api.BOOL, "message": api.STRING})

    def decode(self, texts: pl.Series, received: pl.Series) -> api.Decoded:
        found = self._grok.match(texts)
        columns = found.select(
            times.parse(pl.col("time")),
            "stream",
            pl.col("tags").str.starts_with("P").alias("partial"),
            pl.when(MATCHED).then(pl.col("message").fill_null("")).alias("message"),
        )
        if found[MATCHED].all():
            return api.Decoded(columns)
        return api.Decoded(columns, reason=found.select(pl.when(~pl.col(MATCHED)).then(pl.lit("not_cri"))).to_series())
