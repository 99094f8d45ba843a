"""What the engine says of itself: a log of one event a line, and the figures of its nodes.

Values in log lines come from data: control characters are escaped and long ones cut, so that nobody writes our log but
us. The same message is written at most LIMIT times a minute; what was held back is counted in the next one.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from threading import Lock

from pipeline.env import Clock

Rows = Callable[[], Sequence[Mapping[str, object]]]

LONGEST = 512
LIMIT = 10


class Journal:
    """The engine's log. `write` gets finished lines (without newline); `as_json` for machines, text for people."""

    def __init__(self, write: Callable[[str], None], clock: Clock, *, as_json: bool = False) -> None:
        self._write = write
        self._clock = clock
        self._as_json = as_json
        self._minute = -1
        self._seen: Counter[str] = Counter()

    def say(self, level: str, node: str, message: str, fields: dict[str, object]) -> None:
        now = self._clock.now()
        if now // 60_000_000 != self._minute:
            self._minute = now // 60_000_000
            self._seen.clear()
        self._seen[node + message] += 1
        if self._seen[node + message] > LIMIT:
            return
        told = {name: _cut(value) for name, value in fields.items()}
        stamp = datetime.fromtimestamp(now / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        if self._as_json:
            self._write(json.dumps({"time": stamp, "level": level, "node": node, "message": message, **told}))
        else:
            rest = "".join(f" {name}={json.dumps(value, ensure_ascii=True)}" for name, value in told.items())
            self._write(f"pipe: {level}: {node + ': ' if node else ''}{message}{rest}")


class NodeLog:
    """The log as one node sees it (`pipeline.api.Log`)."""

    def __init__(self, journal: Journal, node: str) -> None:
        self._journal = journal
        self._node = node

    def info(self, message: str, **fields: object) -> None:
        self._journal.say("info", self._node, message, fields)

    def warning(self, message: str, **fields: object) -> None:
        self._journal.say("warning", self._node, message, fields)

    def error(self, message: str, **fields: object) -> None:
        self._journal.say("error", self._node, message, fields)


class NodeMeter:
    """Counters, gauges and tables of one node (`pipeline.api.Meter`)."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {}
        self._tables: dict[str, list[Rows]] = {}
        self._lock = Lock()

    def count(self, name: str, value: int = 1) -> None:
        with self._lock:
            self.values[name] = self.values.get(name, 0) + value

    def gauge(self, name: str, value: float) -> None:
        self.values[name] = value

    def table(self, name: str, rows: Rows) -> None:
        self._tables.setdefault(name, []).append(rows)

    def tables(self) -> dict[str, list[Mapping[str, object]]]:
        """The tables as they are now; those of one name (two plugins of a kind in one node) one below the other."""
        return {name: [row for rows in made for row in rows()] for name, made in self._tables.items()}


def _cut(value: object) -> object:
    if isinstance(value, bool | int | float) or value is None:
        return value
    told = str(value)
    return told if len(told) <= LONGEST else told[:LONGEST] + "…"
