"""Requests to an HTTP server."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Literal

import polars as pl

from pipeline import api

from ..clients import web
from .posting import Posted, Posting, Target, array, check_lines, lines
from .written import Compression, Metadata, check_fixed

OURS = ("content-encoding", "content-length", "idempotency-key", "transfer-encoding")
"""Headers that this output sets."""

TOKEN = frozenset(string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~")
"""What a header's name is made of (RFC 9110, 5.6.2)."""


class Where(api.Options):
    url: str = api.option("Where to send events: `https://host/path`. Its path and query are never shown.", repr=False)
    format: api.Encoder = api.option("How an event is written, a line each: a codec, or a template.", default="json")
    method: str = api.option("The method of the requests, in capitals.", default="POST", pattern=r"^[A-Z]+$")
    body: Literal["lines", "array"] = api.option(
        "`lines`: an event a line (NDJSON). `array`: one JSON array of them.", default="lines"
    )
    compression: Compression = api.option("Of the body: `none`, `gzip` or `zstd`.", default="none")
    headers: dict[str, str] = api.option(
        "More headers: `{'X-Scope': 'web', 'X-Key': env('KEY')}`. Their values are never shown.", default={}, repr=False
    )
    idempotent: bool = api.option("Whether the server takes each `Idempotency-Key` once.", default=False)
    metadata: list[Metadata] = api.option("Metadata to write besides `@timestamp`.", default=[])


class Options(Posted, web.Credentials, Where):
    pass


class Http(Posting[Options]):
    """Sends events to an HTTP server.

    Events are committed to the state first, and sent in requests of at most `events` and `size`. Each has a header `Idempotency-Key` that
    is a function of what was committed: a server that remembers these keys takes each event once, however often it is sent. Say so with
    `idempotent: true`. Others may get a request twice whose answer was lost; with `metadata: @rid` each event has an identity
    by which duplicates can be told.

    What an answer does: 2xx is taken. After 413 the request is sent in halves. After 400 and 422, too, until the events are found that
    the server does not take: they become dead letters, as does an event that is too large alone. After all others (401, 404, 429, 500,
    …), and where there is no answer, the events wait and are sent again, later each time, or as `Retry-After` says; the log says what
    to do. Redirections are not followed. A segment of which more than 200 events are refused at once is set aside, and tried
    again every ten minutes.

    Needs the extra: `pip install 'pipe-engine[http]'`."""

    name = "http"
    options_model = Options
    example = """
source access = generate(count: 100)
sink hook = access -> http('http://localhost:8080/events', compression: gzip, token: env('HOOK_TOKEN', null))
"""

    def __init__(self, options: Options) -> None:
        check_lines(options.format)
        if options.body == "array" and options.format.extension != ".ndjson":
            raise api.OptionError("a JSON array is made of JSON", "body", "write `format: json`, or `body: lines`")
        known = web.authorization(options)
        secrets = (*options.headers.values(), *known.values(), options.token, options.password)
        target = Target(
            options.url,
            {**_headers(options), **known},
            secrets,
            method=options.method,
            compression=options.compression,
            keyed=True,
        )
        super().__init__(options, target, options.format.extension)

    def schema(self, columns: api.Columns) -> None:
        check_fixed(self.options.format, columns)
        self.options.format.accept(columns, self.options.metadata)
        super().schema(columns)

    def guarantee(self) -> tuple[api.Guarantee, str]:
        if self.options.idempotent:
            return (
                "exactly once",
                "the server takes each Idempotency-Key once, and keys are fixed by what was committed",
            )
        return "at least once", "a request whose answer is lost is sent again, and the server may take it twice"

    def uses(self) -> frozenset[str] | None:
        return self.options.format.uses()

    def encode(self, frame: pl.DataFrame) -> bytes:
        return self.options.format.encode(frame, self._columns, self.options.metadata)

    def _body(self, events: Sequence[bytes]) -> bytes:
        return array(events) if self.options.body == "array" else lines(events)


def _headers(options: Options) -> dict[str, str]:
    """Those of each request but for credentials. Raises OptionError."""
    kind = "application/x-ndjson" if options.format.extension == ".ndjson" else "text/plain; charset=utf-8"
    found = {"Content-Type": "application/json" if options.body == "array" else kind}
    for name, value in options.headers.items():
        if not name or not set(name) <= TOKEN or name.lower() in OURS:
            told = "this output sets it" if name.lower() in OURS else "this is no name of a header"
            raise api.OptionError(f"`{name}`: {told}", "headers")
        if name.lower() == "content-type":
            del found["Content-Type"]
        found[name] = web.header(value, "headers")
    return found
