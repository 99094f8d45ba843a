"""Tests of the output `webhook`, with a server on this machine."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pipeline import api
from pipeline.testing import FakeContext, contract

from pipe_webhook import Options, Webhook


class Server(ThreadingHTTPServer):
    """Remembers what it took, by key, and the first answers that it is to give."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.taken: dict[str, bytes] = {}
        self.answers: list[int] = []
        self.connections = 0

    def process_request(self, request: object, client_address: object) -> None:
        self.connections += 1
        super().process_request(request, client_address)  # type: ignore[arg-type]


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.answers.pop(0) if self.server.answers else 200
        if status == 200:
            self.server.taken.setdefault(self.headers["Idempotency-Key"], body)
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


def url(server: Server) -> str:
    return f"http://127.0.0.1:{server.server_port}/events"


def segment(number: int) -> api.Segment:
    data = b'{"n": %d}\n' % number
    sha256, name = hashlib.sha256(data).hexdigest(), f"out-{number}"
    return api.Segment("out", number, name=name, rows=1, size=len(data), sha256=sha256, ranges=(), data=data)


def delivered(server: Server, count: int) -> list[api.Result]:
    async def work() -> list[api.Result]:
        output = Webhook(Options(url=url(server)))
        with FakeContext() as ctx:
            await output.open(ctx)
            try:
                return [await output.deliver(segment(number)) for number in range(count)]
            finally:
                await output.close()

    return asyncio.run(work())


def test_the_contract(server: Server) -> None:
    """Among it: what is sent twice is there once."""
    contract.check(
        Webhook,
        f"source access = generate(count: 100)\nsink hook = access -> webhook('{url(server)}', idempotent: true)",
        reset=server.taken.clear,
        effect=lambda: dict(server.taken),
    )


def test_only_a_server_that_remembers_gets_everything_once() -> None:
    """What the server does, the program says."""
    target = "http://localhost/"
    assert Webhook(Options(url=target, idempotent=True)).guarantee()[0] == "exactly once"
    assert Webhook(Options(url=target)).guarantee()[0] == "at least once"


def test_a_connection_stays_open(server: Server) -> None:
    """Five segments, one connection."""
    assert all(result.accepted for result in delivered(server, 5))
    assert len(server.taken) == 5
    assert server.connections == 1


def test_a_busy_server_is_asked_again(server: Server) -> None:
    """503 asks for the segment once more, later."""
    server.answers = [503]
    (result,) = delivered(server, 1)
    assert (result.accepted, result.after, result.reason) == (False, 5, "the server answered 503")


def test_a_refusal_is_an_error(server: Server) -> None:
    """The engine sets the segment aside and goes on with the next."""
    server.answers = [400]
    with pytest.raises(ValueError, match="refused the segment with 400"):
        delivered(server, 1)
