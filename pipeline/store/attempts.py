"""Attempts: which rows were being computed when the process died.

An attempt is written before rows are computed, and taken back when they were; so one that is found at a start ended the process
before. That is done only after a stop that was not clean. `meta.unclean` counts such stops in a row; the life that runs counts
as one until it has ended well.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from pipeline.env import Database
from pipeline.store.values import number, text


class Attempt(NamedTuple):
    """Rows of a source that follow each other in a batch, by what the first and the last are known by."""

    source: str
    first: str
    last: str


class Attempts:
    """`tries` has those that did not come to their end, with how often. Methods block; those that change run inside a
    transaction."""

    def __init__(self, database: Database, unclean: int) -> None:
        self._database = database
        self.unclean = unclean
        """Stops in a row, up to the last one, that were not clean."""
        self.tries: dict[Attempt, int] = {}

    def load(self) -> None:
        rows = self._database.rows("SELECT source, first, last, tries FROM attempt")
        self.tries = {Attempt(text(row[0]), text(row[1]), text(row[2])): number(row[3]) for row in rows}

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
        self.tries.clear()

    def rest(self) -> None:
        """This life ends well. Where attempts are still to be made, the next one begins with as much caution as this one."""
        self._database.rows("UPDATE meta SET value = ? WHERE name = 'unclean'", (self.unclean if self.tries else 0,))
