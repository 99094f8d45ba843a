"""Events for Splunk's HTTP event collector."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import polars as pl

from pipeline import api

from ..clients import answers, web
from ..codecs import hec
from .posting import Posted, Posting, Target, lines
from .requests import Refused, Request, Taken, Verdict

EVENT = "/services/collector/event"
ACK = "/services/collector/ack"

AT_FAULT = frozenset({6, 12, 13, 15})
"""Codes that say that an event is not as it should be, and which."""

ADVICE: Mapping[int, str] = {
    1: "the token is disabled",
    2: "check the token",
    3: "check the token",
    4: "check the token: this server does not know it",
    7: "the token may not write to this index: check `index`",
    8: "the server failed",
    9: "it is busy, and asked again later",
    10: "the token wants a channel: write `acks: true`",
    11: "check `channel`",
    14: "the token has no acknowledgement: enable it, or leave `acks` out",
}
"""What to do about the others."""

FIRST, LAST = 0.1, 5.0
"""Seconds between two questions for acknowledgements: they double."""


class Where(api.Options):
    url: str = api.option("The collector: `https://splunk:8088`.")
    token: str = web.secret("The collector's token.")
    index: str | None = api.option("The index; the token's when not given.", default=None)
    sourcetype: str | None = api.option("The `sourcetype` of the events; the token's when not given.", default=None)
    acks: bool = api.option(
        "Whether to wait until the indexers have the events. The token must allow it.", default=False
    )
    ack_timeout: api.Duration = api.option(
        "How long indexers may take; then the events are sent again.", default=300_000_000, ge=1_000_000
    )
    channel: str | None = api.option(
        "The channel, a GUID; a new one at each start when not given.",
        default=None,
        pattern=r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$",
    )
    compression: Literal["none", "gzip"] = api.option("Of the body: `none` or `gzip`.", default="gzip")


class Options(Posted, Where):
    pass


class SplunkHec(Posting[Options]):
    """Sends events to Splunk's HTTP event collector.

    Events are as the codec [`hec`](../codecs/hec.md) writes them, with an indexed field `rid`: `host` and `rid` are the identity of an event,
    by which a search can leave out those that came twice (`| dedup host rid`). Facts have their own, `id` and `revision`.

    With `acks: true` events are sent until the indexers have acknowledged them, and are sent again after `ack_timeout`. Without, Splunk
    has promised nothing when it answers: what is in its queues is lost if it crashes.

    An event that Splunk finds invalid becomes a dead letter; the others of its request are sent again without it, since Splunk does
    not say what it has done with them. Whatever else it answers, the events wait and are sent again; the log says what to do about a wrong
    token, index or channel.

    Needs the extra: `pip install 'pipe-engine[http]'`."""

    name = "splunk_hec"
    options_model = Options
    example = """
source access = generate(count: 100)
transform parsed = access | grok('%{NGINX_COMBINED}')
sink splunk = parsed -> splunk_hec('http://localhost:8088', token: env('HEC_TOKEN', 'none'), sourcetype: 'nginx', acks: true)
"""

    def __init__(self, options: Options) -> None:
        url = re.sub(r"(/services/collector(/event)?)?/?$", "", options.url)
        headers = {"Authorization": f"Splunk {web.header(options.token, 'token')}", "Content-Type": "application/json"}
        super().__init__(options, Target(url + EVENT, headers, (options.token,), compression=options.compression))
        self._ack_url = url + ACK
        self._codec = hec.Hec(hec.Options(sourcetype=options.sourcetype, index=options.index))
        self._channel: dict[str, str] = {}
        self._unacknowledged: dict[str, set[int]] = {}
        """By segment, the requests that Splunk has taken and not indexed yet."""

    def guarantee(self) -> tuple[api.Guarantee, str]:
        if self.options.acks:
            return "at least once", "sent until the indexers acknowledge; `host` and `rid` tell what came twice"
        return (
            "at least once",
            "until Splunk answers; `host` and `rid` tell what came twice, and only `acks` that it is indexed",
        )

    async def open(self, ctx: api.Context) -> None:
        await super().open(ctx)
        if self.options.acks or self.options.channel:
            digits = ctx.unique() + ctx.unique()
            made = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32]))
            self._channel = {"X-Splunk-Request-Channel": self.options.channel or made}

    def encode(self, frame: pl.DataFrame) -> bytes:
        return self._codec.encode(frame, self._columns, ["@rid"])

    async def deliver(self, segment: api.Segment) -> api.Result:
        result = await super().deliver(segment)
        if not result.accepted or not self.options.acks:
            return result
        return await self._acknowledged(self._unacknowledged.pop(segment.name, set())) or result

    def _headers(self) -> Mapping[str, str]:
        return {**super()._headers(), **self._channel}

    def _body(self, events: Sequence[bytes]) -> bytes:
        return lines(events)

    def _judged(self, request: Request, reply: answers.Reply) -> Verdict:
        told = _object(reply)
        code = told.get("code")
        if reply.taken and not self.options.acks:
            return Taken()
        if reply.taken:
            ack = told.get("ackId")
            if not isinstance(ack, int):
                return self._again(reply, ADVICE[14])
            self._unacknowledged.setdefault(request.segment, set()).add(ack)
            return Taken()
        if code in AT_FAULT:
            event = told.get("invalid-event-number")
            which = event if isinstance(event, int) and event >= 0 else None
            return Refused("refused", f"{told.get('text', 'refused')} (code {code})", which)
        if isinstance(code, int) and code in ADVICE:
            return self._again(reply, ADVICE[code])
        return super()._judged(request, reply)

    async def _acknowledged(self, waiting: set[int]) -> api.Result | None:
        """Ask until the indexers have all of them: None; or what to do."""
        clock = self._ctx.clock
        until = clock.monotonic() + self.options.ack_timeout / 1e6
        pause, trouble = FIRST, ""
        while waiting:
            try:
                waiting -= await self._asked(waiting)
                trouble = ""
            except (ConnectionError, TimeoutError) as error:
                trouble = f": {error}"
            if waiting and clock.monotonic() >= until:
                told = (
                    f"{len(waiting)} requests were taken and not acknowledged in time, so all are sent again{trouble}"
                )
                return api.Result(accepted=False, reason=told)
            if waiting:
                await clock.sleep(pause)
                pause = min(pause * 2, LAST)
        return None

    async def _asked(self, waiting: set[int]) -> set[int]:
        """Those that are acknowledged by now. Raises ConnectionError and TimeoutError."""
        body = json.dumps({"acks": sorted(waiting)}).encode()
        url = f"{self._ack_url}?channel={self._channel['X-Splunk-Request-Channel']}"
        reply = await self._client.send("POST", url, self._headers(), body)
        acks = _object(reply).get("acks")
        if not reply.taken or not isinstance(acks, dict):
            raise ConnectionError(self._again(reply).reason)
        return {ack for ack in waiting if acks.get(str(ack)) is True}


def _object(reply: answers.Reply) -> dict[str, Any]:
    """The JSON object that an answer is; an empty one for others."""
    try:
        found = json.loads(reply.text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
