"""Services that are reached by HTTP: the options of a connection, and requests whose answers are bounded in size and time."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pipeline import api
from pipeline.api import formats

MOST = 16 << 20
"""Bytes of an answer."""

CONNECT = 10.0
"""Seconds that a connection may take."""

LONGEST_WAIT = 300.0
"""Seconds that a service may ask us to wait."""


class Options(api.Options):
    ca: str | None = api.option(
        "A file with the certificates that are trusted, besides those of the system: `'/etc/ssl/our-ca.pem'`.",
        default=None,
    )
    verify: bool = api.option("Whether the certificate of the server is checked.", default=True)
    proxy: str | None = api.option("A proxy between: `http://host:port`.", default=None)
    timeout: api.Duration = api.option("How long a request and its answer may take.", default=60_000_000, gt=0)


def check(url: str) -> None:
    """Raises OptionError for what is no url of a service, and for one with a password, which would be shown."""
    try:
        found = urlsplit(url)
        named = found.scheme in ("http", "https") and bool(found.hostname) and (found.port or 1) > 0
    except ValueError:
        named = False
    if not named:
        raise api.OptionError("this is no http url", "url", "write 'https://host:port'")
    if found.username or found.password:
        raise api.OptionError("a url is shown, and this one has a password", "url", "give `user` and `password`")
    if found.query or found.fragment:
        raise api.OptionError("this url has more than a path", "url", "leave out what follows `?` or `#`")


@dataclass(frozen=True)
class Answer:
    """What a service answered. `after`: the seconds that it asks us to wait, or 1."""

    status: int
    body: bytes
    after: float

    @property
    def text(self) -> str:
        """The beginning of the body on one line, for people."""
        return " ".join(self.body[:2000].decode("utf-8", "replace").split())[:300]


class Client:
    """Requests to services, from `open` to `close`. `extra` brings the library; `headers` come with each request."""

    def __init__(self, extra: str, options: Options, headers: Mapping[str, str]) -> None:
        self._extra = extra
        self._options = options
        self._headers = headers
        self._session: Any = None
        self._ctx: api.Context | None = None

    async def open(self, ctx: api.Context) -> None:
        """Raises ConfigurationError without the library, and for a file of certificates that cannot be used."""
        (aiohttp,) = api.libraries(self._extra, "aiohttp")
        self._ctx = ctx
        self._session = aiohttp.ClientSession(
            headers={"User-Agent": "pipe", **self._headers},
            connector=aiohttp.TCPConnector(ssl=await ctx.run(self._trust)),
            timeout=aiohttp.ClientTimeout(total=self._options.timeout / 1e6, connect=CONNECT),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(self, method: str, url: str, body: bytes, kind: str) -> Answer:
        """One request, compressed, with a body of this media type. Raises ConnectionError and TimeoutError, with what is wrong."""
        (aiohttp,) = api.libraries(self._extra, "aiohttp")
        if self._ctx is None:
            raise ValueError("a request before open")
        packed = await self._ctx.run(formats.compress.frame, body, "gzip", 1)
        headers = {"Content-Type": kind, "Content-Encoding": "gzip"}
        try:
            async with self._session.request(
                method, url, data=packed, headers=headers, proxy=self._options.proxy, allow_redirects=False
            ) as response:
                return Answer(response.status, await _read(response), _after(response.headers.get("Retry-After", "")))
        except TimeoutError as error:
            raise TimeoutError(_said(error) or f"no answer in {self._options.timeout / 1e6:g} s") from error
        except aiohttp.ClientError as error:
            raise ConnectionError(_said(error) or type(error).__name__) from error

    def _trust(self) -> ssl.SSLContext | bool:
        """What the library takes for its question whom to trust."""
        if not self._options.verify:
            return False
        if self._options.ca is None:
            return True
        try:
            trusted = ssl.create_default_context()
            trusted.load_verify_locations(cafile=self._options.ca)
        except (OSError, ssl.SSLError) as error:
            raise api.ConfigurationError(
                f"the certificates in {self._options.ca} cannot be used: {error}", "Name a PEM file in `ca`."
            ) from error
        return trusted


async def _read(response: Any) -> bytes:  # noqa: ANN401 — the library's type
    """All of an answer, which may be compressed. Raises ConnectionError where it is too much."""
    parts = []
    size = 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > MOST:
            response.close()
            raise ConnectionError(f"the answer has more than {MOST:,} bytes")
    return b"".join(parts)


def _said(error: BaseException) -> str:
    return " ".join(str(error).split())


def _after(told: str) -> float:
    return min(float(told), LONGEST_WAIT) if told.isascii() and told.isdigit() else 1.0
