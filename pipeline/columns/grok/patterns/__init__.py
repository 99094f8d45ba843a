"""The pattern library: Logstash's names (its legacy set, with the legacy field names), and nginx.

The names and fields are Logstash's, so that a pattern written for Logstash means the same here; the expressions are
ours. Where an expression of Logstash has a known slip, the intended meaning is taken (the `(?!<` of TIME; an IPv6
address that ends in an IPv4 one is matched whole; the zone of an IPv6 address ends at white space).
"""

from pipeline.columns.grok.patterns import basic, databases, dates, haproxy, httpd, java, network, nginx, syslog
from pipeline.columns.grok.patterns.definition import Definition, Fast, definitions

LIBRARY: dict[str, Definition] = {
    name: Definition(source, module.FAST.get(name))
    for module in (basic, network, dates, syslog, httpd, nginx, haproxy, java, databases)
    for name, source in definitions(module.TEXT).items()
}

__all__ = ["LIBRARY", "Definition", "Fast"]
