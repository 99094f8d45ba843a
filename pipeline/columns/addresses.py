"""IP addresses: what they are, where they belong, and how to make them anonymous. One value in, one value out.

An IPv4 address written as IPv6 (`::ffff:10.0.0.1`, as dual-stack servers log it) is treated as the IPv4 address.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

import polars as pl

from pipeline.columns.distinct import map_distinct

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PRIVATE = (
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
)
"""Private use (RFC 1918, RFC 4193), loopback and link-local (RFC 6890)."""


def parsed(text: str) -> Address | None:
    """The address that a text is, IPv4 in IPv6 unwrapped; None if it is none."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, ipaddress.IPv6Address) else address


@dataclass(frozen=True, slots=True)
class _Version:
    """Whether a text is an address of a version, as it is written; 0 for either."""

    version: int

    def __call__(self, text: str) -> bool:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return False
        return self.version in (0, address.version)


@dataclass(frozen=True, slots=True)
class _Within:
    networks: tuple[Network, ...]

    def __call__(self, text: str) -> bool:
        address = parsed(text)
        return address is not None and any(address in network for network in self.networks)


@dataclass(frozen=True, slots=True)
class _Masked:
    v4: int
    v6: int
    prefix: bool

    def __call__(self, text: str) -> str | None:
        if found := _DOTTED.fullmatch(text):  # many times faster than by an object of `ipaddress`
            a, b, c, d = map(int, found.groups())
            first = _dotted((a << 24 | b << 16 | c << 8 | d) >> (32 - self.v4) << (32 - self.v4))
            return f"{first}/{self.v4}" if self.prefix else first
        address = parsed(text)
        if address is None:
            return None
        kept = self.v4 if address.version == 4 else self.v6
        mask = (1 << address.max_prefixlen) - (1 << (address.max_prefixlen - kept))
        first = str(type(address)(int(address) & mask))
        return f"{first}/{kept}" if self.prefix else first


_BYTE = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_DOTTED = re.compile(rf"{_BYTE}\.{_BYTE}\.{_BYTE}\.{_BYTE}")


def _dotted(number: int) -> str:
    return f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def version(text: str) -> int | None:
    """4 or 6; None for what is no address."""
    address = parsed(text)
    return None if address is None else address.version


def number(text: str) -> int | None:
    """An IPv4 address as an integer; None for others, which have more than 64 bits."""
    address = parsed(text)
    return int(address) if address is not None and address.version == 4 else None


def canonical(text: str) -> str | None:
    """The address in its one canonical form (RFC 5952); None for what is no address."""
    address = parsed(text)
    return None if address is None else str(address)


def exploded(text: str) -> str | None:
    """The address with all its digits, and its zone if it has one (`%eth0`); None for what is no address."""
    address = parsed(text)
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
        # `exploded` of an address with a zone raises.
        return f"{ipaddress.IPv6Address(int(address)).exploded}%{address.scope_id}"
    return None if address is None else address.exploded


def is_address(x: pl.Expr, version: int = 0) -> pl.Expr:
    """Boolean: is the text an IP address (of version 4 or 6, or 0 for either)? Null is none."""
    return map_distinct(x, _Version(version), pl.Boolean()).fill_null(value=False)


def within(x: pl.Expr, networks: str | list[str]) -> pl.Expr:
    """Boolean: is the address in one of the networks? Null and texts that are no address are in none.

    Raises TypeError for what is no network, or has bits set beyond its prefix."""
    wanted = [networks] if isinstance(networks, str) else networks
    return map_distinct(x, _Within(tuple(_network(text) for text in wanted)), pl.Boolean()).fill_null(value=False)


def masked(x: pl.Expr, v4: int = 24, v6: int = 48, *, prefix: bool = False) -> pl.Expr:
    """The address with only the first `v4` or `v6` bits kept, the others zero (String); null for what is no address. `prefix`
    appends `/24`, which makes it a network.

    Raises TypeError for a prefix length that does not exist."""
    if not 0 <= v4 <= 32:
        raise TypeError(f"an IPv4 prefix has 0 to 32 bits, not {v4}")
    if not 0 <= v6 <= 128:
        raise TypeError(f"an IPv6 prefix has 0 to 128 bits, not {v6}")
    return map_distinct(x, _Masked(v4, v6, prefix), pl.String())


def versions(x: pl.Expr) -> pl.Expr:
    """4 or 6 (Int64); null for what is no address."""
    return map_distinct(x, version, pl.Int64())


def to_number(x: pl.Expr) -> pl.Expr:
    """IPv4 addresses as integers (Int64); null for others."""
    return map_distinct(x, number, pl.Int64())


def from_number(x: pl.Expr) -> pl.Expr:
    """Integers as IPv4 addresses (String); null below 0 and from 2³²."""
    parts = [pl.lit(0, dtype=pl.Int64) + x.floordiv(1 << shift) % 256 for shift in (24, 16, 8, 0)]
    return pl.when(x.is_between(0, 2**32 - 1)).then(pl.concat_str(parts, separator="."))


def normal(x: pl.Expr) -> pl.Expr:
    """Addresses in canonical form (String), so that equal ones are equal texts; null for what is no address."""
    return map_distinct(x, canonical, pl.String())


def expanded(x: pl.Expr) -> pl.Expr:
    """Addresses with all their digits (String); null for what is no address."""
    return map_distinct(x, exploded, pl.String())


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise TypeError(f"{text!r} is not a network such as '10.0.0.0/8': {error}") from None
