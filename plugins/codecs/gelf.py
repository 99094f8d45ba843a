"""Graylog's format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from pipeline import api
from pipeline.api import formats, times
from pipeline.api.spelled import demand_distinct, written_names

FIXED: Mapping[tuple[str, ...], api.Type] = {
    ("version",): api.STRING,
    ("host",): api.STRING,
    ("short_message",): api.STRING,
    ("full_message",): api.STRING,
    ("timestamp",): api.FLOAT,
    ("level",): api.INT,
}


class Options(api.Options):
    pass


class Gelf(api.Codec[Options]):
    """Graylog's GELF 1.1, one JSON object a record.

    `timestamp` (seconds since 1970) is a time. Additional fields keep their names with the `_`, and have the type that their use
    demands. Records that are no JSON are rejected with `not_json`, those without `short_message` with `not_gelf`.

    Written: `host` is `@host`, `timestamp` is `@timestamp`, `short_message` is the field of this name, or `message`, or the
    record; `full_message` and `level` (a number) are taken where they are; every other field gets a `_` before its name,
    and one for each character in it that is neither a letter of ASCII, a digit, `.` nor `-`."""

    name = "gelf"
    options_model = Options
    example = """
source access = file("/var/log/nginx/access.log*", codec: nginx)
transform told = access | set { short_message = "{method} {path}" level = 6 } | keep(short_message, level, status)
sink out = told -> file("out/access.ndjson", format: gelf)
"""
    extension = ".ndjson"
    fixed = True

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._members = api.Members(fixed=FIXED)

    def schema(self) -> api.Columns:
        return self._members.columns.with_field(("timestamp",), api.TIME)

    def demand(self, fields: Mapping[tuple[str, ...], api.Type]) -> None:
        self._members.demand(fields)

    def decode(self, texts: pl.Series, received: pl.Series) -> api.Decoded:
        found = self._members.take(texts)
        columns = found.columns.with_columns(times.parse(pl.col("timestamp"), "unix"))
        lacking = pl.when(columns["short_message"].is_null()).then(pl.lit("not_gelf"))
        reason = pl.select(pl.coalesce(found.reason, lacking)).to_series()
        return replace(found, columns=columns, reason=reason)

    def accept(self, columns: api.Columns, metadata: Sequence[str]) -> None:
        others = {name: kind for name, kind in columns.fields.items() if name not in formats.GELF_OWN}
        told = [name for name in metadata if name not in formats.GELF_OWN]
        demand_distinct(written_names(api.Columns(others), told), formats.gelf_name)

    def encode(self, frame: pl.DataFrame, columns: api.Columns, metadata: Sequence[str]) -> bytes:
        return formats.gelf(frame, columns, metadata)
