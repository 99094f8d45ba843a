"""Attempts: which rows were being computed when the process died.

An attempt is written before rows are computed, and taken back when they were; so one that is found at a start ended the process
before. That is done only after a stop that was not clean. `meta.unclean` counts such stops in a row; the life that runs counts
as one until it has ended well. A life may fail while the process goes on, and be unable to say so because the disk is full:
then the next one in the same process is told what it `Knew`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pipeline.env import Database
from pipeline.store.values import number, text


class Attempt(NamedTuple):
    """Rows of a source that follow each other in a batch, by what the first and the last are known by."""

    source: str
    first: str
    last: str


class Knew(NamedTuple):
    """What a life knew of those before it when it failed. It did not end the process, whatever it was computing then."""

    unclean: int
    tries: Mapping[Attempt, int]


class Attempts:
    """`tries` has those that did not come to their end, with how often. Methods block; those that change run inside a
    transaction."""

    def __init__(self, database: Database, unclean: int) -> None:
        self._database = database
        self.unclean = unclean
        """Stops in a row, up to the last one, that were not clean."""
        self.tries: dict[Attempt, int] = {}
        self._found: dict[Attempt, int] = {}

    def load(self, before: Knew | None) -> None:
        """Read those that did not come to their end: all that are there, or of them those that the life before found, too."""
        rows = self._database.rows("SELECT source, first, last, tries FROM attempt")
        there = {Attempt(text(row[0]), text(row[1]), text(row[2])): number(row[3]) for row in rows}
        self._found = there if before is None else {key: tries for key, tries in before.tries.items() if key in there}
        self.tries = dict(self._found)

    @property
    def knew(self) -> Knew:
        """For the life that follows in the same process."""
        return Knew(self.unclean, self._found)

    def begin(self, before: Knew | None) -> None:
        """This life counts as one that ends badly until it has ended well. Attempts that a life before in this process did not find
        were its own, and did not end it."""
        self._database.rows("INSERT OR REPLACE INTO meta VALUES ('unclean', ?)", (self.unclean + 1,))
        if before is None:
            return
        self._database.rows("DELETE FROM attempt")
        self._database.many(
            "INSERT INTO attempt VALUES (?, ?, ?, ?)", [(*key, tries) for key, tries in self.tries.items()]
        )

    def change(self, over: Iterable[Attempt], begun: Attempt | None = None) -> None:
        """Some are over, and one begins."""
        for attempt in over:
            if self.tries.pop(attempt, 0):
                self._database.rows("DELETE FROM attempt WHERE source = ? AND first = ? AND last = ?", attempt)
        if begun is not None:
            tries = self.tries[begun] = self.tries.get(begun, 0) + 1
            self._database.rows("INSERT OR REPLACE INTO attempt VALUES (?, ?, ?, ?)", (*begun, tries))

    def calm(self) -> None:
        """Everything that may have ended the process was computed again."""
        self._database.rows("DELETE FROM attempt")
        self._database.rows("UPDATE meta SET value = 1 WHERE name = 'unclean'")
        self.unclean = 0
        self.tries.clear()

    def rest(self) -> None:
        """This life ends well. Where attempts are still to be made, the next one begins with as much caution as this one."""
        self._database.rows("UPDATE meta SET value = ? WHERE name = 'unclean'", (self.unclean if self.tries else 0,))
