"""Streams of Grafana Loki."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pipeline import api
from pipeline.api import formats
from pipeline.api.spelled import demand_distinct


class Options(api.Options):
    labels: list[api.Field] = api.option("Fields that are labels of the stream; few, with few values.", default=[])
    line: api.Field = api.option("What is the line.", default=api.Field(("@raw",), api.BYTES))


class Loki(api.Codec[Options]):
    """One element of `streams` of Loki's push API a line: `{"stream":{"host":"a"},"values":[["<nanoseconds>","<line>"]]}`.

    The labels are `host` (`@host`) and the fields that are named; the time is `@timestamp`. In names of labels, `_`
    stands for what is neither a letter of ASCII nor a digit. To push, the lines are put between
    `{"streams":[` and `]}` with commas."""

    name = "loki"
    options_model = Options
    example = """
source access = file("/var/log/nginx/access.log*", codec: nginx)
sink out = access -> file("out/streams.ndjson", format: loki(labels: [method]))
"""
    extension = ".ndjson"

    def accept(self, columns: api.Columns, metadata: Sequence[str]) -> None:
        demand_distinct(["@host", *(field.name for field in self.options.labels)], formats.label_name, "labels")

    def encode(self, frame: pl.DataFrame, columns: api.Columns, metadata: Sequence[str]) -> bytes:
        labels = [(formats.label_name(field.name), field.values(frame), field.type) for field in self.options.labels]
        return formats.loki(frame, labels, (self.options.line.values(frame), self.options.line.type))
