"""What the engine says of itself: a log of one event a line, and the figures of its nodes.

What log lines tell comes from data: control characters are escaped and long texts cut, so that nobody writes our log but
us. The same message of a node is written at most LIMIT times a minute; how often it was held back is told when the minute is
over and somebody speaks, or at the end.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from threading import Lock

from pipeline.columns.encode.printable import printable
from pipeline.env import Clock

Rows = Callable[[], Sequence[Mapping[str, object]]]

LONGEST = 512
LIMIT = 10
MINUTE = 60_000_000


class Journal:
    """The engine's log. `write` gets finished lines (without newline), one at a time; any thread may speak."""

    def __init__(self, write: Callable[[str], None], clock: Clock) -> None:
        self._write = write
        self._clock = clock
        self._lock = Lock()
        self._minute = -1
        self._seen: Counter[tuple[str, str, str]] = Counter()

    def say(self, level: str, node: str, message: str, fields: Mapping[str, object]) -> None:
        """`node` is empty where the whole program is meant. Blocks for as long as `write` does."""
        with self._lock:
            minute = self._clock.now() // MINUTE
            if minute != self._minute:
                self._minute = minute
                self._settle()
            self._seen[level, node, message] += 1
            if self._seen[level, node, message] <= LIMIT:
                self._line(level, node, message, fields)

    def close(self) -> None:
        """Nothing more is said: tell what was held back."""
        with self._lock:
            self._settle()

    def _settle(self) -> None:
        for (level, node, message), count in self._seen.items():
            if count > LIMIT:
                self._line(level, node, message, {"held_back": count - LIMIT})
        self._seen.clear()

    def _line(self, level: str, node: str, message: str, fields: Mapping[str, object]) -> None:
        told = "".join(f" {_plain(name)}={json.dumps(_cut(value))}" for name, value in fields.items())
        self._write(f"pipe: {level}: {_plain(node) + ': ' if node else ''}{_plain(message)}{told}")


class NodeLog:
    """The log as one node sees it (`pipeline.api.Log`)."""

    def __init__(self, journal: Journal, node: str) -> None:
        self._journal = journal
        self._node = node

    def info(self, message: str, /, **fields: object) -> None:
        self._journal.say("info", self._node, message, fields)

    def warning(self, message: str, /, **fields: object) -> None:
        self._journal.say("warning", self._node, message, fields)

    def error(self, message: str, /, **fields: object) -> None:
        self._journal.say("error", self._node, message, fields)


class NodeMeter:
    """Counters, gauges and tables of one node. Any thread may use it."""

    def __init__(self) -> None:
        self._values: dict[str, float] = {}
        self._tables: list[tuple[PluginMeter, str, Rows]] = []
        self._lock = Lock()

    def count(self, name: str, /, value: int = 1) -> None:
        with self._lock:
            self._values[name] = self._values.get(name, 0) + value

    def gauge(self, name: str, /, value: float) -> None:
        with self._lock:
            self._values[name] = value

    def add(self, plugin: PluginMeter, name: str, rows: Rows) -> None:
        """A plugin has a table."""
        with self._lock:
            self._tables.append((plugin, name, rows))

    def remove(self, plugin: PluginMeter) -> None:
        """A plugin has no tables any more."""
        with self._lock:
            self._tables = [table for table in self._tables if table[0] is not plugin]

    def values(self) -> dict[str, float]:
        """The counters and gauges as they are now."""
        with self._lock:
            return dict(self._values)

    def tables(self) -> dict[str, list[Mapping[str, object]]]:
        """The tables as they are now; those of one name (two plugins of a kind in one node) one below the other."""
        with self._lock:
            made = list(self._tables)
        found: dict[str, list[Mapping[str, object]]] = {}
        for _, name, rows in made:
            found.setdefault(name, []).extend(rows())
        return found


class PluginMeter:
    """The meter of a node as one plugin sees it (`pipeline.api.Meter`): its figures stay with the node, its tables until `close`."""

    def __init__(self, node: NodeMeter) -> None:
        self._node = node
        self.count = node.count
        self.gauge = node.gauge

    def table(self, name: str, /, rows: Rows) -> None:
        self._node.add(self, name, rows)

    def close(self) -> None:
        """The plugin is gone."""
        self._node.remove(self)


def _plain(text: str) -> str:
    """A text of one line, without anything that a terminal obeys."""
    return printable(text[:LONGEST]) + ("…" if len(text) > LONGEST else "")


def _cut(value: object) -> object:
    if isinstance(value, bool | int | float) or value is None:
        return value
    told = str(value)
    return told if len(told) <= LONGEST else told[:LONGEST] + "…"
