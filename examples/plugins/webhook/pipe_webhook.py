"""POST segments to an HTTP server, over a few connections that stay open."""

from __future__ import annotations

import queue
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

import polars as pl
from pipeline import api
from pipeline.api import formats


class Options(api.Options):
    url: str = api.option("Where to send events, as JSON lines in the body of a POST.")
    connections: int = api.option("How many connections stay open.", default=2, ge=1, le=64)
    timeout: api.Duration = api.option("How long the server may take.", default=10_000_000, ge=1)
    age: api.Duration = api.option("How long events are gathered for one request.", default=1_000_000, ge=1)
    idempotent: bool = api.option("Whether the server takes each `Idempotency-Key` once.", default=False)


class Webhook(api.Output[Options], api=1):
    """Sends events to an HTTP server: JSON lines in a POST, with the segment's name as `Idempotency-Key`.

    A server that remembers these keys takes each segment once, however often it is sent: say so with `idempotent: true`. Answers from 500 on, 408 and 429 are
    tried again; after other refusals the segment is set aside and `pipe` says so."""

    name = "webhook"
    options_model = Options
    example = """
source access = generate(count: 100)
sink hook = access -> webhook('http://localhost:8080/events')
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._columns = api.Columns({})
        self._idle: queue.SimpleQueue[HTTPConnection] = queue.SimpleQueue()
        self._closed = False
        self._to = urlsplit(options.url)
        if self._to.scheme not in ("http", "https") or not self._to.hostname:
            raise api.OptionError("this is no http url", "url", "write 'https://host/path'")

    def __reduce__(self) -> tuple[object, ...]:
        return _made, (self.options, self._columns)

    def schema(self, columns: api.Columns) -> None:
        self._columns = columns

    def guarantee(self) -> tuple[api.Guarantee, str]:
        if self.options.idempotent:
            return "exactly once", "the server takes each Idempotency-Key once"
        return "at least once", "a request without an answer is sent again, and the server may take it twice"

    @property
    def layout(self) -> api.Layout:
        return api.Layout(roll=api.Roll(age=self.options.age, size=4 << 20), extension=".ndjson")

    async def open(self, ctx: api.Context) -> None:
        self._ctx = ctx

    async def close(self) -> None:
        self._closed = True
        while not self._idle.empty():
            self._idle.get().close()

    def encode(self, frame: pl.DataFrame) -> bytes:
        return formats.ndjson(frame, self._columns)

    async def deliver(self, segment: api.Segment) -> api.Result:
        status = await self._ctx.run(self._post, segment)
        if status < 300:
            return api.Result()
        if status >= 500 or status in (408, 429):
            return api.Result(accepted=False, after=5, reason=f"the server answered {status}")
        raise ValueError(f"the server refused the segment with {status}")

    def _post(self, segment: api.Segment) -> int:
        """Blocks, in a thread. A connection that worked goes back to the pool, one that failed does not."""
        connection = self._connection()
        try:
            headers = {"Content-Type": "application/x-ndjson", "Idempotency-Key": segment.name}
            target = (self._to.path or "/") + (f"?{self._to.query}" if self._to.query else "")
            connection.request("POST", target, segment.read(self._ctx.files), headers)
            answer = connection.getresponse()
            answer.read()
        except HTTPException as error:
            connection.close()
            raise OSError(f"no answer that can be read: {error!r}") from error
        except BaseException:
            connection.close()
            raise
        if self._closed or answer.will_close or self._idle.qsize() >= self.options.connections:
            connection.close()
        else:
            self._idle.put(connection)
        return answer.status

    def _connection(self) -> HTTPConnection:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            kind = HTTPSConnection if self._to.scheme == "https" else HTTPConnection
            return kind(self._to.hostname or "", self._to.port, timeout=self.options.timeout / 1_000_000)


def _made(options: Options, columns: api.Columns) -> Webhook:
    """A copy, which connects for itself."""
    made = Webhook(options)
    made.schema(columns)
    return made
