"""Tests of the input `poll`, with a server on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from pipeline.testing import contract

from pipe_poll import Poll

TICKETS = [{"id": number, "title": f"ticket {number}"} for number in range(7)]
PAGE = 3


class Tickets(BaseHTTPRequestHandler):
    """Three tickets a page; a cursor is the number of the next one."""

    def do_GET(self) -> None:
        cursor = int(parse_qs(urlsplit(self.path).query).get("cursor", ["0"])[0])
        records = TICKETS[cursor : cursor + PAGE]
        body = json.dumps({"records": records, "cursor": str(cursor + len(records))}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Tickets)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/tickets"
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_contract(url: str) -> None:
    """Among it: begun again after each page, every ticket is there once."""
    contract.check(Poll, f"source tickets = poll('{url}')\nsink out = tickets -> null()")
