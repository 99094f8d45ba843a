"""logfmt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from pipeline import api
from pipeline.api import formats
from pipeline.api.members import SCHEMA, TypeName
from pipeline.api.pairs import objects
from pipeline.api.spelled import demand_distinct, written_names


class Options(api.Options):
    types: dict[str, TypeName] = api.option(SCHEMA, default={}, alias="schema")


class Logfmt(api.Codec[Options]):
    r"""logfmt: `level=info msg="request done" status=200`.

    Members that the program uses are taken out with the type that their use demands, or that `schema` states; what does not
    convert is null. The others are carried on and written as texts. A name without a value is `true`; of duplicate names the
    last wins. In quotes, the escapes of JSON are known. A name with a dot in it is written with back-ticks.

    Records without any `name=value`, or with a quote that is not closed, are rejected with `not_logfmt`.

    Written: `@timestamp` first, then the fields; members of records with their path (`geo.country=DE`), nulls left out. In
    names, `_` stands for blanks, quotes and `=`."""

    name = "logfmt"
    options_model = Options
    example = """
source access = file("/var/log/nginx/access.log*", codec: nginx)
transform short = access | keep(status, path)
sink out = short -> file("out/access.log", format: logfmt)
"""
    extension = ".log"
    fixed = True

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._members = api.Members(options.types, texts=True)

    def schema(self) -> api.Columns:
        return self._members.columns

    def demand(self, fields: Mapping[tuple[str, ...], api.Type]) -> None:
        self._members.demand(fields)

    def decode(self, texts: pl.Series, received: pl.Series) -> api.Decoded:
        found = objects(texts, "logfmt")
        taken = self._members.take(found)
        if found.null_count() == 0:
            return taken
        reason = pl.select(pl.when(found.is_null()).then(pl.lit("not_logfmt"))).to_series()
        return replace(taken, reason=reason, detail=None)

    def accept(self, columns: api.Columns, metadata: Sequence[str]) -> None:
        demand_distinct(written_names(columns, metadata), formats.logfmt_name)

    def encode(self, frame: pl.DataFrame, columns: api.Columns, metadata: Sequence[str]) -> bytes:
        return formats.logfmt(frame, columns, metadata)
