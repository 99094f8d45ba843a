"""The table `ledger`: rows by stage and outcome, since the state began."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.env import Database
from pipeline.store.rows import Rows
from pipeline.store.values import number, text

Counts = dict[str, dict[str, int]]
"""Stage → outcome → rows."""


def add(database: Database, rows: Mapping[tuple[str, str], int]) -> None:
    """So many rows more, by (stage, outcome). Inside a transaction."""
    database.many(
        "INSERT INTO ledger VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET rows = rows + excluded.rows",
        [(stage, outcome, count) for (stage, outcome), count in sorted(rows.items()) if count],
    )


def begin(database: Database, stage: str, outcome: str) -> None:
    """Name an outcome of a stage, also while it has no rows of it. Inside a transaction."""
    database.rows("INSERT INTO ledger VALUES (?, ?, 0) ON CONFLICT DO NOTHING", (stage, outcome))


def counts(rows: Rows) -> Counts:
    """All of it. Blocks for a query."""
    found: Counts = {}
    for stage, outcome, count in rows("SELECT stage, outcome, rows FROM ledger"):
        found.setdefault(text(stage), {})[text(outcome)] = number(count)
    return found
