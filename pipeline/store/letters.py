"""Dead letters as they change: buried, marked to be put in again, gone.

A row of a burial lies there until it is `marked`. Marked ones are taken, a few at a time, and are `trying` until the commit that
has what came of them; in it they are `gone`. Where the process died meanwhile, they are tried again one by one (`alone`), and
one that was alone stays a dead letter. A burial goes when all of its rows are gone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from pipeline.env import Database
from pipeline.errors import InternalError
from pipeline.store import ledger
from pipeline.store.burials import Burial, Burials, Wanted
from pipeline.store.changes import Buried
from pipeline.store.values import number, text

DEAD_BYTES = 64 << 20
"""Dead letters are kept up to this many bytes, the newest; their counts stay for ever."""

Letter = tuple[int, int]
"""(burial, row): the id of a letter."""


class Letters:
    """All methods but `load` run inside a transaction, and block."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._burials = Burials(database.rows)
        self._size = 0
        self.waiting = 0
        """Letters that are marked, as far as this process knows."""

    def load(self) -> list[Letter]:
        """Find out what is there, without a transaction. Gives those that were being tried when the process ended."""
        self._size = number(self._database.rows("SELECT coalesce(sum(length(frame)), 0) FROM dead")[0][0])
        self._look()
        trying = self._database.rows("SELECT dead, row FROM letter WHERE state = 'trying'")
        return [(number(id), number(row)) for id, row in trying]

    def resume(self, trying: Sequence[Letter], *, clean: bool) -> list[Letter]:
        """These were being tried when the process ended. Where it did not end well, they are tried one by one, and the only
        one is not tried again: it is given back."""
        lost = list(trying) if len(trying) == 1 and not clean else []
        self.spare(lost)
        self._state([letter for letter in trying if letter not in lost], "marked" if clean else "alone")
        self._look()
        return lost

    def bury(self, buried: Iterable[Buried], now: int) -> None:
        """Add letters; the oldest ones beyond DEAD_BYTES are let go, but for marked ones."""
        added = list(buried)
        if not added:
            return
        self._database.many(
            "INSERT INTO dead (stage, filter, reason, field, tries, rows, remaining, time, frame) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (some.stage, some.filter, some.reason, some.field, some.tries, some.rows, some.rows, now, some.frame)
                for some in added
            ],
        )
        self._size += sum(len(some.frame) for some in added)
        while self._size > DEAD_BYTES:
            oldest = self._database.rows(
                "SELECT id, stage, remaining FROM dead WHERE id NOT IN (SELECT dead FROM letter WHERE state != 'gone') "
                "ORDER BY id LIMIT 1"
            )
            if not oldest:
                break
            ledger.add(self._database, {(text(oldest[0][1]), "expired"): number(oldest[0][2])})
            self._remove(number(oldest[0][0]))

    def mark(self, wanted: Wanted) -> int:
        """These are to be put in again. Gives how many were not marked before."""
        found = self._free(wanted)
        self._database.many(
            "INSERT INTO letter VALUES (?, ?, 'marked')", [(id, row) for id, _, _, rows in found for row in rows]
        )
        self._look()
        return sum(len(rows) for *_, rows in found)

    def drop(self, wanted: Wanted) -> int:
        """Let go of these, but for marked ones. Gives how many they were; the ledger counts them as `dropped`."""
        counts: Counter[tuple[str, str]] = Counter()
        for id, stage, remaining, rows in self._free(wanted):
            counts[stage, "dropped"] += len(rows)
            if len(rows) == remaining:
                self._remove(id)
            else:
                self._database.many("INSERT INTO letter VALUES (?, ?, 'gone')", [(id, row) for row in rows])
                self._database.rows("UPDATE dead SET remaining = remaining - ? WHERE id = ?", (len(rows), id))
        ledger.add(self._database, counts)
        return counts.total()

    def take(self, most: int) -> list[tuple[Burial, list[int]]]:
        """The next marked letters, with their burials: trying begins."""
        rows = self._database.rows(
            "SELECT dead, row, state FROM letter WHERE state IN ('marked', 'alone') ORDER BY state, dead, row LIMIT ?",
            (most,),
        )
        if rows and rows[0][2] == "alone":
            rows = rows[:1]
        found: dict[int, list[int]] = {}
        for id, row, _ in rows:
            found.setdefault(number(id), []).append(number(row))
        self._state([(id, row) for id, some in found.items() for row in some], "trying")
        self._look()
        return [(self._burials.burial(id), some) for id, some in found.items()]

    def put_off(self, letters: Sequence[Letter]) -> None:
        """These were taken, and are not tried yet."""
        self._state(letters, "marked")
        self._look()

    def spare(self, letters: Sequence[Letter]) -> None:
        """These are not to be put in again after all."""
        self._database.many("DELETE FROM letter WHERE dead = ? AND row = ?", letters)

    def settle(self, letters: Iterable[Letter]) -> None:
        """What came of these is in the same transaction: they are gone. Raises InternalError for one that was not being tried."""
        done = list(letters)
        for id, row in done:
            self._database.rows(
                "UPDATE letter SET state = 'gone' WHERE dead = ? AND row = ? AND state = 'trying'", (id, row)
            )
            if self._database.changes() != 1:
                raise InternalError(f"the dead letter {id}.{row} was put in again, and is not there any more")
        for id, count in Counter(id for id, _ in done).items():
            self._database.rows("UPDATE dead SET remaining = remaining - ? WHERE id = ?", (count, id))
            if not number(self._database.rows("SELECT remaining FROM dead WHERE id = ?", (id,))[0][0]):
                self._remove(id)

    def _free(self, wanted: Wanted) -> list[tuple[int, str, int, list[int]]]:
        """Burial, stage, rows that are not gone, and the rows that are wanted and simply lie there."""
        where, values = wanted.condition()
        found = []
        for id, stage, rows, remaining in self._database.rows(
            f"SELECT id, stage, rows, remaining FROM dead WHERE {where} ORDER BY id",  # noqa: S608 — made of constants
            values,
        ):
            taken = {number(row[0]) for row in self._database.rows("SELECT row FROM letter WHERE dead = ?", (id,))}
            free = [row for row in range(number(rows)) if row not in taken and wanted.takes(number(id), row)]
            if free:
                found.append((number(id), text(stage), number(remaining), free))
        return found

    def _state(self, letters: Sequence[Letter], state: str) -> None:
        self._database.many(
            "UPDATE letter SET state = ? WHERE dead = ? AND row = ?", [(state, *letter) for letter in letters]
        )

    def _remove(self, id: int) -> None:
        self._size -= number(self._database.rows("SELECT length(frame) FROM dead WHERE id = ?", (id,))[0][0])
        self._database.rows("DELETE FROM dead WHERE id = ?", (id,))

    def _look(self) -> None:
        found = self._database.rows("SELECT count(*) FROM letter WHERE state IN ('marked', 'alone')")
        self.waiting = number(found[0][0])
