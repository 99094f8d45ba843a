"""A proxy for Kafka that cuts the connection at a request, and does something then."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

PRODUCE, ADD_PARTITIONS, END = 0, 24, 26
"""Kinds of requests."""


@dataclass
class Cut:
    """At the request of a kind, after so many others of it: `lost`, the broker has it and the reply never comes; else it never gets
    there. `then` is called before the connection is cut, in a thread."""

    kind: int
    after: int = 0
    lost: bool = False
    then: Callable[[], object] = lambda: None


@dataclass
class Cutter:
    """`cuts` come in their order. `seen` counts requests by kind."""

    upstream: int
    port: int
    cuts: deque[Cut] = field(default_factory=deque)
    seen: dict[int, int] = field(default_factory=dict)

    def _due(self, kind: int) -> Cut | None:
        self.seen[kind] = self.seen.get(kind, 0) + 1
        if not self.cuts or self.cuts[0].kind != kind:
            return None
        self.cuts[0].after -= 1
        return self.cuts.popleft() if self.cuts[0].after < 0 else None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            inner, outer = await asyncio.open_connection("127.0.0.1", self.upstream)
            try:
                while True:
                    request = await _frame(reader)
                    cut = self._due(int.from_bytes(request[4:6], "big"))
                    if cut is None or cut.lost:
                        outer.write(request)
                        reply = await _frame(inner)
                    if cut is not None:
                        await asyncio.to_thread(cut.then)
                        break
                    writer.write(reply)
            finally:
                outer.close()
                writer.transport.abort()
        writer.close()


async def _frame(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(4)
    return head + await reader.readexactly(int.from_bytes(head, "big"))


@contextmanager
def cutting(upstream: int, port: int, *cuts: Cut) -> Iterator[Cutter]:
    """A proxy in a thread of its own."""
    cutter = Cutter(upstream, port, deque(cuts))
    loop = asyncio.new_event_loop()
    ready, over = threading.Event(), asyncio.Event()

    async def serve() -> None:
        server = await asyncio.start_server(cutter.serve, "127.0.0.1", port)
        ready.set()
        await over.wait()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    try:
        yield cutter
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()
