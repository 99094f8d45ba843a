"""States of folds: one row for each stage, fold and partition, as the last commit that changed it left it.

The states are on disk; in memory there is of each only when it is due and how many rows it holds."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pipeline.env import Database
from pipeline.store.changes import Changes
from pipeline.store.rows import Rows
from pipeline.store.values import data, number, text

Key = tuple[str, str, str]
"""Stage, fold, partition; without a partition: facts of windows."""


@dataclass(frozen=True, slots=True)
class Known:
    """A state: of which source its partition is, when time alone changes it (µs; None: never), how many rows it holds."""

    source: str
    due: int | None
    held: int


class Folds:
    """Every method that changes something is called inside a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.known: dict[Key, Known] = {}

    def load(self) -> None:
        for stage, fold, partition, source, due, held in self._database.rows(
            "SELECT stage, fold, partition, source, due, held FROM fold"
        ):
            known = Known(text(source), None if due is None else number(due), number(held))
            self.known[text(stage), text(fold), text(partition)] = known

    def state(self, key: Key) -> tuple[bytes, int] | None:
        """A state as it was dumped, and the version of the fold that did. Blocks for a query."""
        return state(self._database.rows, key)

    def arrange(self, folds: Mapping[str, Collection[str]]) -> dict[Key, Known]:
        """Drop the states of folds that are not in the program, and give those that held rows."""
        gone = {key: known for key, known in self.known.items() if key[1] not in folds.get(key[0], ())}
        for key in gone:
            self._drop(key)
        return {key: known for key, known in gone.items() if known.held}

    def apply(self, changes: Changes) -> None:
        for each in changes.remembered:
            key = (each.stage, each.fold, each.partition)
            if each.state is None:
                self._drop(key)
                continue
            self.known[key] = Known(each.source, each.due, each.held)
            self._database.rows(
                "INSERT INTO fold VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET source = excluded.source, "
                "version = excluded.version, due = excluded.due, held = excluded.held, state = excluded.state",
                (*key, each.source, each.version, each.due, each.held, each.state),
            )

    def _drop(self, key: Key) -> None:
        self._database.rows("DELETE FROM fold WHERE stage = ? AND fold = ? AND partition = ?", key)
        self.known.pop(key, None)


def state(rows: Rows, key: Key) -> tuple[bytes, int] | None:
    """A state as it was dumped, and the version of the fold that did."""
    found = rows("SELECT state, version FROM fold WHERE stage = ? AND fold = ? AND partition = ?", key)
    return (data(found[0][0]), number(found[0][1])) if found else None
