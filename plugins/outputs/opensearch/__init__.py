"""Documents in OpenSearch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from pipeline import api
from pipeline.api import formats

from ...clients import web
from ..written import Metadata, check_times
from .actions import encoded, events, facts
from .bulk import Bulk
from .templates import template

ROLL = api.Roll(5_000_000, size=16 << 20)
"""When a segment is sent, where nothing else is said: facts are to be seen soon."""


MOST = 16 << 20
"""Bytes of an answer: it says something about each event."""

FORBIDDEN = re.compile(r"""^[-_+]|[\\/*?"<>|\s,#:]""")


class Target(api.Options):
    url: str = api.option("The cluster: `https://host:9200`.")
    index: api.Template = api.option(
        "The index, such as `facts-{window_start:%Y.%m.%d}`. In lower case, as indices are; values are percent-encoded."
    )
    user: str | None = api.option("Who writes, with `password`.", default=None)
    password: str | None = web.secret("The user's.", default=None)
    api_key: str | None = web.secret("Instead of user and password, for clusters that have API keys.", default=None)
    metadata: list[Metadata] = api.option("Metadata to write besides `@timestamp`.", default=[])
    template: str | None = api.option(
        "The name of an index template to put in place before the first delivery: it maps the columns of the program for all "
        "indices with the literal prefix of `index`, and takes the place of one of that name.",
        default=None,
    )
    roll: api.Roll = api.option("When what was committed is sent: by age and size.", default=ROLL)
    request_size: api.Size = api.option("Bytes of a bulk request at most, before compression.", default=5 << 20, gt=0)
    request_events: int = api.option("Events of a bulk request at most.", default=5000, gt=0)


class Options(web.Options, Target):
    pass


class OpenSearch(api.Output[Options]):
    """Documents in OpenSearch, or in Elasticsearch: one an event.

    Events are committed to the state first, then sent in bulk requests. Each has an id that was fixed by the commit, and is
    created once: a second try after a crash or a lost reply finds it there. Facts of windows and sessions (events with
    `id`, `revision`, `part` and `host`) have their own `id`, and their revision as the external version of the document, so that a
    later revision takes the place of an earlier one, and never the other way round. A session that is taken back
    (`retracted`) deletes its document. Choose an index that all revisions of a fact have: by `window_start`, and for sessions,
    whose begin may still move, by a month or none.

    An event that the cluster cannot take as it is (its fields do not fit the mapping, or it is too large for any request)
    becomes a dead letter of the sink with the words of the cluster, and the others are delivered. `pipe dlq list` counts
    them, `pipe dlq retry` sends them again when the mapping is mended. Everything else waits and is tried again: a cluster that
    is away or busy, rejected credentials, a blocked or closed index, too many shards.

    The account needs `indices:data/write/bulk*`, `indices:data/write/index`, `indices:data/write/delete` for sessions, and
    `indices:admin/create` and `indices:admin/mapping/put` where it makes the indices; `cluster:admin` rights on index
    templates for `template`.

    Needs the extra: `pip install 'pipe-engine[opensearch]'`."""

    name = "opensearch"
    options_model = Options
    example = """
source access = generate(count: 100)
transform parsed = access | grok('%{NGINX_COMBINED}')
sink search = parsed -> opensearch("http://localhost:9200", index: "access-{@timestamp:%Y.%m.%d}")
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._columns = api.Columns({})
        parts = web.check(options.url, options)
        if parts.query:
            raise api.OptionError("this url has more than a path", "url", "leave out what follows `?`")
        if not options.index.prefix:
            raise api.OptionError(
                "the index begins with a field, so events could name any index",
                "index",
                'begin with a text: "logs-{x}"',
            )
        check_times(options.index, "index")
        texts = [part if isinstance(part, str) else part.format for part in options.index.parts]
        if found := FORBIDDEN.search("".join(texts)):
            raise api.OptionError(
                f"no index has a {found[0]!r} in its name", "index", "write letters, digits, `-`, `_` and `.`"
            )
        self._headers = _authorization(options)
        known = [text for text in (options.password, options.api_key, *self._headers.values()) if text]
        self._client = web.Client(parts, options, known, extra="opensearch", most=MOST)
        self._bulk: Bulk | None = None
        self._ctx: api.Context | None = None

    def schema(self, columns: api.Columns) -> None:
        self._columns = columns

    def guarantee(self) -> tuple[api.Guarantee, str]:
        return "exactly once", "ids and versions of documents are fixed by what was committed"

    def describe(self) -> Mapping[str, str]:
        told = "by their id and revision" if facts(self._columns) else "created once, under ids that the commit fixed"
        return {"documents": told}

    @property
    def layout(self) -> api.Layout:
        roll = self.options.roll
        return api.Layout(path=self.options.index, roll=replace(roll, size=roll.size or ROLL.size), extension=".ndjson")

    async def open(self, ctx: api.Context) -> None:
        await self._client.open(ctx)
        self._ctx = ctx
        options = self.options
        body = template(options.index, self._columns, options.metadata)
        wanted = None if options.template is None else (options.template, body)
        self._bulk = Bulk(
            self._client,
            ctx,
            options.url.rstrip("/"),
            self._headers,
            wanted,
            size=options.request_size,
            events=options.request_events,
        )

    async def close(self) -> None:
        await self._client.close()

    def encode(self, frame: pl.DataFrame) -> bytes:
        documents = formats.ndjson(frame, self._columns, self.options.metadata)
        return encoded(frame, documents, facts=facts(self._columns))

    def events(self, data: bytes) -> list[bytes]:
        return events(data)

    async def deliver(self, segment: api.Segment) -> api.Result:
        if self._bulk is None or self._ctx is None:
            raise ValueError("deliver before open")
        data = await self._ctx.run(segment.read, self._ctx.files)
        return await self._bulk.send(segment, await self._ctx.run(events, data))


def _authorization(options: Options) -> dict[str, str]:
    """The header that says who we are. Raises OptionError."""
    if options.api_key is None:
        return web.authorization(web.Credentials(user=options.user, password=options.password))
    if options.user is not None:
        raise api.OptionError("there is a user already", "api_key", "leave one of the two out")
    return {"Authorization": f"ApiKey {web.header(options.api_key, 'api_key')}"}
