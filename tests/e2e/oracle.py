"""What nginx.pipe must compute, computed by others: DuckDB for the facts, maxminddb and ua-parser for look-ups, plain
Python for pages. Shares no code with the engine but the sample database."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import unquote

import duckdb
import maxminddb
import ua_parser

Fact = tuple[str, str, str, int, int | None]
"""(metric, window start, group as JSON, value, rank)"""

SAMPLE = Path(__file__).parents[2] / "plugins" / "filters" / "sample.mmdb"

LINE = r'^(\S+) \S+ (\S+) \[([^\]]+)\] "([^"]*)" (\d{3}) (\d+|-) "([^"]*)" "([^"]*)"$'


def page(path: str) -> str:
    """The rules of normalize_path, in order, as its documentation states them."""
    path = unquote(path, errors="replace")
    if "://" in path.split("/")[0] + "//" and path.split("://")[0].isalpha():
        path = "/" + path.split("://", 1)[1].partition("/")[2]
    path = path.split("?")[0].split("#")[0]
    kept = []
    for segment in [part for part in path.split("/") if part][:3]:
        stem, dot, ending = segment.partition(".")
        if len(stem) == 36 and [len(part) for part in stem.split("-")] == [8, 4, 4, 4, 12]:
            kept.append(":uuid" + dot + ending)
        elif stem.isascii() and (
            stem.isdigit() or (len(stem) >= 16 and all(c in "0123456789abcdefABCDEF" for c in stem))
        ):
            kept.append(":id" + dot + ending)
        elif len(segment) > 32:
            kept.append(":long")
        else:
            kept.append(segment)
    return "/" + "/".join(kept)


class Log:
    """A log file (or several), read by DuckDB."""

    def __init__(self, *paths: Path) -> None:
        self.database = duckdb.connect()
        run = self.database.execute
        files = [str(path) for path in paths]
        run(
            "CREATE TABLE raw AS SELECT line FROM read_csv(?, columns={'line': 'VARCHAR'}, delim='\x01', quote='', escape='', "
            "header=false, auto_detect=false, max_line_size=20000000)",
            [files],
        )
        fields = "['ip', 'user', 'time', 'request', 'status', 'bytes', 'referer', 'agent']"
        run(
            f"CREATE TABLE hit AS SELECT m.ip AS ip, m.agent AS agent, m.status::INT AS status, try_cast(m.bytes AS BIGINT) AS bytes, "
            r"regexp_extract(m.request, '^\S+ (\S+) HTTP/[\d.]+$', 1) AS path, "
            r"(epoch(strptime(m.time, '%d/%b/%Y:%H:%M:%S %z'))::BIGINT // 10) * 10 AS start "
            f"FROM (SELECT regexp_extract(line, '{LINE}', {fields}) AS m FROM raw) WHERE m.ip <> ''"
        )
        self._look_up()

    def _look_up(self) -> None:
        run = self.database.execute
        reader = maxminddb.open_database(str(SAMPLE))
        ips = [row[0] for row in run("SELECT DISTINCT ip FROM hit").fetchall()]
        countries = []
        for ip in ips:
            found = reader.get(ip)
            countries.append((ip, found["country"]["iso_code"] if found else None))  # type: ignore[index,call-overload]
        agents = [row[0] for row in run("SELECT DISTINCT agent FROM hit").fetchall()]
        families = []
        for agent in agents:
            browser = ua_parser.parse(agent).user_agent if agent != "-" else None
            families.append((agent, browser.family if browser else None))
        paths = [row[0] for row in run("SELECT DISTINCT path FROM hit WHERE path <> ''").fetchall()]
        for name, rows in (("geo", countries), ("family", families), ("page", [(path, page(path)) for path in paths])):
            run(f"CREATE TABLE {name} (key VARCHAR, value VARCHAR)")
            self.database.executemany(f"INSERT INTO {name} VALUES (?, ?)", rows)

    @property
    def lines(self) -> int:
        return int(self.database.execute("SELECT count(*) FROM raw").fetchall()[0][0])

    @property
    def parsed(self) -> int:
        return int(self.database.execute("SELECT count(*) FROM hit").fetchall()[0][0])

    def facts(self) -> set[Fact]:
        """All rows of all windows."""
        rows: set[Fact] = set()
        run = self.database.execute
        for start, status, count in run("SELECT start, status, count(*) FROM hit GROUP BY ALL").fetchall():
            rows.add(("requests", _time(start), json.dumps({"status": status}), count, None))
        for start, volume in run("SELECT start, coalesce(sum(bytes), 0) FROM hit GROUP BY ALL").fetchall():
            rows.add(("volume", _time(start), "null", int(volume), None))
        rows |= self._top("top_ips", "remote_addr", "ip")
        rows |= self._top("geo_sources", "geo.country", "(SELECT value FROM geo WHERE key = ip)")
        rows |= self._top("user_agents", "ua.family", "(SELECT value FROM family WHERE key = agent)")
        asked = "(SELECT value FROM page WHERE key = path)"
        rows |= self._top("popular", "page", asked, "status BETWEEN 200 AND 399")
        rows |= self._top("gone", "page", asked, "status IN (404, 410)")
        rows |= self._top("unauthorized", "remote_addr", "ip", "status IN (401, 403)")
        rows |= self._top("throttled", "remote_addr", "ip", "status = 429")
        return rows

    def _top(self, metric: str, field: str, key: str, where: str = "true") -> set[Fact]:
        found = self.database.execute(
            f"SELECT start, key, n, row_number() OVER (PARTITION BY start ORDER BY n DESC, key) AS rank FROM "
            f"(SELECT start, key, count(*) AS n FROM (SELECT start, {key} AS key FROM hit WHERE {where}) "
            f"WHERE key IS NOT NULL GROUP BY ALL) QUALIFY rank <= 10"
        ).fetchall()
        return {
            (metric, _time(start), json.dumps({field: key}, ensure_ascii=False), count, rank)
            for start, key, count, rank in found
        }


def published(path: Path) -> set[Fact]:
    """The facts in an NDJSON file, the highest revision of each. Fails when an id has one revision twice."""
    latest: dict[str, dict[str, object]] = {}
    seen = set()
    for line in path.read_bytes().splitlines():
        fact = json.loads(line)
        key = (fact["id"], fact["revision"])
        assert key not in seen, f"published twice: {fact}"
        seen.add(key)
        if fact["id"] not in latest or fact["revision"] > latest[fact["id"]]["revision"]:  # type: ignore[operator]
            latest[fact["id"]] = fact
    return {
        (
            fact["metric"],
            fact["window_start"],
            json.dumps(fact.get("by"), ensure_ascii=False),
            fact["value"],
            fact.get("rank"),
        )  # type: ignore[misc]
        for fact in latest.values()
    }


def _time(epoch: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
