"""The kinds of client: what each does, how many there are, and which addresses and user agents they have."""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import NamedTuple

from pipeline.columns.traffic import agents, machines, shoppers
from pipeline.columns.traffic.mix import Draws
from pipeline.columns.traffic.places import INTERNAL, PLACES
from pipeline.columns.traffic.request import Request


class Client(NamedTuple):
    """One visitor of the site, as the log names it."""

    address: str
    user: str
    agent: str


class Kind(NamedTuple):
    """A kind of client. `visits` is its relative share of visits (not of lines); `flat` as in `Popularity`."""

    visits: int
    journey: Callable[[Draws], list[Request]]
    clients: int
    flat: int
    agents: tuple[str, ...]
    users: tuple[str, ...] = ("-",)
    internal: bool = False


KINDS = (
    Kind(600, shoppers.browse, 14_000, 40, agents.BROWSERS),
    Kind(110, shoppers.use_app, 3_000, 40, agents.APPS),
    Kind(3, shoppers.administer, 6, 1, agents.BROWSERS, users=("alice", "bob", "dora")),
    Kind(50, machines.crawl, 160, 4, agents.CRAWLERS),
    Kind(40, machines.run_script, 60, 2, agents.TOOLS),
    Kind(40, machines.monitor, 4, 4, agents.MONITORS, internal=True),
    Kind(7, machines.scrape, 9, 2, agents.SCRAPERS),
    Kind(16, machines.scan, 40, 3, agents.SCANNERS),
    Kind(24, machines.probe, 60, 3, agents.NONE),
    Kind(6, machines.force_door, 12, 1, (*agents.TOOLS, *agents.BROWSERS[:3])),
)

_IPV6_SHARE = 0.08
_WEIGHTED_PLACES = tuple(place for place in PLACES for _ in range(place.weight))
_IPV4 = {text: ip_network(text) for text in (INTERNAL, *(place.ipv4 for place in PLACES))}
_IPV6 = {place.ipv6: ip_network(place.ipv6) for place in PLACES}


def some_client(kind: Kind, draws: Draws) -> Client:
    """Make up a client of this kind; its address lies in the networks of `places`."""
    address = _ipv4(INTERNAL, draws) if kind.internal else _address(draws)
    return Client(address, draws.pick(kind.users), draws.pick(kind.agents))


def _address(draws: Draws) -> str:
    place = draws.pick(_WEIGHTED_PLACES)
    return _ipv6(place.ipv6, draws) if draws.chance(_IPV6_SHARE) else _ipv4(place.ipv4, draws)


def _ipv4(network: str, draws: Draws) -> str:
    within = _IPV4[network]
    # Neither the network's own address nor its broadcast address.
    return str(IPv4Address(int(within.network_address) + draws.between(1, within.num_addresses - 2)))


def _ipv6(network: str, draws: Draws) -> str:
    within = _IPV6[network]
    return str(IPv6Address(int(within.network_address) + (draws.below(2**24) << 64) + draws.bits()))
