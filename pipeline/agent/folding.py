"""Folds in a commit: their states, the rows that come to them in the order of the source, and those that they let go of.

What a commit makes of the states is beside those that are committed until it is durable. A commit that fails leaves nothing of
it: its agent is over, and the next one reads the states from the disk."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import cast

from pipeline.api import Position, Span
from pipeline.errors import StateError
from pipeline.plan import folds, isolation
from pipeline.plan.asking import Work
from pipeline.plan.effects import Effects
from pipeline.plan.flow import Flow
from pipeline.plan.folds import ALL, Key, Tables
from pipeline.plan.graph import AnyFold, Graph, Stage, Step
from pipeline.store import Advance, Remembered
from pipeline.store.folds import Folds, Known

READY = 256
"""States that are kept at hand between commits, those that were used last; others are read again from the disk."""

Partition = tuple[str, str]
"""Source and name."""


@dataclass(frozen=True)
class Release:
    """Which folds let go of what in a commit.

    `busy`: partitions with rows that were read or could be, and are not in this commit: time does not tick for them. `leaving`:
    those of which nothing will be kept. `ending`: stage → folds whose input has ended."""

    busy: Collection[Partition] = ()
    leaving: Collection[Partition] = ()
    ending: Mapping[str, Collection[str]] | None = None


class Folding:
    """The states of folds (`pipeline.plan.folds.Memory`), from commit to commit. One commit at a time; reads block on the database."""

    def __init__(self, stored: Folds) -> None:
        self._stored = stored
        self._at_hand: dict[Key, object] = {}
        self._changed: dict[Key, tuple[str, AnyFold, object] | None] = {}
        self.now = 0

    # ── as a memory ──────────────────────────────────────────────────────────────────────────────────────────────────

    def get(self, key: Key, fold: AnyFold) -> object:
        """Raises StateError for a state that the fold cannot read."""
        if key in self._changed:
            changed = self._changed[key]
            return fold.empty() if changed is None else changed[2]
        if key not in self._stored.known:
            return fold.empty()
        state = self._at_hand.pop(key) if key in self._at_hand else self._read(key, fold)
        self._at_hand[key] = state
        return state

    def put(self, key: Key, source: str, fold: AnyFold, state: object) -> None:
        self._changed[key] = (source, fold, state)

    def _read(self, key: Key, fold: AnyFold) -> object:
        found = self._stored.state(key)
        if found is None:
            return fold.empty()
        try:
            return fold.load(*found)
        except ValueError as error:
            raise StateError(
                f"the state of {fold.name} in {key[0]} cannot be read: {error}",
                "Run the version of the plugin that wrote it, or give the stage another name: then it starts anew.",
            ) from error

    # ── a commit ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def begin(self, now: int) -> None:
        """The next commit begins, at this time (µs)."""
        self._changed.clear()
        self.now = now

    def ripe(self, busy: Collection[Partition]) -> bool:
        """Whether time alone gives a fold something to do."""
        return any(self._ticks(key, known, busy) for key, known in self._stored.known.items())

    def knows(self, partition: Partition) -> bool:
        """Whether there is the state of a fold for it."""
        return any((known.source, key[2]) == partition for key, known in self._stored.known.items())

    def changes(self) -> list[Remembered]:
        """What the commit makes of the states."""
        found = []
        for key, changed in self._changed.items():
            if changed is None:
                found.append(Remembered(*key, "", 0, None))
                continue
            source, fold, state = changed
            found.append(
                Remembered(*key, source, fold.state_version, fold.dump(state), fold.due(state), fold.held(state))
            )
        return found

    def settle(self) -> None:
        """The commit is durable, or another program has begun."""
        for key, changed in self._changed.items():
            self._at_hand.pop(key, None)
            if changed is not None:
                self._at_hand[key] = changed[2]
        self._changed.clear()
        kept = [key for key in self._at_hand if key in self._stored.known][-READY:]
        self._at_hand = {key: self._at_hand[key] for key in kept}

    # ── letting go ───────────────────────────────────────────────────────────────────────────────────────────────────

    def released(
        self,
        flow: Flow,
        stage: Stage,
        steps: Iterable[Step],
        release: Release,
        reached: Collection[Advance],
        progress: Mapping[str, Mapping[str, Position]],
    ) -> Work[list[Effects]]:
        """The effects of rows that these folds of a stage let go of: one after the other, as a later one may get what an earlier one gives.

        They belong to where their partition is: to what this commit `reached`, or else to its `progress`."""
        found = []
        for step in steps:
            if not step.fold:
                continue
            ends = step.fold in (release.ending or {}).get(stage.name, ())
            for key, known in self._known(stage.name, step):
                partition = (known.source, key[2])
                leaves = key[2] != "" and partition in release.leaving
                if ends or leaves or self._ticks(key, known, release.busy):
                    span = _span(partition, flow, reached, progress)
                    effects = yield from self._let_go(flow, step, key, known, span, finish=ends or leaves)
                    if effects is not None:
                        found.append(effects)
                if leaves:
                    self._at_hand.pop(key, None)
                    self._changed[key] = None
        return found

    def _known(self, stage: str, step: Step) -> list[tuple[Key, Known]]:
        """The states of a fold, with what this commit has made of them so far."""
        found = {key: known for key, known in self._stored.known.items() if key[:2] == (stage, step.fold)}
        for key, changed in self._changed.items():
            if changed is not None and key[:2] == (stage, step.fold):
                source, fold, state = changed
                found[key] = Known(source, fold.due(state), fold.held(state))
        return sorted(found.items())

    def _ticks(self, key: Key, known: Known, busy: Collection[Partition]) -> bool:
        return known.due is not None and known.due <= self.now and (known.source, key[2]) not in busy

    def _let_go(
        self, flow: Flow, step: Step, key: Key, known: Known, span: Mapping[str, Span], *, finish: bool
    ) -> Work[Effects | None]:
        """The effects of what a state lets go of; None where it does not change."""
        fold, where = cast("AnyFold", step.plugin), f"{key[0]}: {step.name}"
        before = self.get(key, fold)
        work, clock = (fold.finish, ()) if finish else (fold.tick, (self.now,))
        after, batch = isolation.released(work, before, *clock, where=where)
        refused = 0 if batch is None else sum(rows.height for rows in batch.rejected)
        gave = refused + (0 if batch is None else batch.frame.height)
        if after is before and not gave:
            return None
        self.put(key, known.source, fold, after)
        effects = Effects(source=known.source, received=self.now, span=span)
        kept = fold.held(after) - fold.held(before)
        folds.count(effects.counts, key[0], fold, took=0, gave=gave, kept=kept)
        if batch is not None and gave:
            yield from flow.released(key[0], step, replace(batch, span=span), effects, self)
        return effects


def tables(graph: Graph, stored: Folds) -> Tables:
    """What the tables of a program know, as it is committed. Blocks on the database. Raises StateError as `Folding.get` does."""
    memory = Folding(stored)
    found = {}
    for stage in graph.stages.values():
        for step in stage.steps:
            if step.table is not None:
                key = (stage.name, step.fold, ALL)
                found[key] = memory.get(key, cast("AnyFold", step.plugin))
    return Tables(found)


def resume(flow: Flow, folding: Folding, effects: Iterable[Effects]) -> Work[None]:
    """Go on with batches that folds wait for, in the order of reading; first with those that tables may be made of."""
    tables = flow.graph.known_first
    for each in sorted(effects, key=lambda effects: effects.source not in tables):
        yield from flow.resuming(each, folding)


def _span(
    partition: Partition,
    flow: Flow,
    reached: Collection[Advance],
    progress: Mapping[str, Mapping[str, Position]],
) -> Mapping[str, Span]:
    """The end of what is known of a partition; nothing for one that has no progress, or whose source is gone."""
    source, name = partition
    known = progress.get(source, {})
    if source not in flow.order or not name:
        return {}
    for advance in reached:
        if (advance.source, advance.partition) == partition:
            return {name: Span(advance.end, advance.end)}
    return {name: Span(known[name], known[name])} if name in known else {}
