"""The W3C's extended log format."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Literal

import polars as pl

from pipeline import api
from pipeline.api import times
from pipeline.api.delimited import Cells
from pipeline.api.members import TypeName

IIS = [
    "date",
    "time",
    "s-ip",
    "cs-method",
    "cs-uri-stem",
    "cs-uri-query",
    "s-port",
    "cs-username",
    "c-ip",
    "cs(User-Agent)",
    "cs(Referer)",
    "sc-status",
    "sc-substatus",
    "sc-win32-status",
    "time-taken",
]
CLOUDFRONT = [
    "date",
    "time",
    "x-edge-location",
    "sc-bytes",
    "c-ip",
    "cs-method",
    "cs(Host)",
    "cs-uri-stem",
    "sc-status",
    "cs(Referer)",
    "cs(User-Agent)",
    "cs-uri-query",
    "cs(Cookie)",
    "x-edge-result-type",
    "x-edge-request-id",
    "x-host-header",
    "cs-protocol",
    "cs-bytes",
    "time-taken",
    "x-forwarded-for",
    "ssl-protocol",
    "ssl-cipher",
    "x-edge-response-result-type",
    "cs-protocol-version",
    "fle-status",
    "fle-encrypted-fields",
    "c-port",
    "time-to-first-byte",
    "x-edge-detailed-result-type",
    "sc-content-type",
    "sc-content-len",
    "sc-range-start",
    "sc-range-end",
]
PRESETS = {"iis": (IIS, " "), "cloudfront": (CLOUDFRONT, "\t")}


class Options(api.Options):
    fields: Literal["iis", "cloudfront"] | list[str] = api.option(
        "`iis`, `cloudfront`, or the fields as the log's own `#Fields:` line names them.", default="iis"
    )
    types: dict[str, TypeName] = api.option(
        "Types of fields, such as `{sc_status: int}`; the others are strings.", default={}
    )


class W3c(api.Codec[Options]):
    """The W3C's extended log format, as IIS and CloudFront write it.

    Which columns there are is said in the program, so that it can be checked before it runs, and so that a start in the middle of
    a file knows it too. A `#Fields:` line that says something else is rejected with `other_fields`: look at the records after
    it. The filter `w3c` follows such lines, and takes longer. Other lines that begin with `#` are left out. `cs(User-Agent)` is the field `cs_user_agent`, and so on; `-` is null;
    `date_time` is the time that `date` and `time` tell. Records with another number of columns are rejected with `wrong_columns`."""

    name = "w3c"
    options_model = Options
    example = """
source access = generate(count: 100)
transform parsed = access
  | set { line = '2026-01-31 12:00:00 10.0.0.1 GET /a - 443 - 10.0.0.9 curl/8 - 200 0 0 15' }
  | decode(w3c(iis, types: {sc_status: int, time_taken: int}), line)
sink out = parsed -> console()
"""

    def __init__(self, options: Options, delimiter: str = " ") -> None:
        """`delimiter`: what is between two values, where the fields are no preset."""
        super().__init__(options)
        if isinstance(options.fields, str):
            self._given, self.delimiter = PRESETS[options.fields]
        else:
            self._given, self.delimiter = options.fields, delimiter
        self._cells = Cells(
            [named(name) for name in self._given], options.types, self.delimiter, option="fields", missing="-"
        )

    def schema(self) -> api.Columns:
        timed = {"date", "time"} <= set(self._cells.columns.fields)
        return self._cells.columns.with_field(("date_time",), api.TIME) if timed else self._cells.columns

    def decode(self, texts: pl.Series, received: pl.Series) -> api.Decoded:
        found = self._cells.read(texts)
        columns = found.columns
        if "date_time" in self.schema().fields:
            columns = columns.with_columns(_time(columns).alias("date_time"))
        directive = texts.str.starts_with("#")
        if not directive.any():
            return replace(found, columns=columns)
        said = texts.str.strip_prefix("#Fields:").str.extract_all(r"\S+").list.join(" ")
        other = directive & texts.str.starts_with("#Fields:") & (said != " ".join(self._given))
        nothing = pl.lit(None, dtype=pl.String)
        told = pl.select(
            pl.when(other)
            .then(pl.lit("other_fields"))
            .when(~directive)
            .then(nothing if found.reason is None else found.reason)
            .alias("reason"),
            pl.when(other)
            .then(said)
            .when(~directive)
            .then(nothing if found.detail is None else found.detail)
            .alias("detail"),
        )
        return api.Decoded(columns, reason=told["reason"], detail=told["detail"], skipped=directive)


def _time(columns: pl.DataFrame) -> pl.Series:
    text = columns.select((pl.col("date").cast(pl.String) + "T" + pl.col("time").cast(pl.String)).alias("t"))
    return text.select(times.parse(pl.col("t"))).to_series()


def named(name: str) -> str:
    """The name of a field: `cs(User-Agent)` is `cs_user_agent`."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or name
