"""A server that takes events over HTTP, in a thread of the test. What it makes of a request is a function; stubs of services are such
functions."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import zstandard


@dataclass(frozen=True)
class Asked:
    """A request, its body unpacked."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def events(self) -> list[Any]:
        """A JSON array, or JSON lines."""
        return json.loads(self.body) if self.body[:1] == b"[" else [json.loads(line) for line in self.body.splitlines()]


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


Handle = Callable[[Asked], Answer]


class Collector:
    """Keeps what it took, by key where requests have one; `answers` come before those of `handle`."""

    def __init__(self, handle: Handle | None = None) -> None:
        self.handle = handle or self.keep
        self.answers: list[Answer] = []
        self.asked: list[Asked] = []
        self.taken: dict[str, Asked] = {}
        self.connections = 0
        self.port = 0
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def events(self) -> list[Any]:
        """All that was taken, in the order in which it first came."""
        return [event for asked in self.taken.values() for event in asked.events]

    def keep(self, asked: Asked) -> Answer:
        """Once for each key."""
        self.taken.setdefault(asked.headers.get("Idempotency-Key", str(len(self.taken))), asked)
        return Answer()

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        return self.answers.pop(0) if self.answers else self.handle(asked)

    def start(self) -> None:
        """On the port that it had before."""
        collector = self

        class Receiver(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Small answers would wait for the other side's delayed acknowledgement.
            disable_nagle_algorithm = True

            def setup(self) -> None:
                collector.connections += 1
                super().setup()

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except ConnectionError:
                    self.close_connection = True
                # A server that was stopped has no connections.
                self.close_connection |= collector._server is None

            def take(self) -> None:
                body = unpacked(self.headers, self.rfile.read(int(self.headers.get("Content-Length", "0"))))
                url = urlsplit(self.path)
                path = url.path + (f"?{url.query}" if url.query else "")
                answer = collector.answer(Asked(self.command, path, dict(self.headers.items()), body))
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def __getattr__(self, name: str) -> Any:
                """Any method."""
                if name.startswith("do_"):
                    return self.take
                raise AttributeError(name)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Receiver)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()
            self._thread.join()


def unpacked(headers: Any, body: bytes) -> bytes:
    match headers.get("Content-Encoding"):
        case "gzip":
            return gzip.decompress(body)
        case "zstd":
            return zstandard.ZstdDecompressor().decompress(body)
        case _:
            return body


@contextmanager
def collecting(handle: Handle | None = None) -> Iterator[Collector]:
    collector = Collector(handle)
    collector.start()
    try:
        yield collector
    finally:
        collector.stop()
