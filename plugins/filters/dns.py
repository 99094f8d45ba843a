"""Names of addresses, and addresses of names."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Literal

import dns.asyncresolver
import dns.exception
import dns.name
import dns.rdatatype
import dns.resolver
import dns.reversename
import polars as pl

from pipeline import api
from pipeline.api import addresses

PORT = 53


class Options(api.ResolverOptions):
    field: api.Field = api.option("An address (for `ptr`), or a name.")
    into: api.NewName = api.option("The field for the answer.", default="host", min_length=1, pattern="^[^@]")
    record: Literal["ptr", "a", "aaaa"] = api.option(
        "What to ask for: `ptr` is the name of an address, `a` the IPv4 addresses of a name, `aaaa` the IPv6 ones.",
        default="ptr",
    )
    server: str | None = api.option(
        "The name server, an address with a port or without; by default those that the system uses.", default=None
    )


class Dns(api.Resolver[Options]):
    """Asks the domain name system: `dns(client, into: host)` for the name of an address, `dns(host, record: a, into: ips)` for the
    addresses of a name, which are a sorted list.

    Each distinct value is asked for once, and its answer kept for `ttl`; what the name server says about how long is not heeded. A name
    that does not exist, an address without a name, and what is no address or no name give null. A batch waits for `timeout` at
    most: what is not answered then is null too, or leaves by `.rejected` with `missing: 'reject'`. The local hosts file is not
    read.

    Answers are those of the time when a batch is computed: a batch that is computed again, after a crash or for `pipe why`, may
    get others."""

    name = "dns"
    options_model = Options
    example = """
source access = generate(count: 100)
transform named = access
  | grok('%{NGINX_COMBINED}')
  | dns(remote_addr, into: host, server: '127.0.0.1:5353', timeout: 200ms)
  | keep(remote_addr, host)
sink out = named -> console()
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._server = None if options.server is None else _server(options.server)
        self._resolver: dns.asyncresolver.Resolver | None = None

    def __reduce__(self) -> tuple[object, ...]:
        return Dns, (self.options,)

    def schema(self, columns: api.Columns) -> api.Columns:
        if self.options.field.type.kind != "string":
            raise api.OptionError(f"dns reads a string, and this is of type {self.options.field.type}", "field")
        return super().schema(columns)

    def adds(self) -> Mapping[str, api.Type]:
        return {self.options.into: api.STRING if self.options.record == "ptr" else api.list_of(api.STRING)}

    def describe(self) -> Mapping[str, str]:
        if self._server is None:
            return {"asks": "the name servers of the system"}
        return {"asks": f"{self._server[0]}, port {self._server[1]}"}

    async def open(self, ctx: api.Context) -> None:
        try:
            self._resolver = await ctx.run(self._made)
        except (dns.exception.DNSException, OSError) as error:
            raise api.ConfigurationError(
                f"dns cannot tell the name servers of the system: {error}", "name one: server: '192.0.2.53'"
            ) from error

    async def close(self) -> None:
        self._resolver = None

    def keys(self, frame: pl.DataFrame) -> pl.Series:
        if self.options.record == "ptr":
            return frame.select(addresses.normal(self.options.field.polars.str.strip_chars())).to_series()
        names = self.options.field.values(frame).str.strip_chars().str.to_lowercase().str.strip_suffix(".")
        return names.set(names == "", None)

    async def fetch(self, keys: pl.Series) -> pl.DataFrame:
        answers = [await self._ask(str(key)) for key in keys]
        return pl.DataFrame(
            [keys, pl.Series(self.options.into, answers, dtype=api.dtype(self.adds()[self.options.into]))]
        )

    async def _ask(self, key: str) -> str | list[str] | None:
        """Raises what `resolve` raises where nobody could say."""
        if self._resolver is None:
            raise api.ConfigurationError("the filter is not open", "open it first")
        try:
            name = dns.reversename.from_address(key) if self.options.record == "ptr" else dns.name.from_text(key)
        except (dns.exception.DNSException, UnicodeError):
            return None
        try:
            found = await self._resolver.resolve(
                name, self.options.record.upper(), lifetime=self.options.timeout / 1_000_000, search=False
            )
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer, dns.resolver.YXDOMAIN):
            return None
        told = sorted(str(record).removesuffix(".") for record in found)
        return told[0] if self.options.record == "ptr" else told

    def _made(self) -> dns.asyncresolver.Resolver:
        """Reads the configuration of the system where no server is named. Blocks."""
        made = dns.asyncresolver.Resolver(configure=self._server is None)
        if self._server is not None:
            made.nameservers, made.port = [self._server[0]], self._server[1]
        return made


def _server(text: str) -> tuple[str, int]:
    """Address and port of `192.0.2.53`, `192.0.2.53:5353`, `2001:db8::53` or `[2001:db8::53]:5353`."""
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not host.endswith("]")):
        host, port = text, str(PORT)
    try:
        address, number = str(ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))), int(port)
    except ValueError:
        address, number = "", 0
    if not 0 < number < 65536:
        raise api.OptionError(
            f"{text} is no address of a name server", "server", "such as '192.0.2.53' or '127.0.0.1:5353'"
        )
    return address, number
