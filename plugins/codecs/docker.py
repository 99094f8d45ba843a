"""Docker's json-file logs."""

from __future__ import annotations

import polars as pl

from pipeline import api
from pipeline.api import jsontext

TAKEN = {"log": api.STRING, "stream": api.STRING, "time": api.TIME, "attrs": api.JSON}


class Options(api.Options):
    pass


class Docker(api.Codec[Options]):
    r"""Logs of containers, as Docker's `json-file` driver writes them: `{"log":"message\n","stream":"stdout","time":"…"}`.

    `message` is the line without its end. Docker writes a line that is longer than 16 KiB in parts: `partial` is true for all of
    them but the last. The filter `unsplit` puts them together.
    `attrs` are the labels that the driver was told to add. Records that are no JSON are rejected with `not_json`, those without
    `log` with `not_docker`."""

    name = "docker"
    options_model = Options
    example = r"""
source access = generate(count: 100)
transform wrapped = access
  | set { line = '{"log":"GET /\n","stream":"stdout","time":"2026-01-31T12:00:00.5Z"}' }
  | decode(docker, line)
sink out = wrapped -> console()
"""

    def schema(self) -> api.Columns:
        return api.Columns(
            {
                "time": api.TIME,
                "stream": api.STRING,
                "partial": api.BOOL,
                "message": api.STRING,
                "attrs": api.JSON,
            }
        )

    def decode(self, texts: pl.Series, received: pl.Series) -> api.Decoded:
        found = jsontext.extract(texts, TAKEN)
        line = pl.col("log")
        columns = found.columns.select(
            "time",
            "stream",
            (~line.str.ends_with("\n")).alias("partial"),
            # A carriage return at the end of a part that goes on is a character like others.
            pl.when(line.str.ends_with("\r\n"))
            .then(line.str.strip_suffix("\r\n"))
            .otherwise(line.str.strip_suffix("\n"))
            .alias("message"),
            "attrs",
        )
        lacking = pl.when(columns["message"].is_null()).then(pl.lit("not_docker"))
        reason = pl.select(pl.coalesce(found.reason, lacking)).to_series()
        return api.Decoded(columns, reason=reason, detail=found.detail)
