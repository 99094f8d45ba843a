"""The whole ledger, as it is in the database: what `pipe audit` balances. Plain JSON, so that a socket carries it."""

from __future__ import annotations

from typing import TypedDict

from pipeline.env import Value
from pipeline.store.accounts import counts_of
from pipeline.store.ledger import Counts, counts
from pipeline.store.rows import Rows
from pipeline.store.segment import kind_of, layout_of
from pipeline.store.values import mapping, number, parsed, place, text


class Account(TypedDict):
    """A partition's part of the ledger. `committed`: how far its progress says it is; None where it has none."""

    source: str
    partition: str
    start: int
    stop: int
    committed: int | None
    counts: Counts


class Part(TypedDict):
    """Rows of a range of a partition."""

    partition: str
    start: int
    stop: int
    rows: int


class Held(TypedDict):
    """A segment that is still in the state; one in place is at its destination all the same."""

    id: int
    sink: str
    path: str
    in_place: bool
    rows: int
    parts: list[Part]


class Books(TypedDict):
    """`ledger` since the state began, `since`: what it was when `edges` (stage → the ports that it reads) and `sinks` (source →
    those that get its events) became what they are; `ends`: all sinks of the program.
    `paths`: how many different paths a sink has had. `open`: window stage → windows that were not sent.
    `folds`: stage → rows that the states of its folds hold."""

    ledger: Counts
    since: Counts
    edges: dict[str, list[str]]
    sinks: dict[str, list[str]]
    ends: list[str]
    accounts: list[Account]
    delivered: dict[str, list[Part]]
    held: list[Held]
    paths: dict[str, int]
    open: dict[str, int]
    folds: dict[str, int]


def books(rows: Rows) -> Books:
    """Read all of it. Blocks for some queries. Raises StateError for what is no ledger."""
    meta = {text(name): value for name, value in rows("SELECT name, value FROM meta WHERE name IN ('shape', 'since')")}
    shape = mapping(text(meta.get("shape", "{}")), "the shape of the program")
    delivered: dict[str, list[Part]] = {}
    for sink, *part in rows("SELECT sink, partition, start, stop, rows FROM delivered ORDER BY sink, partition, start"):
        delivered.setdefault(text(sink), []).append(_part(*part))
    parts: dict[int, list[Part]] = {}
    for segment, *part in rows("SELECT segment, partition, low, high, rows FROM range ORDER BY segment, partition"):
        parts.setdefault(number(segment), []).append(_part(*part))
    paths = rows("SELECT sink, count(*) FROM number GROUP BY sink")
    unsent = rows("SELECT stage, count(*) FROM window WHERE closed IS NULL AND kept > 0 GROUP BY stage")
    waiting = rows("SELECT stage, sum(held) FROM fold GROUP BY stage")
    return Books(
        ledger=counts(rows),
        since=mapping(text(meta.get("since", "{}")), "the beginning of the ledger"),
        edges=shape.get("edges", {}),
        sinks=shape.get("sinks", {}),
        ends=shape.get("ends", []),
        accounts=_accounts(rows),
        delivered=delivered,
        held=[
            Held(
                id=number(id), sink=text(sink), path=text(path), in_place=kind_of(layout_of(text(layout))).in_place,
                rows=number(count), parts=parts.get(number(id), []),
            )
            for id, sink, path, layout, count in rows("SELECT id, sink, path, layout, rows FROM segment ORDER BY id")
        ],
        paths={text(sink): number(count) for sink, count in paths},
        open={text(stage): number(count) for stage, count in unsent},
        folds={text(stage): number(count) for stage, count in waiting},
    )  # fmt: skip


def _accounts(rows: Rows) -> list[Account]:
    committed = {
        (text(source), text(partition)): place(parsed(text(at), f"partition {partition!r}"))
        for source, partition, at in rows("SELECT source, partition, position FROM progress")
    }
    kept = {
        (text(source), text(partition)): (number(start), number(stop), counts_of(text(counts)))
        for source, partition, start, stop, counts in rows("SELECT source, partition, start, stop, counts FROM account")
    }
    return [
        Account(
            source=source, partition=partition, start=start, stop=stop, committed=committed.get((source, partition)), counts=counts
        )
        for (source, partition), (start, stop, counts) in sorted(
            {**dict.fromkeys(committed, (0, 0, {})), **kept}.items()
        )
    ]  # fmt: skip


def _part(partition: Value, start: Value, stop: Value, rows: Value) -> Part:
    return Part(partition=text(partition), start=number(start), stop=number(stop), rows=number(rows))
