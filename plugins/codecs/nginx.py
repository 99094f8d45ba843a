"""nginx's logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import polars as pl

from pipeline import api
from pipeline.api import grok, times

Format = Literal["combined", "error"]

PATTERNS: Mapping[Format, str] = {
    "combined": "^%{NGINX_COMBINED}",
    "error": (
        r"^(?<time>[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}) \[(?<level>[a-z]+)\] "
        r"(?<pid:int>[0-9]+)#(?<tid:int>[0-9]+): (?:\*(?<connection:int>[0-9]+) )?(?<message>.*)$"
    ),
}
TIMES: Mapping[str, str] = {"time_local": "%d/%b/%Y:%H:%M:%S %z", "time": "%Y/%m/%d %H:%M:%S"}


class Options(api.Options):
    format: Format = api.option("`combined`, which access logs have by default, or `error`.", default="combined")
    zone: str = api.option("The time zone of error logs, which do not tell it.", default="UTC")


class Nginx(api.Codec[Options]):
    """nginx's access log (`combined`) or its error log.

    `combined` has the fields of the grok pattern `NGINX_COMBINED`, with `time_local` as a time; what follows on the line is ignored.
    `error` has `time`, `level`, `pid`, `tid`, `connection` and `message`. Other records are rejected with `not_nginx`."""

    name = "nginx"
    options_model = Options
    example = """
source access = file("/var/log/nginx/access.log*", codec: nginx)
transform failed = access | where(status >= 500)
sink out = failed -> console()
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._lines = grok.Lines([PATTERNS[options.format]], "not_nginx")
        self._times = {name: form for name, form in TIMES.items() if name in self._lines.fields}
        try:
            times.parse(pl.lit(""), "iso8601", options.zone)
        except TypeError as error:
            raise api.OptionError(str(error), "zone") from error

    def schema(self) -> api.Columns:
        return api.Columns({**self._lines.fields, **dict.fromkeys(self._times, api.TIME)})

    def decode(self, texts: pl.Series, received: pl.Series) -> api.Decoded:
        columns, reason = self._lines.read(texts)
        zone = self.options.zone
        told = [times.parse(pl.col(name), form, zone) for name, form in self._times.items()]
        return api.Decoded(columns.with_columns(told), reason=reason)
