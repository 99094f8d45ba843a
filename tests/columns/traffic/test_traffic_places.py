import importlib.util
from ipaddress import ip_network
from itertools import combinations
from pathlib import Path

import maxminddb
from ua_parser import parse_user_agent

from pipeline.columns.traffic import agents
from pipeline.columns.traffic.places import INTERNAL, PLACES

ROOT = Path(__file__).parents[3]
SHIPPED = ROOT / "plugins" / "filters" / "sample.mmdb"


def script():
    spec = importlib.util.spec_from_file_location("make_sample_mmdb", ROOT / "bench" / "make_sample_mmdb.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_networks_do_not_overlap():
    """Every place has its own networks, apart from each other and from the internal one."""
    networks = [ip_network(INTERNAL), *(ip_network(text) for place in PLACES for text in (place.ipv4, place.ipv6))]
    assert not any(a.version == b.version and a.overlaps(b) for a, b in combinations(networks, 2))


def test_generated_addresses_are_found(sample):
    """At least 99 % of the lines, and all but the internal addresses, have a place, in both families."""
    addresses = [line.split(b" ")[0].decode() for line in sample if b" - " in line]
    with maxminddb.open_database(SHIPPED) as database:
        missed = [address for address in addresses if database.get(address) is None]
        countries = {database.get(address)["country"]["iso_code"] for address in set(addresses) - set(missed)}
    assert 0 < len(missed) < 0.01 * len(addresses)
    assert all(address.startswith("10.0.0.") for address in missed)
    assert countries == {place.country for place in PLACES}
    assert any(":" in address for address in addresses)


def test_the_shipped_database_is_what_the_script_writes(tmp_path):
    """Network by network the shipped file gives the answers of a file built now, and it is small."""
    script().write(tmp_path / "now.mmdb")
    with maxminddb.open_database(tmp_path / "now.mmdb") as now, maxminddb.open_database(SHIPPED) as shipped:
        assert list(shipped) == list(now)
        assert shipped.metadata().database_type == now.metadata().database_type == "Sample-City"
    assert SHIPPED.stat().st_size < 10_000


def test_the_database_has_the_shape_of_a_city_database():
    """An address gives the country's code and name, the city's name, and the location."""
    with maxminddb.open_database(SHIPPED) as database:
        for address in ("198.18.64.9", "2001:db8:500::9"):
            assert database.get(address) == {
                "country": {"iso_code": "DE", "names": {"en": "Germany"}},
                "city": {"names": {"en": "Berlin"}},
                "location": {"latitude": 52.52, "longitude": 13.4},
            }
        assert database.get("10.0.0.9") is None
        assert database.get("9.9.9.9") is None


def test_agents_are_of_many_families():
    """ua-parser knows most agents, of at least 30 families; all that browse are known."""
    groups = (agents.BROWSERS, agents.APPS, agents.CRAWLERS, agents.TOOLS, agents.SCRAPERS, agents.SCANNERS)
    found = {text: parse_user_agent(text) for group in (*groups, agents.MONITORS) for text in group}
    assert len(found) >= 40
    assert all(found[text] for text in (*agents.BROWSERS, *agents.CRAWLERS, *agents.TOOLS))
    assert len({agent.family for agent in found.values() if agent}) >= 30
