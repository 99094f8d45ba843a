"""Logs for Datadog."""

from __future__ import annotations

from typing import Literal

import polars as pl

from pipeline import api
from pipeline.api import formats, records

from ..clients import web
from .posting import Posted, Posting, Target

INTAKE = "/api/v2/logs"

MOST_EVENTS = 1000
MOST_BYTES = 5_000_000
"""What the service takes in a request, unpacked."""


class Where(api.Options):
    api_key: str = web.secret("The API key.")
    site: str = api.option("The site, such as `datadoghq.eu`.", default="datadoghq.com", pattern=r"^[A-Za-z0-9.-]+$")
    service: str | None = api.option("The service that the logs are of.", default=None)
    source: str | None = api.option(
        "The technology that they come from, such as `nginx`: it chooses Datadog's pipeline.", default=None
    )
    tags: list[str] = api.option("Tags: `['env:prod', 'team:web']`.", default=[])
    url: str | None = api.option("Another intake than the site's: `https://host`.", default=None)
    compression: Literal["none", "gzip"] = api.option("Of the body: `none` or `gzip`.", default="gzip")


class Options(Posted, Where):
    events: int = api.option("Events in a request, at most.", default=MOST_EVENTS, ge=1, le=MOST_EVENTS)
    size: api.Size = api.option(
        "Bytes of events in a request, at most. A larger event is sent alone.", default=4 << 20, ge=1, le=MOST_BYTES
    )


class Datadog(Posting[Options]):
    """Sends events to Datadog's logs intake.

    `message` is the field of this name, or else the record; `hostname` is `@host`, `rid` is the record's identity, `@timestamp` and all
    other fields are attributes. A field of such a name, also `service`, `ddsource` or `ddtags`, comes first.

    Datadog answers when it has the logs, and does not tell duplicates: a request whose answer is lost is there twice, with
    the same `hostname` and `rid`. Logs older than 18 hours are taken and not shown.

    Needs the extra: `pip install 'pipe-engine[http]'`."""

    name = "datadog"
    options_model = Options
    example = """
source access = generate(count: 100)
transform parsed = access | grok('%{NGINX_COMBINED}')
sink logs = parsed -> datadog(api_key: env('DD_API_KEY', 'none'), source: 'nginx', tags: ['env:test'], url: 'http://localhost:8282')
"""

    def __init__(self, options: Options) -> None:
        url = options.url.rstrip("/") if options.url is not None else f"https://http-intake.logs.{options.site}"
        headers = {"DD-API-KEY": web.header(options.api_key, "api_key"), "Content-Type": "application/json"}
        super().__init__(options, Target(url + INTAKE, headers, (options.api_key,), compression=options.compression))
        fixed = {"service": options.service, "ddsource": options.source, "ddtags": ",".join(options.tags) or None}
        self._fixed = {name: value for name, value in fixed.items() if value is not None}

    def guarantee(self) -> tuple[api.Guarantee, str]:
        return (
            "at least once",
            "a request whose answer is lost is sent again; `hostname` and `rid` tell what came twice",
        )

    def encode(self, frame: pl.DataFrame) -> bytes:
        columns = self._columns
        record = records.texts(frame, api.Field(("@raw",), api.BYTES)).alias("message")
        own = [pl.col("@host").alias("hostname"), api.RID.alias("rid")]
        own += [pl.lit(value).alias(name) for name, value in self._fixed.items()]
        added = {column.name: column for column in (record, *frame.select(own)) if column.name not in columns.fields}
        for name in added:
            columns = columns.with_field((name,), api.STRING)
        return formats.ndjson(frame.with_columns(*added.values()), columns)
