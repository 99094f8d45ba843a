"""The `http` output and a real nginx: TLS, client certificates, bodies that are too large; and proxies on the way."""

from __future__ import annotations

import base64
import os
import select
import shutil
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from authority import Authority
from collector import Collector, collecting
from delivering import delivered, made, numbered, segment
from servers import Server, answers, free_port, running

from pipeline.errors import ConfigurationError


@dataclass
class Nginx:
    """In front of a collector: over TLS, over TLS that wants our certificate, and with another's certificate."""

    authority: Authority
    collector: Collector
    tls: str
    mutual: str
    wrong: str


CONFIGURATION = """
daemon off; master_process off; pid {folder}/pid; error_log stderr warn;
events {{ worker_connections 64; }}
http {{
  access_log off; client_max_body_size 4k; keepalive_timeout 20s;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u;
  scgi_temp_path {folder}/s; ssl_session_cache off;
  server {{ listen 127.0.0.1:{ready}; location / {{ return 200; }} }}
  server {{ listen 127.0.0.1:{tls} ssl; ssl_certificate {server}; ssl_certificate_key {server};
    location / {{ proxy_pass {upstream}; }} }}
  server {{ listen 127.0.0.1:{mutual} ssl; ssl_certificate {server}; ssl_certificate_key {server};
    ssl_client_certificate {ca}; ssl_verify_client on; location / {{ proxy_pass {upstream}; }} }}
  server {{ listen 127.0.0.1:{wrong} ssl; ssl_certificate {other}; ssl_certificate_key {other}; location / {{ return 200; }} }}
}}
"""


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    binary = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if binary is None or shutil.which("openssl") is None:
        pytest.skip("nginx or openssl is not there: apt-get install nginx-light openssl")
    folder = tmp_path_factory.mktemp("nginx")
    authority = Authority(folder)
    ports = {name: free_port() for name in ("ready", "tls", "mutual", "wrong")}
    with collecting() as collector:
        text = CONFIGURATION.format(
            folder=folder,
            server=authority.sign("server"),
            other=authority.sign("other", "DNS:other.test"),
            ca=authority.ca,
            upstream=collector.url,
            **ports,
        )
        (folder / "nginx.conf").write_text(text)
        command = [binary, "-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")]
        with running(Server(folder, command, answers(ports["ready"], "/"), {})):
            urls = {name: f"https://127.0.0.1:{port}/x" for name, port in ports.items() if name != "ready"}
            yield Nginx(authority, collector, **urls)


@pytest.fixture
def nginx(front: Nginx) -> Nginx:
    front.collector.taken.clear()
    front.collector.asked.clear()
    return front


def numbers(nginx: Nginx) -> list[int]:
    return [event["n"] for event in nginx.collector.events]


def test_a_certificate_of_a_named_authority_is_trusted(nginx: Nginx) -> None:
    (result,) = delivered(made(f"http('{nginx.tls}', ca: '{nginx.authority.ca}')"), segment(numbered(100)))
    assert (result.accepted, numbers(nginx)) == (True, list(range(100)))


def test_a_certificate_that_is_not_to_be_trusted_gets_nothing(nginx: Nginx) -> None:
    """Of an unknown authority, and for another name; `verify: false` takes any."""
    unknown = delivered(made(f"http('{nginx.tls}')"), segment(numbered(1)))
    other = delivered(made(f"http('{nginx.wrong}', ca: '{nginx.authority.ca}')"), segment(numbered(1)))
    assert [result.accepted for result in (*unknown, *other)] == [False, False]
    assert (
        "is not to be trusted: unable to get local issuer certificate; name the file of its authority as `ca`"
        in unknown[0].reason
    )
    assert "IP address mismatch" in other[0].reason
    assert nginx.collector.asked == []
    assert delivered(made(f"http('{nginx.wrong}', verify: false)"), segment(numbered(1)))[0].accepted


def test_a_server_that_wants_our_certificate_gets_it(nginx: Nginx) -> None:
    """Without one its 400 is a bad setting, and no bad event."""
    ca, client = nginx.authority.ca, nginx.authority.sign("client")
    (without,) = delivered(made(f"http('{nginx.mutual}', ca: '{ca}')"), segment(numbered(2)))
    assert (without.accepted, "check certificates" in without.reason) == (False, True)
    (result,) = delivered(made(f"http('{nginx.mutual}', ca: '{ca}', certificate: '{client}')"), segment(numbered(2)))
    assert (result.accepted, result.refused, numbers(nginx)) == (True, (), [0, 1])


@pytest.mark.parametrize("option", ["ca", "certificate"])
def test_a_file_that_is_no_certificate_ends_the_start(nginx: Nginx, option: str) -> None:
    for path in (nginx.authority.folder / "nginx.conf", nginx.authority.folder / "none.pem"):
        with pytest.raises(ConfigurationError, match="a certificate cannot be used"):
            delivered(made(f"http('{nginx.tls}', {option}: '{path}')"), segment(numbered(1)))


def test_bodies_that_nginx_does_not_take_are_sent_in_halves(nginx: Nginx) -> None:
    """It answers 413 before it has read them, and one event is too large for it."""
    large = '{"n":"' + "x" * 300_000 + '"}'
    lines = [*numbered(2000), large, *numbered(2000, 2000)]
    (result,) = delivered(made(f"http('{nginx.tls}', ca: '{nginx.authority.ca}', events: 5000)"), segment(lines))
    assert result.accepted, result.reason
    assert [(refusal.row, refusal.reason) for refusal in result.refused] == [(2000, "too_large")]
    assert numbers(nginx) == list(range(4000))


PROXY_USER = f"Basic {base64.b64encode(b'me:p/w').decode()}"


class Tunnel(socketserver.BaseRequestHandler):
    """A proxy for CONNECT that wants to know who asks."""

    def handle(self) -> None:
        self.request.settimeout(30)
        head = b""
        while b"\r\n\r\n" not in head:
            if not (more := self.request.recv(65536)):
                return
            head += more
        if f"Proxy-Authorization: {PROXY_USER}".encode() not in head:
            self.request.sendall(b"HTTP/1.1 407 Who\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        host, _, port = head.split()[1].decode().partition(":")
        with socket.create_connection((host, int(port)), 30) as far:
            self.request.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            pairs = {self.request: far, far: self.request}
            while True:
                for ready in select.select(list(pairs), [], [], 30)[0]:
                    if not (data := ready.recv(65536)):
                        return
                    pairs[ready].sendall(data)


@contextmanager
def tunnelling() -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Tunnel) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_tls_goes_through_a_proxy(nginx: Nginx) -> None:
    """It sees a name and no events; one that wants other credentials is told as such."""
    with tunnelling() as port:
        for user, told in (("me:p%2Fw", ""), ("me:no", "the proxy answered 407 Who: check `proxy`")):
            proxy = f"http://{user}@127.0.0.1:{port}"
            (result,) = delivered(
                made(f"http('{nginx.tls}', ca: '{nginx.authority.ca}', proxy: '{proxy}')"), segment(numbered(3))
            )
            assert (result.accepted, result.reason.partition(", and")[0]) == (not told, told)
    assert numbers(nginx) == [0, 1, 2]


@pytest.mark.parametrize("given", ["option", "environment"])
def test_plain_requests_go_through_a_proxy(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    """Which the option names, or the environment."""
    with collecting() as proxy:
        url = f"http://me:p%2Fw@127.0.0.1:{proxy.port}"
        option = f", proxy: '{url}'" if given == "option" else ""
        if given == "environment":
            monkeypatch.setenv("HTTP_PROXY", url)
            monkeypatch.setenv("http_proxy", url)
        (result,) = delivered(made(f"http('http://nowhere.test/x'{option})"), segment(numbered(3)))
        assert result.accepted, result.reason
        (asked,) = proxy.asked
        assert (asked.headers["Host"], asked.headers["Proxy-Authorization"]) == ("nowhere.test", PROXY_USER)


@pytest.mark.parametrize(("option", "exempt"), [(", proxy: ''", ""), ("", "127.0.0.1")])
def test_a_proxy_of_the_environment_can_be_left_out(monkeypatch: pytest.MonkeyPatch, option: str, exempt: str) -> None:
    """By the option, or by `NO_PROXY`."""
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, exempt)
    with collecting() as collector:
        assert delivered(made(f"http('{collector.url}'{option})"), segment(numbered(3)))[0].accepted
