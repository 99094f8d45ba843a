"""IP addresses. An IPv4 address written as IPv6 (`::ffff:10.0.0.1`) counts as the IPv4 address."""

from __future__ import annotations

import polars as pl

from pipeline import api
from pipeline.api.addresses import (
    PRIVATE,
    expanded,
    from_number,
    is_address,
    masked,
    normal,
    to_number,
    versions,
    within,
)

_X = api.Parameter("x", "The address as a text.", ("string",))


def _is_ipv4(x: pl.Expr) -> pl.Expr:
    return is_address(x, 4)


def _is_ipv6(x: pl.Expr) -> pl.Expr:
    return is_address(x, 6)


def _is_private(x: pl.Expr) -> pl.Expr:
    return within(x, list(PRIVATE))


def _network(x: pl.Expr, v4: int, v6: int) -> pl.Expr:
    return masked(x, v4, v6, prefix=True)


is_ip = api.Function(
    name="is_ip",
    doc="Whether a text is an IPv4 or IPv6 address. False for null.",
    parameters=(_X,),
    returns=api.BOOL,
    build=is_address,
    examples=(
        api.Example("is_ip('10.0.0.1')", True),
        api.Example("is_ip('::1')", True),
        api.Example("is_ip('10.0.0.256')", False),
        api.Example("is_ip(null)", False),
    ),
    by_value=True,
)

is_ipv4 = api.Function(
    name="is_ipv4",
    doc="Whether a text is an IPv4 address. False for null.",
    parameters=(_X,),
    returns=api.BOOL,
    build=_is_ipv4,
    examples=(api.Example("is_ipv4('10.0.0.1')", True), api.Example("is_ipv4('::1')", False)),
    by_value=True,
)

is_ipv6 = api.Function(
    name="is_ipv6",
    doc="Whether a text is an IPv6 address. False for null.",
    parameters=(_X,),
    returns=api.BOOL,
    build=_is_ipv6,
    examples=(api.Example("is_ipv6('::1')", True), api.Example("is_ipv6('10.0.0.1')", False)),
    by_value=True,
)

is_private = api.Function(
    name="is_private",
    doc="Whether an address is for private use (`10.0.0.0/8`, `172.16.0.0/12`, `192.168.0.0/16`, `fc00::/7`), loopback or link-local. False for null "
    "and for what is no address.",
    parameters=(_X,),
    returns=api.BOOL,
    build=_is_private,
    examples=(
        api.Example("is_private('192.168.1.7')", True),
        api.Example("is_private('8.8.8.8')", False),
        api.Example("is_private('::ffff:10.0.0.1')", True),
        api.Example("is_private('-')", False),
    ),
    by_value=True,
)

in_cidr = api.Function(
    name="in_cidr",
    doc="Whether an address is in a network, or in one of a list of networks. False for null and for what is no address.",
    parameters=(
        _X,
        api.Parameter(
            "networks", "A network such as `'10.0.0.0/8'`, or a list of networks.", ("string", "list"), constant=True
        ),
    ),
    returns=api.BOOL,
    build=within,
    examples=(
        api.Example("in_cidr('10.1.2.3', '10.0.0.0/8')", True),
        api.Example("in_cidr('2001:db8::1', ['10.0.0.0/8', '2001:db8::/32'])", True),
        api.Example("in_cidr('11.1.2.3', '10.0.0.0/8')", False),
    ),
    by_value=True,
)

anonymize = api.Function(
    name="anonymize",
    doc="The address with its last bits set to zero, so that it no longer tells one person; null for what is no address.",
    parameters=(
        _X,
        api.Parameter(
            "v4", "How many bits of an IPv4 address stay.", ("int",), constant=True, default=24, required=False
        ),
        api.Parameter(
            "v6", "How many bits of an IPv6 address stay.", ("int",), constant=True, default=48, required=False
        ),
    ),
    returns=api.STRING,
    build=masked,
    examples=(
        api.Example("anonymize('203.0.113.77')", "203.0.113.0"),
        api.Example("anonymize('2001:db8:1:2::5')", "2001:db8:1::"),
        api.Example("anonymize('203.0.113.77', v4: 16)", "203.0.0.0"),
        api.Example("anonymize('unknown')", None),
    ),
    by_value=True,
)

ip_network = api.Function(
    name="ip_network",
    doc="The network that an address is in, such as `203.0.113.0/24`; null for what is no address.",
    parameters=(
        _X,
        api.Parameter("v4", "The prefix of an IPv4 network.", ("int",), constant=True, default=24, required=False),
        api.Parameter("v6", "The prefix of an IPv6 network.", ("int",), constant=True, default=64, required=False),
    ),
    returns=api.STRING,
    build=_network,
    examples=(
        api.Example("ip_network('203.0.113.77')", "203.0.113.0/24"),
        api.Example("ip_network('203.0.113.77', 16)", "203.0.0.0/16"),
        api.Example("ip_network('2001:db8:1:2::5')", "2001:db8:1:2::/64"),
    ),
    by_value=True,
)

ip_version = api.Function(
    name="ip_version",
    doc="4 or 6; null for what is no address.",
    parameters=(_X,),
    returns=api.INT,
    build=versions,
    examples=(
        api.Example("ip_version('10.0.0.1')", 4),
        api.Example("ip_version('::1')", 6),
        api.Example("ip_version('::ffff:10.0.0.1')", 4),
        api.Example("ip_version('host')", None),
    ),
    by_value=True,
)

normalize_ip = api.Function(
    name="normalize_ip",
    doc="The address in its one canonical form (RFC 5952), so that equal addresses are equal texts; null for what is no address.",
    parameters=(_X,),
    returns=api.STRING,
    build=normal,
    examples=(
        api.Example("normalize_ip('2001:DB8:0:0::1')", "2001:db8::1"),
        api.Example("normalize_ip('::ffff:10.0.0.1')", "10.0.0.1"),
        api.Example("normalize_ip('host')", None),
    ),
    by_value=True,
)

expand_ip = api.Function(
    name="expand_ip",
    doc="The address with all its digits, so that texts sort as IPv6 addresses do; null for what is no address.",
    parameters=(_X,),
    returns=api.STRING,
    build=expanded,
    examples=(
        api.Example("expand_ip('2001:db8::1')", "2001:0db8:0000:0000:0000:0000:0000:0001"),
        api.Example("expand_ip('10.0.0.1')", "10.0.0.1"),
    ),
    by_value=True,
)

ip_to_int = api.Function(
    name="ip_to_int",
    doc="An IPv4 address as an integer; null for others, as an IPv6 address has more than 64 bits.",
    parameters=(_X,),
    returns=api.INT,
    build=to_number,
    examples=(api.Example("ip_to_int('10.0.0.1')", 167772161), api.Example("ip_to_int('::1')", None)),
    by_value=True,
)

int_to_ip = api.Function(
    name="int_to_ip",
    doc="An integer as an IPv4 address; null below 0 and from 2³².",
    parameters=(api.Parameter("x", "The integer.", ("int",)),),
    returns=api.STRING,
    build=from_number,
    examples=(api.Example("int_to_ip(167772161)", "10.0.0.1"), api.Example("int_to_ip(-1)", None)),
)
