"""The ledger by partition: how many rows of which range went where, and what was delivered of it.

`pipe audit` proves from it that nothing is missing (`pipeline.proof.balance`)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from pipeline.env import Database
from pipeline.store import ledger
from pipeline.store.changes import Changes
from pipeline.store.ledger import Counts
from pipeline.store.ranges import Cover
from pipeline.store.values import mapping, number, text

FORGOTTEN = ""
"""The partition that has the rows of all that were forgotten."""


def counts_of(stored: str) -> Counts:
    """The counts of a text of the table `account`."""
    return mapping(stored, "the account of a partition")


@dataclass(frozen=True)
class Shape:
    """How the stages of a program hang together: stage → the ports that it reads, source → the sinks that get its events; `ends` are all sinks,
    those that get facts only among them."""

    edges: Mapping[str, Sequence[str]] = field(default_factory=dict)
    sinks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    ends: Sequence[str] = ()

    def kind(self, stage: str) -> str | None:
        return (
            "source"
            if stage in self.sinks
            else "sink"
            if stage in self.ends
            else "transform"
            if stage in self.edges
            else None
        )


class Accounts:
    """Every method that changes something is called inside a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def arrange(self, shape: Shape) -> None:
        """Say how the stages hang together. Where that is new, rows are compared along the edges from here on, and sinks that
        came have nothing of what was read before."""
        before, known = self._shape(), json.dumps(asdict(shape), sort_keys=True)
        if json.dumps(asdict(before), sort_keys=True) == known:
            return
        since = ledger.counts(self._database.rows)
        self._database.many(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            [("shape", known), ("since", json.dumps(since, sort_keys=True))],
        )
        for sink in sorted({*before.ends} - {*shape.ends}):
            # Nothing else tells later that it was one.
            ledger.begin(self._database, sink, "delivered")
        for source, sinks in shape.sinks.items():
            for sink in set(sinks) - set(before.sinks.get(source, ())):
                self._skip(source, sink)

    def _shape(self) -> Shape:
        stored = self._database.rows("SELECT value FROM meta WHERE name = 'shape'")
        return Shape(**json.loads(text(stored[0][0]))) if stored else Shape()

    def changed(self, shape: Shape) -> dict[str, tuple[str, str]]:
        """Stages that have counts, and that are of another kind in this shape: stage → the kind it was, and the one it is."""
        read = {text(row[0]) for row in self._database.rows("SELECT DISTINCT source FROM account")}
        ends = self._shape().ends
        found = {}
        for stage, counted in ledger.counts(self._database.rows).items():
            was = "source" if stage in read else "sink" if stage in ends or "delivered" in counted else "transform"
            now = shape.kind(stage)
            if now not in {None, was}:
                found[stage] = (was, str(now))
        return found

    def _skip(self, source: str, sink: str) -> None:
        """What was read of a source, and is not in the ranges of a sink, is not for it."""
        for partition, start, stop in self._database.rows(
            "SELECT partition, start, stop FROM account WHERE source = ? AND partition != ''", (source,)
        ):
            ((last,),) = self._database.rows(
                "SELECT max(stop) FROM (SELECT stop FROM delivered WHERE sink = ?1 AND partition = ?2 UNION ALL "
                "SELECT high FROM range JOIN segment ON segment.id = range.segment WHERE sink = ?1 AND partition = ?2)",
                (sink, partition),
            )
            begin = number(start if last is None else last)
            if begin < number(stop):
                self.deliver(sink, text(partition), begin, number(stop), 0)

    def enter(self, changes: Changes, cover: Cover) -> None:
        """Write a commit's entries, after its pieces were appended."""
        rows: Counter[tuple[str, str]] = Counter()
        for piece in changes.pieces:
            rows[piece.sink, owner(piece.ranges)] += piece.rows
        for entry in changes.entries:
            self._add(entry.source, entry.partition, entry.start, entry.stop, entry.counts)
            for sink in entry.sinks:
                covered = cover(entry, sink)
                if not covered:
                    direct = rows[sink, entry.partition] if covered is None else 0
                    self.deliver(sink, entry.partition, entry.start, entry.stop, direct)

    def deliver(self, sink: str, partition: str, start: int, stop: int, rows: int) -> None:
        """A range of a partition is at its destination. It becomes one row with those that it touches."""
        if partition != FORGOTTEN and not self._known(partition):
            partition, start, stop = FORGOTTEN, 0, 0
        self._database.rows(
            "UPDATE delivered SET stop = ?4, rows = rows + ?5 WHERE sink = ?1 AND partition = ?2 AND stop = ?3 AND NOT EXISTS "
            "(SELECT 1 FROM delivered WHERE sink = ?1 AND partition = ?2 AND start > ?3 AND start <= ?4)",
            (sink, partition, start, stop, rows),
        )
        if self._database.changes():
            return
        touched = self._database.rows(
            "SELECT start, stop, rows FROM delivered WHERE sink = ? AND partition = ? AND start <= ? AND stop >= ?",
            (sink, partition, stop, start),
        )
        for first, last, count in touched:
            start, stop, rows = min(start, number(first)), max(stop, number(last)), rows + number(count)
            self._database.rows(
                "DELETE FROM delivered WHERE sink = ? AND partition = ? AND start = ?", (sink, partition, first)
            )
        self._database.rows("INSERT INTO delivered VALUES (?, ?, ?, ?, ?)", (sink, partition, start, stop, rows))

    def acknowledge(self, segment: int) -> None:
        """A segment is at its destination: what it was made of is delivered. Its row is still there."""
        ((sink, rows),) = self._database.rows("SELECT sink, rows FROM segment WHERE id = ?", (segment,))
        self.count(text(sink), number(rows))
        for partition, low, high, count in self._database.rows(
            "SELECT partition, low, high, rows FROM range WHERE segment = ?", (segment,)
        ):
            self.deliver(text(sink), text(partition), number(low), number(high), number(count))

    def refuse(self, sink: str, rows: int) -> None:
        """So many of the rows that were just counted as delivered are dead letters instead: their destination did not take them.
        Which partition they are of is not known, so its ranges have them as what has left the outbox."""
        ledger.add(self._database, {(sink, "delivered"): -rows, (sink, "refused"): rows})

    def count(self, sink: str, rows: int) -> None:
        """So many rows of a sink are delivered, of whatever partition."""
        ledger.add(self._database, {(sink, "delivered"): rows})

    def abandon(self, stage: str, source: str, partition: str, rows: int) -> None:
        """Rows that a fold of a stage held are given up."""
        moved = Counter({(stage, "held"): -rows, (stage, "abandoned"): rows})
        ledger.add(self._database, moved)
        for start, stop in self._database.rows(
            "SELECT start, stop FROM account WHERE source = ? AND partition = ?", (source, partition)
        ):
            self._add(source, partition, number(start), number(stop), moved)

    def forget(self, source: str, partition: str) -> None:
        """A partition is gone for good: its rows stay, its ranges do not."""
        key = (source, partition)
        found = self._database.rows("SELECT counts FROM account WHERE source = ? AND partition = ?", key)
        self._database.rows("DELETE FROM account WHERE source = ? AND partition = ?", key)
        for (stored,) in found:
            counts = Counter({(s, o): n for s, kinds in counts_of(text(stored)).items() for o, n in kinds.items()})
            self._add(source, FORGOTTEN, 0, 0, counts)
        done = self._database.rows(
            "SELECT sink, sum(rows) FROM delivered WHERE partition = ? GROUP BY sink", (partition,)
        )
        self._database.rows("DELETE FROM delivered WHERE partition = ?", (partition,))
        for sink, rows in done:
            self.deliver(text(sink), FORGOTTEN, 0, 0, number(rows))

    def _known(self, partition: str) -> bool:
        return bool(self._database.rows("SELECT 1 FROM progress WHERE partition = ?", (partition,)))

    def _add(self, source: str, partition: str, start: int, stop: int, added: Mapping[tuple[str, str], int]) -> None:
        found = self._database.rows(
            "SELECT counts FROM account WHERE source = ? AND partition = ?", (source, partition)
        )
        counts = counts_of(text(found[0][0])) if found else {}
        for (stage, outcome), rows in sorted(added.items()):
            if rows:
                kinds = counts.setdefault(stage, {})
                kinds[outcome] = kinds.get(outcome, 0) + rows
        self._database.rows(
            "INSERT INTO account VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET stop = excluded.stop, counts = excluded.counts",
            (source, partition, start, stop, json.dumps(counts, separators=(",", ":"))),
        )


def owner(partitions: Iterable[str]) -> str:
    """The partition that rows are counted for: that of the batch, or the first where it has several."""
    return min(partitions, default="")
