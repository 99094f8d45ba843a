"""Bulk requests: how much goes into one, and what the answers ask for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from pipeline import api
from pipeline.api import formats

from ...clients import answers, web
from .actions import named

TRIES = 6
"""How often events are sent that the cluster is too busy for, before the engine waits for longer."""

PAUSE = 0.1
"""Seconds before the second of these tries; each further pause is twice as long."""

WANTED = "errors,items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by.reason"
"""What is needed of an answer."""

NDJSON, JSON = "application/x-ndjson", "application/json"

BUSY = frozenset({429, 500, 502, 503, 504})
"""Statuses of single events that the cluster could not take now."""

REFUSED = frozenset(
    {
        "mapper_parsing_exception",
        "strict_dynamic_mapping_exception",
        "document_parsing_exception",
        "parsing_exception",
        "parse_exception",
        "x_content_parse_exception",
        "json_parse_exception",
        "max_bytes_length_exceeded_exception",
        "illegal_argument_exception",
        "fail_processor_exception",
        "ingest_processor_exception",
        "script_exception",
    }
)
"""Errors (400) that an event has by itself: it would never be taken. All others are the cluster's: dead letters have a bound, so
what somebody can mend there must wait."""

CLUSTERS = ("no write index is defined", "data stream", "pipeline with id")
"""What an illegal argument is about that is none of the event."""

ADVICE: Mapping[int, str] = {
    401: "the cluster does not accept the credentials: check `user` and `password`, or `api_key`",
    403: "the account may not do this: give it the rights that the output's page names",
    404: "there is no such thing: check `url` and `index`, and whether the cluster makes indices by itself",
    413: "the cluster takes no request of this size: make `request_size` smaller",
}


class _AwayError(Exception):
    """The cluster does not take events now."""

    def __init__(self, reason: str, after: float = 1.0) -> None:
        super().__init__(reason)
        self.result = api.Result(accepted=False, after=after, reason=reason)


Item = tuple[int, bytes]
"""The row of an event in its segment, and what a request has of it."""


class Bulk:
    """Sends to the cluster at `url`, with `headers` that say who we are; before the first delivery it puts the index template `template` (name, body) in place. A request has
    at most `size` bytes and so many `events`."""

    def __init__(
        self,
        client: web.Client,
        ctx: api.Context,
        url: str,
        headers: Mapping[str, str],
        template: tuple[str, Mapping[str, object]] | None,
        *,
        size: int,
        events: int,
    ) -> None:
        self._client = client
        self._ctx = ctx
        self._url = url
        self._headers = headers
        self._template = template
        self._size = size
        self._events = events
        self._done: tuple[str, int, list[api.Refusal]] = ("", 0, [])
        """Of the segment with this name, so many events are there, or refused. A network that fails now and then lets a large
        segment come to its end."""

    async def send(self, segment: api.Segment, events: Sequence[bytes]) -> api.Result:
        """All events of a segment. Raises ConnectionError and TimeoutError where the cluster does not answer."""
        url = f"{self._url}/{quote(segment.path.lower(), safe='')}/_bulk?filter_path={WANTED}"
        name, done, refused = self._done
        if name != segment.name:
            done, refused = 0, []
        try:
            await self._install()
            for request in self._requests([*enumerate(named(segment, events))][done:]):
                refused = refused + await self._settled(url, request)
                self._done = (segment.name, request[-1][0] + 1, refused)
        except _AwayError as error:
            return error.result
        return api.Result(refused=tuple(sorted(refused, key=lambda refusal: refusal.row)))

    def _requests(self, events: Sequence[Item]) -> Iterator[list[Item]]:
        """Events that go together. One that is larger than a request may be goes alone."""
        request: list[Item] = []
        size = 0
        for row, event in events:
            if request and (size + len(event) > self._size or len(request) == self._events):
                yield request
                request, size = [], 0
            request.append((row, event))
            size += len(event)
        if request:
            yield request

    async def _settled(self, url: str, request: list[Item]) -> list[api.Refusal]:
        """Send until each event is there or refused: the refused ones. Raises _AwayError."""
        refused: list[api.Refusal] = []
        waiting, why = request, ""
        for turn in range(TRIES):
            if turn:
                await self._ctx.clock.sleep(PAUSE * 2 ** (turn - 1))
            answer = await self._post(url, b"".join(event for _, event in waiting))
            if answer.status == 413:
                return refused + await self._halves(url, waiting, answer)
            if answer.status != 200:
                raise self._away(answer)
            busy: list[Item] = []
            for item, (status, error) in zip(waiting, _items(answer, len(waiting)), strict=True):
                told = _told(status, error)
                if status in BUSY:
                    busy.append(item)
                    why = told
                elif status >= 400 and status != 409 and not _gone(item, status):
                    if not _by_itself(status, error):
                        raise _AwayError(told)
                    refused.append(api.Refusal(item[0], str(error.get("type")), told))
            if not busy:
                return refused
            waiting = busy
        raise _AwayError(f"{len(waiting):,} events are not taken: {why}")

    async def _post(self, url: str, body: bytes) -> answers.Reply:
        """A connection that was kept may be gone by now: that is no news. Nothing is there twice when it is sent twice."""
        packed = await self._ctx.run(formats.compress.frame, body, "gzip", 1)
        headers = {**self._headers, "Content-Type": NDJSON, "Content-Encoding": "gzip"}
        try:
            return await self._client.send("POST", url, headers, packed)
        except ConnectionError:
            await self._ctx.clock.sleep(PAUSE)
            return await self._client.send("POST", url, headers, packed)

    async def _halves(self, url: str, request: list[Item], answer: answers.Reply) -> list[api.Refusal]:
        if len(request) == 1:
            ((row, event),) = request
            return [api.Refusal(row, "too_large", f"413 for {len(event):,} bytes: {answer.told}")]
        middle = len(request) // 2
        return await self._settled(url, request[:middle]) + await self._settled(url, request[middle:])

    async def _install(self) -> None:
        """Put the template in place, once. Raises _AwayError."""
        if self._template is None:
            return
        name, body = self._template
        url = f"{self._url}/_index_template/{quote(name, safe='')}"
        headers = {**self._headers, "Content-Type": JSON}
        answer = await self._client.send("PUT", url, headers, json.dumps(body).encode())
        if answer.status not in (200, 201):
            away = self._away(answer)
            raise _AwayError(f"the index template {name} cannot be put in place: {away}", away.result.after)
        self._template = None

    def _away(self, answer: answers.Reply) -> _AwayError:
        told = f"{answer.status} {answer.told}".strip()
        advice = ADVICE.get(answer.status)
        return _AwayError(f"{told} ({advice})" if advice else told, answers.after(answer, self._ctx.clock.now()))


def _items(answer: answers.Reply, count: int) -> list[tuple[int, Mapping[str, Any]]]:
    """The status and the error of each event. Raises _AwayError for an answer that is none to a bulk request: nobody may
    take it for a yes."""
    try:
        items = [next(iter(item.values())) for item in json.loads(answer.text)["items"]]
        found = [(int(item["status"]), _error(item.get("error"))) for item in items]
    except (ValueError, TypeError, KeyError, AttributeError, StopIteration) as error:
        raise _AwayError(f"200, but this is no answer to a bulk request: {answer.told}") from error
    if len(found) != count:
        raise _AwayError(f"200, but it answers for {len(found):,} of {count:,} events: is this a bulk API?")
    return found


def _error(told: object) -> Mapping[str, Any]:
    if isinstance(told, dict):
        return told
    return {} if told is None else {"reason": str(told)}


def _told(status: int, error: Mapping[str, Any]) -> str:
    """An error in the words of the cluster."""
    cause = error.get("caused_by")
    more = cause.get("reason") if isinstance(cause, dict) else None
    told = ": ".join(str(part) for part in (error.get("type"), error.get("reason"), more) if part)
    advice = ADVICE.get(status)
    return " ".join(f"{status} {told}{f' ({advice})' if advice else ''}".split())


def _gone(item: Item, status: int) -> bool:
    """Whether a document that is to be deleted is not there."""
    return status == 404 and item[1].startswith(b'{"delete":')


def _by_itself(status: int, error: Mapping[str, Any]) -> bool:
    """Whether an event is refused for what it is."""
    reason = str(error.get("reason"))
    return status == 400 and error.get("type") in REFUSED and not any(told in reason for told in CLUSTERS)
