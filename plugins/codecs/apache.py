"""Apache's logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import polars as pl

from pipeline import api
from pipeline.api import grok, times

Format = Literal["combined", "common", "error"]

PATTERNS: Mapping[Format, str] = {
    "combined": "^%{COMBINEDAPACHELOG}",
    "common": "^%{COMMONAPACHELOG}",
    "error": "^%{HTTPD_ERRORLOG}",
}
TIMES = ["%d/%b/%Y:%H:%M:%S %z", "%a %b %d %H:%M:%S.%f %Y"]
NUMBERS = ("response", "bytes", "pid", "tid", "clientport")
QUOTED = ("referrer", "agent")


class Options(api.Options):
    format: Format = api.option("`combined`, `common`, or `error`.", default="combined")
    zone: str = api.option("The time zone of error logs, which do not tell it.", default="UTC")


class Apache(api.Codec[Options]):
    """Apache's access log (`combined`, `common`) or its error log.

    The fields are those of the grok patterns `COMBINEDAPACHELOG`, `COMMONAPACHELOG` and `HTTPD_ERRORLOG`, with `timestamp` as a time,
    numbers as numbers, and texts without their quotes; `-` is null. Other records are rejected with `not_apache`."""

    name = "apache"
    options_model = Options
    example = """
source access = file("/var/log/nginx/access.log*", codec: apache)
transform failed = access | where(response >= 500)
sink out = failed -> console()
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._lines = grok.Lines([PATTERNS[options.format]], "not_apache")
        try:
            times.parse(pl.lit(""), "iso8601", options.zone)
        except TypeError as error:
            raise api.OptionError(str(error), "zone") from error

    def schema(self) -> api.Columns:
        numbers = {name: api.INT for name in self._lines.fields if name in NUMBERS}
        return api.Columns({**self._lines.fields, **numbers, "timestamp": api.TIME})

    def decode(self, texts: pl.Series, received: pl.Series) -> api.Decoded:
        columns, reason = self._lines.read(texts)
        changed = [times.parse(pl.col("timestamp"), TIMES, self.options.zone)]
        for name in columns.columns:
            value = pl.col(name)
            if name in NUMBERS:
                changed.append(value.cast(pl.Int64, strict=False))
            elif name in QUOTED:
                inner = value.str.slice(1, value.str.len_chars() - 2)
                changed.append(pl.when(inner != "-").then(inner).alias(name))
            elif name != "timestamp":
                changed.append(pl.when(value != "-").then(value).alias(name))
        return api.Decoded(columns.with_columns(changed), reason=reason)
