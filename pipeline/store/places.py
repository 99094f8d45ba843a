"""Where segments lie: the number that a new one gets, and the local file that it is written to."""

from __future__ import annotations

from pathlib import Path

from pipeline.api import Layout
from pipeline.env import Database, Env
from pipeline.errors import ConfigurationError
from pipeline.store.names import extension, local
from pipeline.store.segment import numbered
from pipeline.store.values import number, text


class Places:
    """`base` is the folder that relative paths of programs start from."""

    def __init__(self, env: Env, database: Database, base: Path, instance: str) -> None:
        self._env = env
        self._database = database
        self._base = base
        self._instance = instance

    def claim(self, sink: str, path: str, layout: Layout) -> tuple[int, Path]:
        """Inside a transaction: the next number of a sink's path, and its file (an empty path for remote segments).

        Raises ConfigurationError when an open segment has the file."""
        last = self._database.rows("SELECT last FROM number WHERE sink = ? AND path = ?", (sink, path))
        count, place = number(last[0][0]) if last else 0, Path()
        while True:
            count += 1
            if not layout.in_place:
                break
            ending = extension(layout.extension, layout.compression)
            rolled = numbered(layout, path)
            place = self._base / local(
                path, sink=sink, instance=self._instance, number=count, extension=ending, rolled=rolled
            )
            waits = self._waits(sink, place)
            # A numbered name that is taken belongs to an earlier life of this state: never write into its file.
            if not rolled or not (waits or self._env.files.stat(place)):
                break
        self._database.rows(
            "INSERT INTO number VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET last = excluded.last", (sink, path, count)
        )
        return count, place

    def _waits(self, sink: str, place: Path) -> bool:
        """Whether the file is that of a sealed segment, which is still to be completed."""
        owners = self._database.rows("SELECT sink, state FROM segment WHERE place = ?", (str(place),))
        for other, state in owners:
            if state == "open":
                raise ConfigurationError(
                    f"sinks {text(other)} and {sink} write the same file: {place}", "Give each sink a path of its own."
                )
        return bool(owners)
