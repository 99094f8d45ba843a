"""Tests of the resolver `owner`, with a server on this machine."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import polars as pl
import pytest
from pipeline import api
from pipeline.testing import contract

from pipe_owner import Options, Owner


class Server(ThreadingHTTPServer):
    """Knows who owns `web1`, fails for `bad`, and knows nobody else."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.url = f"http://127.0.0.1:{self.server_port}/hosts"


class Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        host = self.path.removeprefix("/hosts/")
        self.send_response({"web1": 200, "a%2Fb": 200, "bad": 503}.get(host, 404))
        self.end_headers()
        self.wfile.write(json.dumps({"owner": f"owner of {host}"}).encode())

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


def fetched(server: Server, *hosts: str) -> list[tuple[str, str | None]]:
    resolver = Owner(Options(field=api.Field(("host",), api.STRING), url=server.url))
    return asyncio.run(resolver.fetch(pl.Series("key", hosts))).rows()


def test_the_contract(server: Server) -> None:
    """Among it: it does not block the loop, and can be cancelled anywhere."""
    contract.check(Owner, Owner.example.replace("http://localhost:8080/hosts", server.url).replace("200ms", "10s"))


def test_a_host_has_an_owner_or_none(server: Server) -> None:
    """A host is one part of the path, whatever is in it."""
    assert fetched(server, "web1", "web9", "a/b") == [
        ("web1", "owner of web1"),
        ("web9", None),
        ("a/b", "owner of a%2Fb"),
    ]


def test_a_server_that_fails_raises(server: Server) -> None:
    """The engine takes note, and the fields of that host are null."""
    with pytest.raises(OSError, match="the server answered 503"):
        fetched(server, "bad")
