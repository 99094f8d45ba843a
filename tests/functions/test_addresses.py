"""Addresses, against Python's ipaddress."""

import ipaddress

import polars as pl
import pytest
from calls import run
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import api
from pipeline.columns import addresses

ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))
NETWORKS = st.one_of(
    st.tuples(st.ip_addresses(v=4), st.integers(0, 32)), st.tuples(st.ip_addresses(v=6), st.integers(0, 128))
).map(lambda pair: ipaddress.ip_network(f"{pair[0]}/{pair[1]}", strict=False))


def plain(address):
    return getattr(address, "ipv4_mapped", None) or address


@given(st.lists(ADDRESSES, min_size=1, max_size=20), st.lists(NETWORKS, min_size=1, max_size=3))
@settings(max_examples=100, deadline=None)
def test_in_cidr(given_, networks):
    """Membership is ipaddress's."""
    frame = pl.DataFrame({"x": [str(address) for address in given_]})
    found = frame.select(addresses.within(pl.col("x"), [str(network) for network in networks])).to_series().to_list()
    assert found == [any(plain(address) in network for network in networks) for address in given_]


def test_expanding_keeps_the_zone():
    assert run("expand_ip('fe80::1%eth0')") == "fe80:0000:0000:0000:0000:0000:0000:0001%eth0"


@given(st.lists(ADDRESSES, min_size=1, max_size=20), st.integers(0, 32), st.integers(0, 128))
@settings(max_examples=100, deadline=None)
def test_anonymize(given_, v4, v6):
    """The result is the network's own address."""
    found = run(f"anonymize(x, {v4}, {v6})", x=(api.STRING, [str(address) for address in given_]))
    expected = [
        ipaddress.ip_network(f"{plain(address)}/{v4 if plain(address).version == 4 else v6}", strict=False)
        for address in given_
    ]
    assert found == [str(network.network_address) for network in expected]


@given(st.lists(ADDRESSES, min_size=1, max_size=20), st.integers(0, 32), st.integers(0, 128))
@settings(max_examples=100, deadline=None)
def test_networks_and_forms(given_, v4, v6):
    """Networks, forms and versions are ipaddress's, for capitals too."""
    column = (api.STRING, [address.exploded.upper() for address in given_])
    simple = [plain(address) for address in given_]
    networks = [
        ipaddress.ip_network(f"{address}/{v4 if address.version == 4 else v6}", strict=False) for address in simple
    ]
    assert run(f"ip_network(x, {v4}, {v6})", x=column) == [str(network) for network in networks]
    assert run("normalize_ip(x)", x=column) == [str(address) for address in simple]
    assert run("expand_ip(x)", x=column) == [address.exploded for address in simple]
    assert run("ip_version(x)", x=column) == [address.version for address in simple]


@given(st.lists(st.ip_addresses(v=4), max_size=20))
@settings(max_examples=100, deadline=None)
def test_numbers_of_addresses(given_):
    """IPv4 addresses are integers and come back from them."""
    texts = [str(address) for address in given_]
    numbers = run("ip_to_int(x)", x=(api.STRING, texts))
    assert numbers == [int(address) for address in given_]
    assert run("int_to_ip(x)", x=(api.INT, numbers)) == texts


def test_numbers_that_are_no_addresses():
    """An address of version 6 has no integer, and an integer of more than 32 bits no address."""
    assert run("ip_to_int(x)", x=(api.STRING, ["::1", "::ffff:0.0.0.1", "x", "", None])) == [None, 1, None, None, None]
    assert run("int_to_ip(x)", x=(api.INT, [2**32 - 1, 2**32, -1, None])) == ["255.255.255.255", None, None, None]


@pytest.mark.parametrize(
    ("text", "v4", "v6"),
    [
        ("1.2.3.4", True, False),
        ("::", False, True),
        ("::ffff:1.2.3.4", False, True),
        ("01.2.3.4", False, False),
        ("1.2.3", False, False),
        ("1.2.3.4 ", False, False),
        ("[::1]", False, False),
        ("1.2.3.4:80", False, False),
        ("", False, False),
        (None, False, False),
    ],
)
def test_versions(text, v4, v6):
    """An address is written exactly, without port, brackets or leading zeros."""
    column = (api.STRING, [text])
    assert (run("is_ipv4(x)", x=column), run("is_ipv6(x)", x=column)) == ([v4], [v6])
    assert run("is_ip(x)", x=column) == [v4 or v6]


@pytest.mark.parametrize(
    ("text", "private"),
    [
        ("10.255.255.255", True),
        ("11.0.0.0", False),
        ("172.16.0.1", True),
        ("172.32.0.1", False),
        ("192.168.0.1", True),
        ("127.0.0.1", True),
        ("169.254.169.254", True),
        ("100.64.0.1", False),
        ("203.0.113.1", False),
        ("::1", True),
        ("fd00::1", True),
        ("fe80::1", True),
        ("2001:db8::1", False),
        ("::ffff:192.168.0.1", True),
        ("host", False),
    ],
)
def test_private(text, private):
    """Private use, loopback and link-local, and nothing else."""
    assert run("is_private(x)", x=(api.STRING, [text])) == [private]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("in_cidr(x, '10.0.0.1/8')", "host bits set"),
        ("in_cidr(x, ['10.0.0.0/8', 'lan'])", "'lan' is not a network"),
        ("anonymize(x, v4: 33)", "0 to 32 bits"),
        ("anonymize(x, v6: 129)", "0 to 128 bits"),
    ],
)
def test_wrong_constants(call, message):
    """Networks and prefix lengths that do not exist are told when the program is compiled."""
    with pytest.raises(TypeError, match=message):
        run(call, x=(api.STRING, ["10.0.0.1"]))
