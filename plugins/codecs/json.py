"""JSON objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from pipeline import api
from pipeline.api import formats
from pipeline.api.members import SCHEMA, TypeName


class Options(api.Options):
    types: dict[str, TypeName] = api.option(SCHEMA, default={}, alias="schema")


class Json(api.Codec[Options]):
    """One JSON object a record.

    Read: as the filter [`json`](../filters/json.md) does it. Written: `@timestamp` and all fields, nested; nulls are left out. Rows
    that a filter rejected show their record and the reason."""

    name = "json"
    options_model = Options
    example = """
source access = file("/var/log/nginx/access.log*", codec: lines)
transform wrapped = access | keep(message)
sink out = wrapped -> file("out/lines.ndjson", format: json)
"""
    extension = ".ndjson"

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._members = api.Members(options.types)

    def schema(self) -> api.Columns:
        return self._members.columns

    def demand(self, fields: Mapping[tuple[str, ...], api.Type]) -> None:
        self._members.demand(fields)

    def decode(self, texts: pl.Series, received: pl.Series) -> api.Decoded:
        return self._members.take(texts)

    def encode(self, frame: pl.DataFrame, columns: api.Columns, metadata: Sequence[str]) -> bytes:
        return formats.ndjson(frame, columns, metadata)
