import re
from collections import Counter, defaultdict
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network

import pytest

from pipeline.columns.traffic import Traffic

START = 1_767_225_599_000_000  # 2025-12-31T23:59:59Z
SAFE = r"(?:[ !#-\[\]-~]|\\x[0-9A-F]{2})*"
LINE = re.compile(
    rf"(?P<addr>[0-9a-f.:]+) - (?P<user>\S+) \[(?P<time>\d\d/[A-Z][a-z]{{2}}/\d{{4}}:\d\d:\d\d:\d\d \+0000)\] "
    rf'"(?P<request>{SAFE})" (?P<status>[1-5]\d\d) (?P<size>\d+) "(?P<referer>{SAFE})" "(?P<agent>{SAFE})"'
)
REQUEST = re.compile(r"(?P<method>GET|POST|HEAD) (?P<target>/[^ ]*) (?P<version>HTTP/(?:1\.0|1\.1|2\.0))")
RESERVED = [
    ip_network(net)
    for net in ("198.18.0.0/15", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "10.0.0.0/8", "2001:db8::/32")
]


@pytest.fixture(scope="module")
def rows(sample):
    found = (LINE.fullmatch(line.decode()) for line in sample)
    return [match.groupdict() for match in found if match]


def test_all_but_the_garbage_is_nginx_combined(sample, rows):
    """Of 100,000 lines about 0.02 % are not of the format, and all are one line of UTF-8."""
    assert len(sample) == 100_000
    assert 5 <= len(sample) - len(rows) <= 45


def test_without_garbage_every_line_parses():
    """garbage=0 gives only lines of the format; garbage=1 none."""
    clean = Traffic(3, START, 1_000, garbage=0).lines(0, 30_000).decode().splitlines()
    assert all(LINE.fullmatch(line) for line in clean)
    soiled = Traffic(3, START, 1_000, garbage=1).lines(0, 2_000).decode().split("\n")[:-1]
    assert len(soiled) == 2_000
    assert not any(LINE.search(line) for line in soiled)


def test_requests_are_of_http_or_plainly_broken(rows):
    """Broken request lines (TLS bytes, a dash, nothing) are answered 400; all others have method, target, version."""
    broken = Counter(row["request"] for row in rows if not REQUEST.fullmatch(row["request"]))
    assert {"-", "", r"\x16\x03\x01\x00\xEE\x01\x00\x00\xEA\x03\x03\x9FN"} <= broken.keys()
    assert sum(broken.values()) < 1_000
    assert {row["status"] for row in rows if row["request"] in broken} == {"400"}


def test_every_status_of_the_facts_occurs(rows):
    """Each status that a fact asks for is there, and most requests go well."""
    statuses = Counter(int(row["status"]) for row in rows)
    expected = {200, 204, 206, 301, 302, 304, 400, 401, 403, 404, 410, 429, 499, 500, 502, 503, 504}
    assert statuses.keys() == expected
    assert min(statuses.values()) >= 10
    assert 0.6 < statuses[200] / len(rows) < 0.9
    for status, low, high in ((401, 0.002, 0.03), (404, 0.01, 0.05), (410, 0.002, 0.02), (429, 0.005, 0.03)):
        assert low < statuses[status] / len(rows) < high


def test_server_errors_come_in_bursts(combined):
    """In some five-second spells more than a tenth of the lines are 5xx, in most less than a hundredth."""
    shares = []
    for spell in range(40):
        lines = combined.lines(spell * 50_000, 2_000).splitlines()
        shares.append(sum(b'" 50' in line for line in lines) / len(lines))
    assert 1 <= sum(share > 0.1 for share in shares) <= 12
    assert sum(share < 0.01 for share in shares) >= 28


def test_pages_and_visitors_are_unequally_popular(rows):
    """A tenth of the product pages has most of the views, and the busiest address a small share of all lines."""
    pages = Counter(row["request"].split(" ")[1] for row in rows if row["request"].startswith("GET /product/"))
    views = sorted(pages.values(), reverse=True)
    assert len(views) > 500
    assert 0.4 < sum(views[: len(views) // 10]) / sum(views) < 0.8
    addresses = Counter(row["addr"] for row in rows)
    assert len(addresses) > 3_000
    assert addresses.most_common(1)[0][1] < 0.03 * len(rows)


def test_no_address_is_anybodys(rows):
    """All addresses are reserved ones, mostly IPv4, some IPv6."""
    addresses = [ip_address(row["addr"]) for row in rows]
    assert all(any(address in network for network in RESERVED) for address in set(addresses))
    assert 0.03 < sum(address.version == 6 for address in addresses) / len(addresses) < 0.15


def test_offenders_and_scrapers_are_few(rows):
    """401 to password guessers, 403 and 429 concentrate on a handful of addresses."""
    by_status = defaultdict(Counter)
    for row in rows:
        by_status[row["status"]][row["addr"]] += 1
    assert len(by_status["429"]) <= 9
    top = by_status["401"].most_common(12)
    assert sum(count for _, count in top) > 0.6 * by_status["401"].total()
    assert by_status["403"].most_common(1)[0][0] in dict(top)


def test_the_walk_is_told_by_the_referers(rows):
    """An item is fetched from its product's page, and the thanks are read by the client that sent the form before."""
    sent, thanked = set(), 0
    for number, row in enumerate(rows):
        client, (method, _, target) = (row["addr"], row["agent"]), row["request"].partition(" ")
        path = target.split(" ")[0]
        if path.startswith("/api/v1/items/") and "/product/" in row["referer"]:
            assert row["referer"] == f"https://shop.example.com/product/{path.rsplit('/', 1)[1]}"
        if (method, path) == ("POST", "/checkout"):
            sent.add(client)
        # Visits that were under way at line 0 have sent their form before it.
        if (method, path) == ("GET", "/checkout/done") and number > 40_000:
            thanked += 1
            assert row["referer"] == "https://shop.example.com/checkout"
            assert client in sent
    assert thanked > 50


def test_agents_and_targets_have_their_oddities(rows):
    """Escaped quotes in an agent, percent-encoded paths and queries, bots, scanners and tools are all there."""
    agents = {row["agent"] for row in rows}
    assert len(agents) >= 40
    for part in (
        r"\x22Tab\x22",
        "Googlebot/2.1",
        "bingbot/2.0",
        "curl/",
        "sqlmap/",
        "Firefox/",
        "Edg/",
        "Mobile Safari",
    ):
        assert any(part in agent for agent in agents), part
    targets = {row["request"].split(" ")[1] for row in rows if " " in row["request"]}
    assert {
        "/wp-login.php",
        "/.env",
        "/category/caf%C3%A9",
        "/category/home%20%26%20living",
        r"/search?q=\x22quoted\x22",
    } <= targets
    assert {row["user"] for row in rows} == {"-", "alice", "bob", "dora"}


def test_answers_without_a_body_have_no_bytes(rows):
    """204, 304 and 499 send nothing; a file always has the same size; pages vary."""
    assert {row["size"] for row in rows if row["status"] in {"204", "304", "499"}} == {"0"}
    sizes = defaultdict(set)
    for row in rows:
        if row["status"] == "200" and row["request"].startswith("GET "):
            sizes[row["request"].split(" ")[1]].add(row["size"])
    assert sizes["/static/js/app.9c1be0.js"] == {"184220"}
    assert len(sizes["/"]) > 100


def stamps(lines):
    return [datetime.strptime(match["time"], "%d/%b/%Y:%H:%M:%S %z") for line in lines if (match := LINE.match(line))]


def test_stamps_rise_with_the_rate():
    """Without late lines the stamps never fall, begin at the start and end after count / rate seconds, across the year."""
    seen = stamps(Traffic(1, START, 700).lines(0, 7_000).decode().splitlines())
    assert seen == sorted(seen)
    assert seen[0] == datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert seen[-1] == datetime(2026, 1, 1, 0, 0, 8, tzinfo=UTC)


def test_slow_traffic_renders_every_second():
    """At less than a line a second every line has a second of its own."""
    seen = stamps(Traffic(1, START, 0.5, garbage=0).lines(10, 300).decode().splitlines())
    assert [(stamp - seen[0]).total_seconds() for stamp in seen] == [2.0 * n for n in range(300)]


def test_late_lines_are_earlier_by_at_most_their_bound():
    """A share of the lines is stamped earlier, never later, by up to late_by, and the rest is untouched."""
    count, rate = 20_000, 1_000
    on_time = stamps(Traffic(1, START, rate, garbage=0).lines(0, count).decode().splitlines())
    disordered = stamps(
        Traffic(1, START, rate, garbage=0, late=0.1, late_by=3_000_000).lines(0, count).decode().splitlines()
    )
    behind = Counter((a - b).total_seconds() for a, b in zip(on_time, disordered, strict=True))
    assert behind.keys() == {0.0, 1.0, 2.0, 3.0}
    # Of a tenth of the lines, a sixth is late by so little that its second stays the same.
    assert 0.07 < 1 - behind[0.0] / count < 0.10
