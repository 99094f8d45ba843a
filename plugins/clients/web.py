"""HTTP: the options that outputs over it share, a client with a pool of connections, and what an answer asks for."""

from __future__ import annotations

import base64
import io
import ssl
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from pipeline import api

from .answers import Reply

MOST = 1 << 20
"""Bytes of an answer. One that is longer, or never ends, is no answer."""

KEPT = 4.0
"""Seconds that an idle connection is kept: less than the five after which common servers close theirs, so that a request rarely
meets one that is being closed."""

KEY = 12
"""Characters from which on a part of a url's path may be a key: some services have theirs there."""

HIDDEN = "***"
"""What stands for a secret in a message."""


def secret(doc: str, **limits: Any) -> Any:  # noqa: ANN401 — as `api.option`
    """An option whose value is never shown."""
    return api.option(f"{doc} A secret: take it from the environment, `env('NAME')`.", repr=False, **limits)


class Options(api.Options):
    """How a server is reached."""

    timeout: api.Duration = api.option("How long a request and its answer may take.", default=60_000_000, ge=1)
    connect_timeout: api.Duration = api.option("How long a connection may take.", default=10_000_000, ge=1)
    proxy: str | None = api.option(
        "A proxy, `http://user:password@host:3128`; `''` for none. By default the environment says it (`HTTPS_PROXY`, "
        "`HTTP_PROXY`, `NO_PROXY`).",
        default=None,
        repr=False,
    )
    ca: str | None = api.option(
        "A file with the authorities that the server's certificate may come from, in place of the system's.",
        default=None,
    )
    certificate: str | None = api.option(
        "A file with our own certificate, and its key where `key` is not given.", default=None
    )
    key: str | None = api.option("A file with the key of our own certificate.", default=None)
    verify: bool = api.option(
        "Whether the server's certificate is checked. Without it anybody may be the server.", default=True
    )


class Credentials(api.Options):
    """Who asks."""

    token: str | None = secret("Sent as `Authorization: Bearer`.", default=None)
    user: str | None = api.option("Sent with `password` as `Authorization: Basic`.", default=None)
    password: str | None = secret("The user's.", default=None)


def check(url: str, options: Options, *, option: str = "url") -> SplitResult:
    """The parts of the url. Raises OptionError."""
    parts = _parts(url)
    if parts is None:
        raise api.OptionError("this is no http url", option, "write 'https://host/path'")
    if parts.username is not None or parts.password is not None:
        raise api.OptionError(
            "credentials do not belong into the url", option, "it is shown; credentials have options of their own"
        )
    if options.proxy and _proxy_parts(options.proxy) is None:
        raise api.OptionError("this is no url of an http proxy", "proxy", "write 'http://host:3128'")
    if options.key is not None and options.certificate is None:
        raise api.OptionError("a key without its certificate", "key", "add `certificate: 'client.pem'`")
    return parts


def authorization(options: Credentials) -> dict[str, str]:
    """The header that says who asks. Raises OptionError."""
    if options.token is not None and options.user is not None:
        raise api.OptionError("a token and a user at once", "token", "give one of them")
    if (options.user is None) != (options.password is None):
        raise api.OptionError(
            "`user` and `password` belong together", "user" if options.password is None else "password"
        )
    if options.token is not None:
        return {"Authorization": f"Bearer {header(options.token, 'token')}"}
    if options.user is not None:
        return {"Authorization": _basic(options.user, options.password or "")}
    return {}


def header(value: str, option: str) -> str:
    """A value that a header may have. Raises OptionError."""
    if not value.isprintable() or not value.isascii() or value != value.strip():
        raise api.OptionError(
            "this cannot be in a header",
            option,
            "a header is printable ASCII, without spaces at its ends; a file's last line break is one",
        )
    return value


def shown(parts: SplitResult) -> str:
    """A url as it may be told: paths and queries may have keys in them."""
    return f"{parts.scheme}://{parts.netloc}" + ("/…" if parts.path.strip("/") or parts.query else "")


class Client:
    """Sends requests to one server, from `open` to `close`. `secrets` are texts that no message may have, `extra` what brings the
    library, `most` the bytes of an answer."""

    def __init__(
        self, to: SplitResult, options: Options, secrets: Collection[str], *, extra: str = "http", most: int = MOST
    ) -> None:
        self._extra = extra
        self._most = most
        self._to = to
        self._options = options
        self._hidden = {text for text in (*secrets, to.query) if text} | {
            part for part in to.path.split("/") if len(part) >= KEY
        }
        self._forwarded: dict[str, str] = {}
        """What the proxy wants to see."""
        self._aiohttp: Any = None
        self._session: Any = None

    async def open(self, ctx: api.Context) -> None:
        """Raises ConfigurationError without the library, or where certificates or the proxy cannot be used."""
        proxy = self._proxy()
        self._forwarded = _through(proxy)
        self._hidden |= {text for text in (proxy.password if proxy else None, *self._forwarded.values()) if text}
        (library,) = await ctx.run(api.libraries, self._extra, "aiohttp")
        secure = "https" in (self._to.scheme, proxy.scheme if proxy else "")
        tls = await ctx.run(self._tls) if secure else True
        options = self._options
        self._aiohttp = library
        self._session = library.ClientSession(
            connector=library.TCPConnector(ssl=tls, keepalive_timeout=KEPT),
            timeout=library.ClientTimeout(total=options.timeout / 1e6, sock_connect=options.connect_timeout / 1e6),
            headers={"User-Agent": "pipe", "Accept-Encoding": "identity"},
            cookie_jar=library.DummyCookieJar(),
            auto_decompress=False,
            proxy=None if proxy is None else f"{proxy.scheme}://{proxy.netloc.rpartition('@')[2]}",
        )

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The server's answer, whatever it says; redirections are not followed. Raises ConnectionError where there is none, or not
        all of it, and TimeoutError where it comes too late."""
        if self._session is None:
            raise ValueError("send before open")
        tunnelled = url.startswith("https:")
        request = self._session.request(
            method,
            url,
            headers={**headers, **({} if tunnelled else self._forwarded)},
            proxy_headers=self._forwarded if tunnelled else None,
            data=io.BytesIO(body),
            allow_redirects=False,
        )
        try:
            async with request as answer:
                told = await _read(answer, self._most)
                phrase, text = self.hide(answer.reason or ""), self.hide(told.decode(errors="replace"))
                said = {name: self.hide(value) for name, value in answer.headers.items()}
                return Reply(answer.status, phrase, said, text)
        except (self._aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            kind = TimeoutError if isinstance(error, TimeoutError) else ConnectionError
            raise kind(self.hide(self._reason(error))) from None

    def hide(self, text: str) -> str:
        """A text without secrets: servers may repeat what they were told."""
        for each in self._hidden:
            text = text.replace(each, HIDDEN)
        return text

    def _reason(self, error: BaseException) -> str:
        names = self._aiohttp
        host = self._to.netloc
        if isinstance(error, names.ClientConnectorCertificateError):
            inner = error.certificate_error
            told = getattr(inner, "verify_message", "") or " ".join(str(inner).split())
            return f"the certificate of {host} is not to be trusted: {told}; name the file of its authority as `ca`"
        if isinstance(error, names.ClientHttpProxyError):
            return f"the proxy answered {error.status} {error.message}: check `proxy`, and the credentials in it"
        if isinstance(error, names.ClientProxyConnectionError):
            return f"the proxy cannot be reached: {error.os_error}"
        if isinstance(error, names.ClientResponseError):
            return f"{host} gave no answer that can be read: {error.message}"
        if isinstance(error, TimeoutError):
            return f"{host} did not answer in time"
        told = " ".join(str(error).split())
        return told if isinstance(error, _UnendingError) else f"{host}: {told or type(error).__name__}"

    def _tls(self) -> ssl.SSLContext:
        options = self._options
        try:
            made = ssl.create_default_context(cafile=options.ca)
            if options.certificate is not None:
                # Without a password of ours, OpenSSL would ask on the terminal.
                made.load_cert_chain(options.certificate, options.key, password=_nobody)
        except (OSError, ValueError) as error:
            raise api.ConfigurationError(
                f"a certificate cannot be used: {error}",
                "`ca`, `certificate` and `key` are PEM files without a password.",
            ) from error
        if not options.verify:
            made.check_hostname = False
            made.verify_mode = ssl.CERT_NONE
        return made

    def _proxy(self) -> SplitResult | None:
        """Raises ConfigurationError for one of the environment that is none."""
        given = self._options.proxy
        if given is None:
            known = getproxies()
            host = f"{self._to.hostname}:{self._to.port}" if self._to.port else str(self._to.hostname)
            if not proxy_bypass(host):
                given = known.get(self._to.scheme) or known.get("all")
        if not given:
            return None
        found = _proxy_parts(given)
        if found is None:
            raise api.ConfigurationError(
                f"the environment names a proxy for {self._to.scheme} that is no http proxy",
                "Write `proxy: 'http://host:3128'`, or `proxy: ''` for none.",
            )
        return found


class _UnendingError(ConnectionError):
    """More of an answer than anybody reads."""


async def _read(answer: Any, most: int) -> bytes:  # noqa: ANN401 — the library's
    """The whole body. Raises _UnendingError."""
    found = bytearray()
    async for part in answer.content.iter_any():
        found += part
        if len(found) > most:
            answer.close()
            raise _UnendingError(f"the answer ({answer.status}) has more than {most:,} bytes")
    return bytes(found)


def _parts(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if sound and url.isprintable() and " " not in url and not parts.fragment else None


def _proxy_parts(proxy: str) -> SplitResult | None:
    return _parts(proxy if "://" in proxy else f"http://{proxy}")


def _through(proxy: SplitResult | None) -> dict[str, str]:
    """The header that the proxy wants."""
    if proxy is None or proxy.username is None:
        return {}
    return {"Proxy-Authorization": _basic(unquote(proxy.username), unquote(proxy.password or ""))}


def _basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def _nobody() -> str:
    return ""
