"""Clusters of Kafka and those that speak like them: the options that are shared, a connection, and what an error asks for."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Iterable
from typing import Any, Literal

from pipeline import api

REQUEST = 20.0
"""Seconds that a broker may take to answer."""

FENCED = frozenset({47, 90})
"""Codes for a producer whose place another one took."""

BUSY = frozenset({14, 15, 16, 51})
"""Codes of coordinators that have not finished what was before, load, or are elsewhere by now."""

PASSING = frozenset({2, 3, 5, 6, 7, 8, 13, 19, 20, 56})
"""Codes of a partition that pass, as when its leader changes."""

_ADVICE = {
    3: "create the topic, or let the brokers do it (auto.create.topics.enable)",
    5: "the partition has no leader: look at the brokers",
    10: "set `max_message` to the topic's max.message.bytes",
    18: "set `max_message` to the topic's max.message.bytes",
    19: "fewer replicas are in sync than min.insync.replicas asks for: look at the brokers",
    29: "allow Write and Describe on the topic, and Read for `transactional`",
    30: "allow Read on groups that begin with `pipe-`, or set `transactional: false`",
    31: "allow IdempotentWrite on the cluster",
    33: "choose another `sasl`",
    35: "the brokers are too old for it: set `transactional: false`",
    53: "allow Write and Describe on transactional ids that begin with `pipe-`, or set `transactional: false`",
    58: "check `username` and `password`",
}


class BrokerError(Exception):
    """A broker answered with a code. The message says what to do where that is known."""

    def __init__(self, code: int, what: str) -> None:
        (errors,) = api.libraries("kafka", "aiokafka.errors")
        known = errors.for_code(code)
        advice = _ADVICE.get(code, "")
        told = f"{what}: {getattr(known, 'message', '') or known.__name__} ({code})"
        super().__init__(f"{told}; {advice}" if advice else told)
        self.code = code


def check(code: int, what: str) -> None:
    """Raises BrokerError unless all is well."""
    if code:
        raise BrokerError(code, what)


class Options(api.Options):
    brokers: str = api.option("Some of the brokers, `host:9092,host:9092`; the others are found by them.")


class Access(api.Options):
    tls: bool = api.option("Whether to speak TLS.", default=False)
    ca: str | None = api.option(
        "A file of certificates to trust, for `tls`; the system's when not given.", default=None
    )
    client_certificate: str | None = api.option(
        "A file with a certificate to show, and its key where `client_key` is not given.", default=None
    )
    client_key: str | None = api.option("A file with the key of `client_certificate`.", default=None)
    sasl: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = api.option("How to log in.", default=None)
    username: str | None = api.option("The name for `sasl`.", default=None)
    password: str | None = api.option(
        "The password for `sasl`. Take it from the environment: `env('KAFKA_PASSWORD')`.",
        default=None,
        min_length=1,
        repr=False,
    )


def demand(brokers: str, access: Access) -> None:
    """Raises OptionError for options that are wrong together."""
    for broker in brokers.split(","):
        host, colon, port = broker.strip().rpartition(":")
        if "://" in broker or (colon and not port.isdigit()) or not (host if colon else port):
            raise api.OptionError(f"{broker!r} is no broker", "brokers", "write 'host:9092', and a comma between two")
    if access.sasl is not None and (access.username is None or access.password is None):
        raise api.OptionError(
            "a login needs a name and a password", "sasl", "add `username: '…', password: env('KAFKA_PASSWORD')`"
        )
    if access.sasl is None and (access.username or access.password):
        raise api.OptionError("a name and a password are for `sasl`", "username", "add `sasl: 'SCRAM-SHA-512'`")
    if not access.tls and (access.ca or access.client_certificate or access.client_key):
        raise api.OptionError("certificates are for TLS", "tls", "add `tls: true`")


class Cluster:
    """How to reach a cluster. `connect` gives the library's client, which whoever asked closes."""

    def __init__(self, brokers: str, access: Access) -> None:
        self._brokers = [broker.strip() for broker in brokers.split(",")]
        self._access = access
        self._settings: dict[str, Any] = {}

    async def open(self, ctx: api.Context) -> None:
        """Raises ConfigurationError without the library, or for certificates that cannot be read. Connects to nobody."""
        api.libraries("kafka", "aiokafka.client", "cramjam")
        # What it would tell stderr are reasons of deliveries that fail.
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL + 1)
        access = self._access
        try:
            secured = await ctx.run(_context, access) if access.tls else None
        except OSError as error:  # ssl.SSLError is one
            raise api.ConfigurationError(
                f"kafka: the certificates cannot be used: {error}", "See `ca`, `client_certificate` and `client_key`."
            ) from error
        self._settings = {
            "request_timeout_ms": int(REQUEST * 1000),
            "client_id": "pipe",
            "security_protocol": ("SASL_" if access.sasl else "") + ("SSL" if access.tls else "PLAINTEXT"),
            "ssl_context": secured,
            "sasl_mechanism": access.sasl or "PLAIN",
            "sasl_plain_username": access.username,
            "sasl_plain_password": access.password,
        }

    async def connect(self, ctx: api.Context) -> Any:  # noqa: ANN401 — the library has no types
        """Raises what `failures` names, for the last of the brokers that were named."""
        (library,) = api.libraries("kafka", "aiokafka.client")
        client = library.AIOKafkaClient(bootstrap_servers=self._brokers, **self._settings)
        try:
            await self._probe(ctx, client.hosts)
            # It would leave a connection behind where it is cancelled. Somebody answers, so it does not take long.
            begun = asyncio.ensure_future(client.bootstrap())
            try:
                await asyncio.shield(begun)
            except asyncio.CancelledError:
                await asyncio.wait([begun])
                raise
        except BaseException:
            await client.close()
            raise
        return client

    async def _probe(self, ctx: api.Context, hosts: Iterable[tuple[str, int, object]]) -> None:
        """Whether somebody lets us in: the client itself would not say why nobody does."""
        (connections,) = api.libraries("kafka", "aiokafka.conn")
        failed: BaseException | None = None
        for host, port, _ in hosts:
            try:
                connection = await connections.create_conn(host, port, **self._settings)
            except failures() as error:
                failed = error
            else:
                await connection.close()
                return
            finally:
                # What the library closes is closed at the next turn of the loop.
                await ctx.clock.sleep(0)
        raise failed or ConnectionError("no broker is named")


def failures() -> tuple[type[BaseException], ...]:
    """What talking to a cluster raises where that, the network or the login is to blame."""
    (errors,) = api.libraries("kafka", "aiokafka.errors")
    # NotImplementedError: the broker speaks no version of a request that the library does.
    return (errors.KafkaError, BrokerError, NotImplementedError, TimeoutError, OSError)


def again(error: BaseException) -> api.Result:
    """The delivery failed with this error, and is to be tried again."""
    told = " ".join(str(error).split()) or type(error).__name__
    if (advice := _ADVICE.get(getattr(error, "errno", 0) or 0)) and not isinstance(error, BrokerError | OSError):
        told += f"; {advice}"
    return api.Result(accepted=False, reason=told)


def _context(access: Access) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=access.ca)
    if access.client_certificate is not None:
        context.load_cert_chain(access.client_certificate, access.client_key)
    return context
