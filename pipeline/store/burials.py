"""Dead letters as they are found: burials are rows of the state, each a dump of a frame with rows of one stage, filter and reason.

The id of a letter is `burial.row`; it stays what it is, and is never used again.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.env import Value
from pipeline.store.rows import Rows
from pipeline.store.values import data, number, text


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which letters are meant: all that fit everything that is said. `since` is in µs; an id without row is a whole burial."""

    stage: str | None = None
    reason: str | None = None
    since: int | None = None
    ids: tuple[tuple[int, int | None], ...] = ()

    def condition(self) -> tuple[str, list[Value]]:
        """What holds for their burials, as SQL over `dead`, with its values."""
        parts, values = ["remaining > 0"], list[Value]()
        for sql, value in (("stage = ?", self.stage), ("reason = ?", self.reason), ("time >= ?", self.since)):
            if value is not None:
                parts.append(sql)
                values.append(value)
        if self.ids:
            parts.append(f"id IN ({', '.join('?' * len(self.ids))})")
            values += [id for id, _ in self.ids]
        return " AND ".join(parts), values

    def takes(self, burial: int, row: int) -> bool:
        """Whether a row of such a burial is meant."""
        return not self.ids or (burial, None) in self.ids or (burial, row) in self.ids


@dataclass(frozen=True, slots=True)
class Burial:
    """Rows that were rejected together, in a dump of frames; those that are `gone` are not letters any more."""

    id: int
    stage: str
    tries: int
    rows: int
    time: int
    frame: bytes
    gone: frozenset[int]


@dataclass(frozen=True, slots=True)
class Kind:
    """The letters of one stage, filter, reason and field: how many, how many of these wait to be put in again, times in µs."""

    stage: str
    filter: str
    reason: str
    field: str
    rows: int
    retrying: int
    oldest: int
    newest: int


class Burials:
    """Reads, never writes. Every method blocks for a query or two."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def kinds(self, wanted: Wanted) -> list[Kind]:
        """What there is, the most numerous first. Ids of single rows mean their burials."""
        where, values = wanted.condition()
        found = self._rows(
            f"""
            SELECT stage, filter, reason, field, sum(remaining) AS count,
              coalesce(sum((SELECT count(*) FROM letter WHERE dead = id AND state != 'gone')), 0), min(time), max(time)
            FROM dead WHERE {where} GROUP BY stage, filter, reason, field ORDER BY count DESC, stage, filter, reason, field
            """,  # noqa: S608 — made of constants
            values,
        )
        return [Kind(*map(text, row[:4]), *map(number, row[4:])) for row in found]  # type: ignore[arg-type]  # four and four

    def newest(self, rows: int, wanted: Wanted) -> list[Burial]:
        """The newest burials, as few as have so many rows, newest first."""
        # The frames are read only of the burials that are wanted: before them, the table is summed up without touching any.
        where, values = wanted.condition()
        found = self._rows(
            f"""
            SELECT id, stage, tries, rows, time, frame FROM dead WHERE id IN (
              SELECT id FROM (SELECT id, sum(remaining) OVER (ORDER BY id DESC) - remaining AS newer FROM dead WHERE {where})
              WHERE newer < ?
            ) ORDER BY id DESC
            """,  # noqa: S608 — made of constants
            [*values, rows],
        )
        return [self._burial(row) for row in found]

    def burial(self, id: int) -> Burial:
        """The one of that id, which is there."""
        (row,) = self._rows("SELECT id, stage, tries, rows, time, frame FROM dead WHERE id = ?", (id,))
        return self._burial(row)

    def _burial(self, row: tuple[Value, ...]) -> Burial:
        gone = self._rows("SELECT row FROM letter WHERE dead = ? AND state = 'gone'", (row[0],))
        at = frozenset(number(found[0]) for found in gone)
        return Burial(number(row[0]), text(row[1]), number(row[2]), number(row[3]), number(row[4]), data(row[5]), at)
