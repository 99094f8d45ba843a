"""Where facts come from: the batches that windows took rows of, and where exact outputs keep their records.

Kept for the newest batches only, up to LIMIT bytes: `pipe why` says what was forgotten. Offsets are enough to read a batch
again; its windows are named, so that the batches of a window are found without computing anything."""

from __future__ import annotations

import json

from pipeline.env import Database
from pipeline.store.changes import Origin, Piece
from pipeline.store.segment import Open
from pipeline.store.values import number

LIMIT = 64 << 20
"""Bytes of batches that are remembered, about."""

ROW = 120
"""Bytes of a batch besides its texts, about."""

ARCHIVES = 20_000
"""Stretches of exact outputs that are remembered, the newest."""

Kept = tuple[int, int, int, int]
"""The archive, the byte in its segment, bytes, rows."""


class Origins:
    """Every method that changes something is called inside a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._total = 0
        self._first = 0
        self._archive = 0

    def load(self) -> None:
        ends = self._database.rows("SELECT total FROM origin ORDER BY id DESC LIMIT 1")
        self._total = number(ends[0][0]) if ends else 0
        self._first = self._oldest()[1]
        self._archive = number(self._database.rows("SELECT coalesce(max(id), 0) FROM archive")[0][0])

    def keep(self, segment: Open, piece: Piece, place: str) -> Kept:
        """Note where the records of a piece are, which was just appended to a segment whose body is `place`, and not yet moved
        there."""
        if not segment.archive:
            self._archive += 1
            segment.archive = self._archive
            begins = segment.plain - segment.tail - sum(map(len, segment.fresh))
            self._database.rows(
                "INSERT INTO archive VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    segment.archive, segment.id, segment.sink, place, segment.layout.compression,
                    segment.base + segment.size, begins,
                ),
            )  # fmt: skip
            self._database.rows("DELETE FROM archive WHERE id <= ?", (segment.archive - ARCHIVES,))
        return segment.archive, segment.plain - len(piece.data), len(piece.data), piece.rows

    def record(self, origins: list[Origin], kept: dict[int, list[Kept]]) -> None:
        """Remember the batches of a commit, with where their records are (by their number in it)."""
        rows = []
        for origin in origins:
            windows = json.dumps(origin.windows, separators=(",", ":"))
            places = json.dumps(kept.get(origin.batch, []), separators=(",", ":"))
            self._total += len(windows) + len(places) + len(origin.path or "") + ROW
            rows.append(
                (
                    origin.source, origin.partition, origin.path, origin.first, origin.last, origin.rows, origin.received,
                    windows, places, self._total,
                )
            )  # fmt: skip
        self._database.many(
            "INSERT INTO origin (source, partition, path, first, last, rows, received, windows, kept, total) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        while self._total - self._first > LIMIT:
            id, self._first = self._oldest()
            self._database.rows("DELETE FROM origin WHERE id = ?", (id,))

    def _oldest(self) -> tuple[int, int]:
        """Its id, and the bytes up to it."""
        oldest = self._database.rows("SELECT id, total FROM origin ORDER BY id LIMIT 1")
        return (number(oldest[0][0]), number(oldest[0][1])) if oldest else (0, 0)
