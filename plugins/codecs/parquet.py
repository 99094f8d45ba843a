"""Parquet files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import polars as pl

from pipeline import api
from pipeline.api import formats


class Options(api.Options):
    pass


class Parquet(api.Codec[Options]):
    """Columns of `@timestamp` and all fields, compressed; files appear when they are complete."""

    name = "parquet"
    options_model = Options
    example = """
source access = file("/var/log/nginx/access.log*", codec: nginx)
sink out = access -> file("out/columns/", format: parquet)
"""
    extension = ".parquet"
    whole = True
    compressed = True

    def encode(self, frame: pl.DataFrame, columns: api.Columns, metadata: Sequence[str]) -> bytes:
        return formats.spool(frame, columns, metadata)

    def form(self, columns: api.Columns, metadata: Sequence[str]) -> str:
        fields = {name: str(kind) for name, kind in columns.fields.items()}
        return json.dumps({"metadata": list(metadata), "fields": fields, "open": columns.open})

    def finish(self, spooled: Iterable[bytes], form: str) -> Iterable[bytes]:
        return [formats.finish(spooled)]
