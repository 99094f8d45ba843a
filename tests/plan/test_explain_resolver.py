"""What `pipe explain` says of a resolver."""

from pipeline.lang.spans import Source
from pipeline.plan.explain import explain
from pipeline.plan.load import load

PROGRAM = """
source raw = generate(count: 1)
transform log = raw | grok('%{IP:ip}')
transform one = log | dns(ip, server: '127.0.0.1:5353')
transform two = log | dns(ip, record: aaaa, into: ips, missing: reject, timeout: 500ms, ttl: 1h, cache: 50)
sink out = [one, two] -> console()
"""


def test_a_resolver_says_how_long_it_waits_and_what_it_keeps() -> None:
    """And the fields that it adds, as every filter does."""
    graph = load(Source("p", PROGRAM)).graph
    assert graph is not None
    lines = [line.strip() for line in explain(graph).splitlines()]
    assert "asks          127.0.0.1, port 5353" in lines
    assert "asks          the name servers of the system" in lines
    assert "answers       within 2s, else null; kept for 5m, 10,000 at most" in lines
    assert "answers       within 500ms, else rejected; kept for 1h, 50 at most" in lines
    assert "fields        ip: string, host: string" in lines
