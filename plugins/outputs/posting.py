"""What outputs over HTTP have in common: one client, segments cut into requests, and answers that say what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pipeline import api
from pipeline.api import formats

from ..clients import answers, web
from .requests import Gathered, Limits, Refused, Request, Requests, Taken, TooLarge, Verdict
from .written import Compression


class Posted(web.Options, Gathered):
    """The options of all of them."""


PostedT = TypeVar("PostedT", bound=Posted)


@dataclass(frozen=True)
class Target:
    """Where requests go, and what all of them have. `secrets`: what no message may show; values of `headers` are not shown either way."""

    url: str
    headers: Mapping[str, str]
    secrets: Sequence[str | None] = ()
    method: str = "POST"
    compression: Compression = "none"
    keyed: bool = False
    """Whether each request says its name as `Idempotency-Key`."""


class Posting(api.Output[PostedT]):
    """An output whose events are lines, sent as the bodies of requests."""

    def __init__(self, options: PostedT, target: Target, extension: str = ".ndjson") -> None:
        super().__init__(options)
        parts = web.check(target.url, options)
        self._target = target
        self._extension = extension
        self._limits = Limits.of(options)
        self._columns = api.Columns({})
        self._shown = web.shown(parts)
        self._client = web.Client(parts, options, [text for text in target.secrets if text])
        self._requests: Requests | None = None

    def schema(self, columns: api.Columns) -> None:
        self._columns = columns

    def describe(self) -> dict[str, str]:
        return {"to": f"{self._target.method} {self._shown}"}

    @property
    def layout(self) -> api.Layout:
        return self._limits.layout(self.options.age, self._extension)

    async def open(self, ctx: api.Context) -> None:
        await self._client.open(ctx)
        self._ctx = ctx
        self._requests = Requests(self.name, self._limits, self._send, ctx)

    async def close(self) -> None:
        await self._client.close()

    async def deliver(self, segment: api.Segment) -> api.Result:
        if self._requests is None:
            raise ValueError("deliver before open")
        return await self._requests.put(segment)

    async def _send(self, request: Request) -> Verdict:
        target = self._target
        body, encoding = await self._ctx.run(_packed, self._body(request.events), target.compression)
        named = {"Idempotency-Key": request.name} if target.keyed else {}
        reply = await self._client.send(target.method, target.url, {**self._headers(), **encoding, **named}, body)
        return self._judged(request, reply)

    def _headers(self) -> Mapping[str, str]:
        """What each request has."""
        return self._target.headers

    def _body(self, events: Sequence[bytes]) -> bytes:
        """The body of a request with these events."""
        return array(events)

    def _judged(self, request: Request, reply: answers.Reply) -> Verdict:
        """What an answer means: by its status."""
        if reply.taken:
            return Taken()
        if reply.status == 413:
            return TooLarge(f"413 {reply.told}".strip())
        if reply.refused:
            return Refused("refused", f"{reply.status} {reply.told}".strip())
        return self._again(reply)

    def _again(self, reply: answers.Reply, advice: str = "") -> api.Result:
        return answers.again(reply, self._shown, self._ctx.clock.now(), advice)


def array(events: Sequence[bytes]) -> bytes:
    """JSON texts as one array."""
    return b"[" + b",".join(events) + b"]"


def lines(events: Sequence[bytes]) -> bytes:
    return b"\n".join([*events, b""])


def check_lines(codec: api.Codec[Any]) -> None:
    """Raises OptionError for a `format` that does not make a line of each event."""
    if codec.whole or codec.exact or codec.extension == ".csv":
        raise api.OptionError(
            f"{codec.name} does not make a line of each event, and requests are cut between lines",
            "format",
            'write `format: json`, or a template such as `format: "{@raw}"`',
        )


def _packed(body: bytes, compression: Compression) -> tuple[bytes, dict[str, str]]:
    """A body, and the header that says how it is packed. Blocks the thread."""
    if compression == "none":
        return body, {}
    return formats.compress.frame(body, compression), {"Content-Encoding": compression}
