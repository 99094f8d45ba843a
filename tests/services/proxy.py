"""A proxy for HTTP that does to requests what networks and servers do on bad days."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

PART = 1 << 16
END = b"\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(frozen=True)
class Fate:
    """What becomes of a request: `status` is answered instead of the server; `lost`: the server has it and the reply never comes;
    `reset`: the connection ends before the server sees it; `endless`: a reply that never ends."""

    status: int = 0
    headers: str = ""
    body: bytes = b""
    lost: bool = False
    reset: bool = False
    endless: bool = False


@dataclass
class Proxy:
    """Requests that `concerns` picks (by their first line) meet the fates, in order; all others pass. `seen` has the first lines."""

    upstream: int
    port: int = 0
    fates: deque[Fate] = field(default_factory=deque)
    concerns: Callable[[str], bool] = lambda line: True
    seen: list[str] = field(default_factory=list)

    def meets(self, *fates: Fate, concerns: Callable[[str], bool] = lambda line: True) -> None:
        self.concerns = concerns
        self.fates.extend(fates)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its reply. False when the connection is over."""
        head = await reader.readuntil(b"\r\n\r\n")
        line, *headers = head.decode("latin-1").split("\r\n")
        self.seen.append(line)
        named = {name.lower(): value.strip() for name, _, value in (header.partition(":") for header in headers)}
        fate = self.fates.popleft() if self.fates and self.concerns(line) else Fate()
        if fate.reset:
            writer.transport.abort()
            return False
        asks = named.get("expect", "").lower() == "100-continue"
        length = int(named.get("content-length", "0"))
        if fate.status or fate.endless:
            if asks:
                writer.write(CONTINUE)
            await reader.readexactly(length)
        if fate.status:
            told = f"HTTP/1.1 {fate.status} Fated\r\nContent-Length: {len(fate.body)}\r\nConnection: close\r\n{fate.headers}\r\n"
            writer.write(told.encode() + fate.body)
            await writer.drain()
            return False
        if fate.endless:
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
            while True:
                writer.write(b" " * PART)
                await writer.drain()
        kept = [header for header in headers if header and header.split(":")[0].lower() != "connection"]
        request = "\r\n".join([line, *kept, "", ""]).encode("latin-1")

        async def body() -> bytes:
            if asks:
                writer.write(CONTINUE)
            return await reader.readexactly(length)

        reply = await self._asked(request, body, asks=asks)
        if fate.lost:
            writer.transport.abort()
            return False
        # Whoever does not know that this connection ends would send the next request into it.
        status, _, rest = reply.partition(b"\r\n")
        writer.write(status + b"\r\nConnection: close\r\n" + rest)
        await writer.drain()
        return False

    async def _asked(self, request: bytes, body: Callable[[], Awaitable[bytes]], *, asks: bool) -> bytes:
        """The server's reply. One that is asked before it gets a body may refuse it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        try:
            writer.write(request)
            first = b""
            if asks:
                first = await reader.readuntil(END)
            if not first or first.startswith(b"HTTP/1.1 100"):
                writer.write(await body())
                await writer.drain()
                first = await reader.readuntil(END)
            return first + await _rest(reader, first, head_only=request.startswith(b"HEAD "))
        finally:
            writer.close()


async def _rest(reader: asyncio.StreamReader, head: bytes, *, head_only: bool) -> bytes:
    """The body of a reply."""
    told = {
        name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")[1:])
    }
    if head_only or head.split(b" ")[1] in (b"204", b"304"):
        return b""
    if told.get(b"transfer-encoding") != b"chunked":
        return await reader.readexactly(int(told.get(b"content-length", b"0")))
    found = b""
    while not found.endswith(b"\r\n0\r\n\r\n") and found != b"0\r\n\r\n":
        found += await reader.readuntil(b"\r\n")
        found += await reader.readexactly(int(found.rsplit(b"\r\n", 2)[-2], 16) + 2)
    return found


@contextmanager
def proxied(upstream: int) -> Iterator[Proxy]:
    """A proxy in a thread of its own."""
    proxy = Proxy(upstream)
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    over = asyncio.Event()

    async def serve() -> None:
        server = await asyncio.start_server(proxy._serve, "127.0.0.1", 0)
        proxy.port = server.sockets[0].getsockname()[1]
        ready.set()
        await over.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    ready.wait()
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()
