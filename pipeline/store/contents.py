"""What a state says of itself: answers that need nothing but its database, so that they can be had of a stopped agent too."""

from __future__ import annotations

import base64

from pipeline.api import Position
from pipeline.store.books import Books, books
from pipeline.store.burials import Burials
from pipeline.store.folds import state
from pipeline.store.ledger import counts
from pipeline.store.rows import Rows
from pipeline.store.trails import Known, Trail, deltas, known, trail
from pipeline.store.values import number, parsed, text


class Contents:
    """Reads, never writes. Every method blocks for a query or several; `books` and `trail` look through all rows."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.dead = Burials(rows)

    def progress(self) -> dict[str, dict[str, Position]]:
        """Source → partition → the position that is committed. Raises StateError for what is none."""
        found: dict[str, dict[str, Position]] = {}
        for source, partition, at in self._rows("SELECT source, partition, position FROM progress"):
            where = f"the source {text(source)}, partition {text(partition)},"
            found.setdefault(text(source), {})[text(partition)] = parsed(text(at), where)
        return found

    def program(self) -> str:
        """The path of the program that the state belongs to."""
        ((path,),) = self._rows("SELECT value FROM meta WHERE name = 'program'")
        return text(path)

    def ledger(self) -> dict[tuple[str, str], int]:
        """(stage, outcome) → rows, since the state began."""
        kinds = counts(self._rows)
        return {(stage, outcome): rows for stage, outcomes in kinds.items() for outcome, rows in outcomes.items()}

    def books(self) -> Books:
        """The whole ledger, to be balanced."""
        return books(self._rows)

    def known(self) -> Known:
        """Whose state it is, and its windows."""
        return known(self._rows)

    def deltas(self, stage: str, start: int, part: int) -> list[str]:
        """The stored state of a window, base64."""
        return deltas(self._rows, stage, start, part)

    def table(self, stage: str, fold: str) -> tuple[str, int] | None:
        """The state of a fold that is one for all partitions, base64, and its version."""
        found = state(self._rows, (stage, fold, ""))
        return None if found is None else (base64.b64encode(found[0]).decode(), found[1])

    def trail(self, stage: str, start: int, part: int) -> Trail:
        """Where the rows of a window come from."""
        return trail(self._rows, stage, start, part)

    def waiting(self) -> dict[str, int]:
        """Sink → bytes of sealed segments that are not delivered yet."""
        rows = self._rows(
            "SELECT sink, sum(CASE WHEN size > 0 THEN size ELSE plain END) FROM segment WHERE state = 'sealed' GROUP BY sink"
        )
        return {text(sink): number(size) for sink, size in rows}

    def held(self) -> list[dict[str, object]]:
        """Sealed segments whose bytes are not those that were committed: sink, name, rows, the reason."""
        rows = self._rows("SELECT sink, name, rows, held FROM segment WHERE held != '' ORDER BY id")
        return [
            {"sink": text(sink), "segment": text(name), "rows": number(count), "reason": text(why)}
            for sink, name, count, why in rows
        ]
