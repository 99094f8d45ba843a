"""Programs to measure with, and their stages outside of an agent."""

from __future__ import annotations

from pathlib import Path

HEAD = """
source access = file("{log}")
transform parsed = access
  | grok('%{{NGINX_COMBINED}}')
  | set {{ @timestamp = time(time_local, '%d/%b/%Y:%H:%M:%S %z')
          page       = normalize_path(path) }}
"""

FACTS = """
transform facts = parsed {lookups}
  | window(10s, lateness: 5s) {{
      requests     = count() by status
      top_ips      = top(10, remote_addr)
      geo_sources  = top(10, {country})
      user_agents  = top(10, {family})
      popular      = top(10, page)         where status in 200..399
      gone         = top(10, page)         where status in [404, 410]
      unauthorized = top(10, remote_addr)  where status in [401, 403]
      throttled    = top(10, remote_addr)  where status == 429
      volume       = sum(body_bytes_sent)
    }}
"""

SINKS = """
sink published = facts -> file("{out}/facts.ndjson")
sink archive   = [parsed, parsed.rejected] -> file("{out}/raw/", format: raw, compression: zstd)
"""

PLAIN = {"lookups": "", "country": "remote_user", "family": "user_agent"}
"""The nine facts without GeoIP and user-agent parsing: rankings of other fields in their place."""

LOOKUPS = {"lookups": "| geoip(remote_addr) | user_agent(user_agent)", "country": "geo.country", "family": "ua.family"}
"""The nine facts of the main job."""

RANKED = """
transform facts = parsed
  | window(1h) {{ requests = count() top_users = top(10, remote_user) users = distinct(remote_user) }}
sink published = facts -> file("{out}/facts.ndjson")
"""
"""One window over everything in which distinct keys are ranked and counted."""

PUBLISHED = """
transform facts = parsed | window(1h) {{ requests = count() by remote_user }}
sink published = facts -> file("{out}/facts.ndjson")
"""
"""The same with a fact for each key."""

WINDOW = """
transform facts = parsed | window(10s) {{ {metrics} }}
sink published = facts -> file("{out}/facts.ndjson")
"""
"""Windows with any metrics."""

SHAPES = (
    "m{n} = top(10, page) where status in {low}..{high}",
    "m{n} = count() by method where body_bytes_sent > {n}",
    "m{n} = sum(body_bytes_sent) by status where status < {high}",
    "m{n} = top(10, remote_addr) where status in {low}..{high}",
    "m{n} = mean(body_bytes_sent) where body_bytes_sent > {n}",
)
"""Metrics with numbers in them that make each another one."""


def seed(log: Path, out: Path, facts: dict[str, str] = PLAIN) -> str:
    """The seed job: nine facts of every ten seconds, and an archive of every line."""
    return (HEAD + FACTS + SINKS).format(log=log, out=out, **facts)
