"""Lines for Grafana Loki."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal
from urllib.parse import urlsplit

import polars as pl

from pipeline import api
from pipeline.api import formats, templates

from ..clients import answers, web
from .posting import Posted, Posting, Target
from .requests import Refused, Request, Verdict
from .written import check_times

PUSH = "/loki/api/v1/push"

LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

REASONS = (
    ("too far behind", "too_old"),
    ("too old", "too_old"),
    ("out of order", "out_of_order"),
    ("out-of-order", "out_of_order"),
    ("too new", "too_new"),
    ("max entry size", "too_large"),
    ("line too long", "too_large"),
    ("label", "bad_labels"),
)
"""What Loki says of a line that it does not take, and what we call it."""


class Where(api.Options):
    url: str = api.option("The server: `http://loki:3100`.")
    labels: dict[str, api.Template] = api.option(
        "Labels of the streams, besides `host`: `{app: 'shop', level: \"{level}\"}`. Few, with few values; an empty one is left out.",
        default={},
    )
    line: api.Field = api.option("What is the line.", default=api.Field(("@raw",), api.BYTES))
    tenant: str | None = api.option("Whose logs they are: `X-Scope-OrgID`.", default=None)
    compression: Literal["none", "gzip"] = api.option("Of the body: `none` or `gzip`.", default="gzip")


class Options(Posted, web.Credentials, Where):
    pass


class Loki(Posting[Options]):
    """Pushes lines to Grafana Loki.

    They are as the codec [`loki`](../codecs/loki.md) writes them: the time is `@timestamp`, and the label `host` is `@host`.

    Lines that Loki does not take (too old, out of order in their stream, too new, too long) become dead letters with its words. They are
    found by sending the request in halves. Loki keeps one of several lines with the same labels, time and text, so that what is
    sent twice is mostly there once. Whatever else it answers, such as 429 over a rate limit, the events wait and are sent again.

    Needs the extra: `pip install 'pipe-engine[http]'`."""

    name = "loki"
    options_model = Options
    example = """
source access = generate(count: 100)
transform parsed = access | grok('%{NGINX_COMBINED}')
sink lines = parsed -> loki('http://localhost:3100', labels: {app: 'shop', method: "{method}"})
"""

    def __init__(self, options: Options) -> None:
        for name, template in options.labels.items():
            if not LABEL.fullmatch(name) or name == "host":
                told = "it is `@host`" if name == "host" else "labels have letters, digits and `_`"
                raise api.OptionError(f"`{name}` cannot be a label of yours: {told}", "labels")
            check_times(template, "labels")
        known = web.authorization(options)
        tenant = {} if options.tenant is None else {"X-Scope-OrgID": web.header(options.tenant, "tenant")}
        target = Target(
            options.url if urlsplit(options.url).path not in ("", "/") else options.url.rstrip("/") + PUSH,
            {"Content-Type": "application/json", **tenant, **known},
            (*known.values(), options.token, options.password),
            compression=options.compression,
        )
        super().__init__(options, target)

    def guarantee(self) -> tuple[api.Guarantee, str]:
        return "at least once", "a request whose answer is lost is sent again; Loki leaves out most lines that it has"

    def uses(self) -> frozenset[str] | None:
        labels = {hole.field.path[0] for template in self.options.labels.values() for hole in template.holes}
        return frozenset({self.options.line.path[0], *labels})

    def encode(self, frame: pl.DataFrame) -> bytes:
        labels = [
            (name, templates.plain(template, frame), api.STRING) for name, template in self.options.labels.items()
        ]
        return formats.loki(frame, labels, (self.options.line.values(frame), self.options.line.type))

    def _body(self, events: Sequence[bytes]) -> bytes:
        return b'{"streams":[' + b",".join(events) + b"]}"

    def _judged(self, request: Request, reply: answers.Reply) -> Verdict:
        if reply.status == 401 and "org id" in reply.text:
            return self._again(reply, "name the `tenant`")
        verdict = super()._judged(request, reply)
        if isinstance(verdict, Refused):
            words = reply.text.lower()
            return Refused(next((name for told, name in REASONS if told in words), "refused"), verdict.told)
        return verdict
