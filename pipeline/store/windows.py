"""Windows in the store: which are open, which were sent, and their state as deltas.

State lives on disk, not in memory: a window's deltas are read when it is sent. In memory there is one small record a
window that is not yet let go; how many these are depends on the times of the events, and nothing bounds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.env import Database
from pipeline.store.changes import Changes
from pipeline.store.values import data, number, text

REMEMBERED = 30 * 24 * 3600 * 1_000_000
"""How long (µs of event time since it was sent last) a window that was let go is remembered, so that later events become an extra
part. Of windows that may have been forgotten, only the highest part is known: later events become one above that."""

HOUR = 3600 * 1_000_000


UNKNOWN = -(2**63)
"""Nobody has looked yet when something is due: any watermark may be enough."""


@dataclass(slots=True)
class Held:
    """A window with state. `revision` is 0 while it was not sent; `closed` is the watermark at its last sending, None while it has
    state that was not sent."""

    revision: int = 0
    closed: int | None = None
    deltas: int = 0
    size: int = 0
    oldest: int = 0
    """Bytes of the oldest delta, which has all that was merged before."""
    due: int | None = None
    """Of sessions: the lowest watermark that may give them something to do; None for never."""


Key = tuple[int, int]
"""(start, part)"""


class Windows:
    def __init__(self, database: Database) -> None:
        self._database = database
        self.held: dict[str, dict[Key, Held]] = {}
        """Windows with state, by stage."""
        self._forgot: dict[str, int] = {}
        self.high: dict[str, dict[str, int]] = {}
        self.watermarks: dict[str, int] = {}

    def load(self) -> None:
        for stage, start, part, revision, closed, kept in self._database.rows(
            "SELECT stage, start, part, revision, closed, kept FROM window WHERE kept > 0"
        ):
            lengths = self._database.rows(
                "SELECT length(state) FROM delta WHERE stage = ? AND start = ? AND part = ? ORDER BY seq",
                (stage, start, part),
            )
            closing = None if closed is None else number(closed)
            oldest = number(lengths[0][0]) if lengths else 0
            held = Held(number(revision), closing, len(lengths), number(kept), oldest, UNKNOWN)
            self.held.setdefault(text(stage), {})[number(start), number(part)] = held
        for stage, partition, time in self._database.rows("SELECT stage, partition, time FROM high"):
            self.high.setdefault(text(stage), {})[text(partition)] = number(time)
        for stage, mark in self._database.rows("SELECT stage, watermark FROM clock WHERE watermark IS NOT NULL"):
            self.watermarks[text(stage)] = number(mark)

    def arrange(self, fingerprints: Mapping[str, str]) -> dict[str, int]:
        """Inside a transaction: drop the state of stages that are gone or mean something else now.

        Returns how many windows of each such stage were never sent."""
        dropped: dict[str, int] = {}
        known = {text(stage): text(mark) for stage, mark in self._database.rows("SELECT stage, fingerprint FROM clock")}
        for stage in known:
            if fingerprints.get(stage) != known[stage]:
                self._database.rows("UPDATE clock SET fingerprint = '', watermark = NULL WHERE stage = ?", (stage,))
                for table in ("delta", "high"):
                    self._database.rows(f"DELETE FROM {table} WHERE stage = ?", (stage,))  # noqa: S608 — names from the line above
                # What was sent stays known: should the query come back, its facts are parts of their own.
                self._database.rows("DELETE FROM window WHERE stage = ? AND revision = 0", (stage,))
                self._database.rows("UPDATE window SET kept = 0 WHERE stage = ?", (stage,))
                unsent = sum(held.closed is None for held in self.held.pop(stage, {}).values())
                if unsent:
                    dropped[stage] = unsent
                self.high.pop(stage, None)
                self.watermarks.pop(stage, None)
            # Another program may wait for longer, or not so long.
            for held in self.held.get(stage, {}).values():
                held.due = UNKNOWN
        self._database.many(
            "INSERT INTO clock VALUES (?, ?, NULL, 0, NULL) ON CONFLICT DO UPDATE SET fingerprint = excluded.fingerprint",
            [(stage, mark) for stage, mark in fingerprints.items()],
        )
        return dropped

    def deltas(self, stage: str, start: int, part: int) -> list[bytes]:
        """The stored state of a window, oldest delta first."""
        rows = self._database.rows(
            "SELECT state FROM delta WHERE stage = ? AND start = ? AND part = ? ORDER BY seq", (stage, start, part)
        )
        return [data(row[0]) for row in rows]

    def part(self, stage: str, start: int) -> int:
        """The part that events of a window go to now: the one with state, or one more than the last that was let go."""
        last = self._database.rows("SELECT max(part), kept FROM window WHERE stage = ? AND start = ?", (stage, start))
        part, kept = last[0]
        if part is not None:
            return number(part) + (0 if kept else 1)
        forgotten = self._database.rows("SELECT parts FROM clock WHERE stage = ? AND horizon > ?", (stage, start))
        return number(forgotten[0][0]) if forgotten else 0

    def apply(self, changes: Changes) -> None:
        """Inside a commit's transaction."""
        changed: dict[tuple[str, int, int], Held] = {}
        for grown in changes.grown:
            key = (grown.stage, grown.start, grown.part)
            held = self._held(key)
            if grown.replaces:
                self._database.rows("DELETE FROM delta WHERE stage = ? AND start = ? AND part = ?", key)
                held.deltas = held.size = held.oldest = 0
            self._database.rows(
                "INSERT INTO delta SELECT ?, ?, ?, coalesce(max(seq) + 1, 0), ? FROM delta WHERE stage = ? AND start = ? AND part = ?",
                (*key, grown.state, *key),
            )
            held.oldest = held.oldest or len(grown.state)
            held.deltas += 1
            held.size += len(grown.state)
            held.closed = None
            dues = [due for due in (grown.due, None if grown.replaces else held.due) if due is not None]
            held.due = min(dues, default=None)
            changed[key] = held
        for sent in changes.sent:
            key = (sent.stage, sent.start, sent.part)
            held = self._held(key)
            held.revision, held.closed = sent.revision, sent.watermark
            changed[key] = held
        for gone in changes.released:
            key = (gone.stage, gone.start, gone.part)
            held = self.held.get(gone.stage, {}).pop((gone.start, gone.part), Held(revision=1))
            held.size = 0
            self._database.rows("DELETE FROM delta WHERE stage = ? AND start = ? AND part = ?", key)
            changed[key] = held
        self._database.many(
            "INSERT INTO window VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE "
            "SET revision = excluded.revision, closed = excluded.closed, kept = excluded.kept",
            [(*key, held.revision, held.closed, held.size) for key, held in changed.items()],
        )
        for (stage, partition), time in changes.high.items():
            self._database.rows(
                "INSERT INTO high VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET time = max(time, excluded.time)",
                (stage, partition, time),
            )
            marks = self.high.setdefault(stage, {})
            marks[partition] = max(time, marks.get(partition, time))
        for stage, mark in changes.watermarks.items():
            self._database.rows("UPDATE clock SET watermark = ? WHERE stage = ?", (mark, stage))
            self.watermarks[stage] = mark
            self._forget(stage, mark)

    def forget(self, partition: str) -> None:
        """Inside a transaction: a partition is gone for good and holds no watermark back."""
        self._database.rows("DELETE FROM high WHERE partition = ?", (partition,))
        for marks in self.high.values():
            marks.pop(partition, None)

    def _held(self, key: tuple[str, int, int]) -> Held:
        stage, start, part = key
        return self.held.setdefault(stage, {}).setdefault((start, part), Held())

    def _forget(self, stage: str, mark: int) -> None:
        """Once an hour of event time: windows that were let go long ago are forgotten."""
        if mark - self._forgot.get(stage, 0) > HOUR:
            self._forgot[stage] = mark
            long_ago = "stage = ?1 AND kept = 0 AND coalesce(closed, start) < ?2"
            horizon = mark - REMEMBERED
            ((last,),) = self._database.rows(f"SELECT max(part) FROM window WHERE {long_ago}", (stage, horizon))  # noqa: S608 — a constant
            if last is not None:
                self._database.rows(
                    "UPDATE clock SET parts = max(parts, ?), horizon = max(coalesce(horizon, ?2), ?2) WHERE stage = ?3",
                    (number(last) + 1, horizon, stage),
                )
                self._database.rows(f"DELETE FROM window WHERE {long_ago}", (stage, horizon))  # noqa: S608 — a constant
