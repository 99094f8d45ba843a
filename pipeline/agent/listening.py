"""Records of sources as they come in, for somebody who asks for the next ones.

A listener takes what it has room for and counts the rest: reading never waits for it, and where nobody listens nothing is
looked at. It hears records as they were read, before any filter, also of batches that are never committed.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import polars as pl

BYTES = 1 << 20
"""Bytes of records that a listener has room for."""

MOST = 1000
"""Records of a source that it may ask for."""

LONGEST = 3600.0
"""Seconds that it may take."""


class Listener:
    """The first `most` records of each of some sources. In the thread of the loop."""

    def __init__(self, sources: Iterable[str], most: int) -> None:
        self.records: dict[str, list[bytes]] = {source: [] for source in sources}
        self.came: Counter[str] = Counter()
        """How many records came of each source, those that there was no room for too."""
        self._most = most
        self._room = BYTES
        self.full = asyncio.Event()
        """Set when there is no room any more."""

    def hear(self, source: str, records: pl.Series) -> None:
        """A batch of a source was read."""
        taken = self.records.get(source)
        if taken is None:
            return
        self.came[source] += len(records)
        for record in records.drop_nulls().head(self._most - len(taken)).to_list():
            self._room -= len(record)
            if self._room >= 0:
                taken.append(record)
        if self._room <= 0 or all(len(taken) == self._most for taken in self.records.values()):
            self.full.set()

    async def wait(self, seconds: float) -> None:
        """Until there is no room any more, or the time is over."""
        try:
            await asyncio.wait_for(self.full.wait(), seconds)
        except TimeoutError:
            return


class Listeners:
    """Those who listen now."""

    def __init__(self) -> None:
        self._now: set[Listener] = set()

    @contextmanager
    def listening(self, sources: Iterable[str], most: int) -> Iterator[Listener]:
        """Hears inside the block."""
        listener = Listener(sources, most)
        self._now.add(listener)
        try:
            yield listener
        finally:
            self._now.discard(listener)

    def hear(self, source: str, frame: pl.DataFrame) -> None:
        """A batch of a source was read; `frame` has `@raw`."""
        for listener in self._now:
            listener.hear(source, frame.get_column("@raw"))
