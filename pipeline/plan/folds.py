"""Steps with memory: rows and the state of their partition in, rows and the next state out."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeGuard, cast

from pipeline.api import Batch, Columns, Fold
from pipeline.api.tables import Tabled
from pipeline.plan import isolation
from pipeline.plan.arrivals import stacked
from pipeline.plan.graph import AnyFold, AnyTabled, Step

Key = tuple[str, str, str]
"""What a state is known by: its stage, the fold in it (`Step.fold`), and the partition; ALL for all facts of windows, and for tables."""

ALL = ""
"""In the place of a partition."""


class Memory(Protocol):
    """The states of folds. `now` is the clock that folds see (µs)."""

    @property
    def now(self) -> int: ...

    def get(self, key: Key, fold: AnyFold) -> Any:  # noqa: ANN401 — only the fold knows what its state is
        """The state of a fold as it is now."""
        ...

    def put(self, key: Key, source: str, fold: AnyFold, state: Any) -> None:  # noqa: ANN401
        """It is this one from now on. `source` is that of the partition."""
        ...


@dataclass
class Fresh:
    """States that begin empty, and of which nothing remains."""

    now: int
    states: dict[Key, object] = field(default_factory=dict)

    def get(self, key: Key, fold: AnyFold) -> object:
        return self.states[key] if key in self.states else fold.empty()

    def put(self, key: Key, source: str, fold: AnyFold, state: object) -> None:
        self.states[key] = state


@dataclass(frozen=True)
class Tables:
    """What tables know, as a memory that keeps nothing: to other folds each row is an input of its own."""

    states: Mapping[Key, object]
    now: int = 0

    def get(self, key: Key, fold: AnyFold) -> object:
        return self.states[key] if key in self.states else fold.empty()

    def put(self, key: Key, source: str, fold: AnyFold, state: object) -> None:
        raise TypeError(f"nothing is kept of {key}")


def keeps(memory: Memory | None) -> TypeGuard[Memory]:
    """Whether what rows leave behind is kept."""
    return memory is not None and not isinstance(memory, Tables)


@dataclass(frozen=True, slots=True)
class Stepped:
    """The batch after a fold, the rows that the fold holds more than before, and those that it failed on."""

    batch: Batch
    kept: int
    failing: isolation.Failing | None = None


def step(memory: Memory | None, stage: str, source: str, step: Step, batch: Batch) -> Stepped:
    """Give the rows of a batch to a fold, those of each partition with their state.

    Without a memory that keeps something each is an input of its own: the fold begins with nothing, and holds nothing back. Tables
    are there all the same."""
    fold = cast("AnyFold", step.plugin)
    if isinstance(fold, Tabled):
        return _told(memory, stage, step, fold, batch)
    done = [_one(memory, stage, source, step, fold, key, part) for key, part in _parts(batch)]
    if len(done) == 1:
        return done[0]
    frame = stacked([each.batch.frame for each in done])
    rejected = tuple(rows for each in done for rows in each.batch.rejected)
    failing = next((each.failing for each in reversed(done) if each.failing is not None), None)
    whole = Batch(frame, batch.span, rejected, batch.terminated)
    return Stepped(whole, sum(each.kept for each in done), failing)


def learn(memory: Memory, stage: str, step: Step, batch: Batch) -> Stepped:
    """Give rows of its table's upstream to a fold. The batch that comes of it has those that are in the table now."""
    fold = cast("AnyTabled", step.plugin)
    whole = (stage, step.fold, ALL)
    before = memory.get(whole, fold)
    after, found, failing = isolation.stepped(fold, fold.learn, before, batch, f"{stage}: {step.name}")
    if after is not before:
        memory.put(whole, "", fold, after)
    return Stepped(found, 0, failing)


def _told(memory: Memory | None, stage: str, step: Step, fold: AnyTabled, batch: Batch) -> Stepped:
    """Give rows to a fold that tells them what it knows from its table."""
    state = fold.empty() if memory is None else memory.get((stage, step.fold, ALL), fold)
    now = 0 if memory is None else memory.now
    _, found, failing = isolation.stepped(fold, _at(fold, now), state, batch, f"{stage}: {step.name}")
    return Stepped(found, 0, failing)


def _at(fold: AnyFold, now: int) -> Callable[[Any, Batch], tuple[Any, Batch]]:
    return lambda state, batch: fold.step(state, batch, now)


def _one(memory: Memory | None, stage: str, source: str, step: Step, fold: AnyFold, key: str, batch: Batch) -> Stepped:
    where = f"{stage}: {step.name}"
    if not keeps(memory):
        return _alone(fold, batch, where)
    whole = (stage, step.fold, key)
    before = memory.get(whole, fold)
    after, found, failing = isolation.stepped(fold, _at(fold, memory.now), before, batch, where)
    if after is not before:
        memory.put(whole, source, fold, after)
    return Stepped(found, fold.held(after) - fold.held(before), failing)


def _alone(fold: AnyFold, batch: Batch, where: str) -> Stepped:
    """What the fold makes of each row where there is no other."""
    done: list[Batch] = []
    failing: isolation.Failing | None = None
    for row in batch.frame.iter_slices(1):
        now = int(row["@received"].to_physical()[0])
        state, found, failed = isolation.stepped(fold, _at(fold, now), fold.empty(), batch.with_frame(row), where)
        _, rest = isolation.released(fold.finish, state, where=where)
        done += [found] if rest is None else [found, rest]
        failing = failed or failing
    frame = stacked([each.frame for each in done])
    return Stepped(Batch(frame, batch.span, tuple(rows for each in done for rows in each.rejected)), 0, failing)


def _parts(batch: Batch) -> Sequence[tuple[str, Batch]]:
    """The rows of a batch by partition. Facts have no span, and are together."""
    if len(batch.span) < 2:
        return [(next(iter(batch.span), ""), batch)]
    return [
        (str(part["@partition"][0]), Batch(part, batch.span, terminated=batch.terminated))
        for part in batch.frame.partition_by("@partition", maintain_order=True)
    ]


def count(counts: Counter[tuple[str, str]], stage: str, fold: AnyFold, *, took: int, gave: int, kept: int) -> None:
    """Count what became of rows in a fold: it `took` and `gave` so many, and holds so many more than before."""
    gone = took - gave - kept
    counts[stage, "held"] += kept
    if gone > 0:
        counts[stage, "joined" if fold.joins else "filtered"] += gone
    elif gone < 0:
        counts[stage, "made"] -= gone


def identified(steps: Iterable[Step], incoming: Columns) -> tuple[Step, ...]:
    """Steps with the names of their folds: one that means the same has the same name in every version of the program."""
    seen = Counter[str]()
    named: list[Step] = []
    before = incoming
    for each in steps:
        plugin = each.plugin
        if isinstance(plugin, Fold):
            name = f"{each.name}-{plugin.fingerprint}"
            if type(plugin).held is not Fold.held:
                fields = [[field, str(kind)] for field, kind in before.fields.items()]
                name += f"-{hashlib.sha256(json.dumps([fields, before.open]).encode()).hexdigest()[:8]}"
            seen[name] += 1
            named.append(replace(each, fold=name if seen[name] == 1 else f"{name}-{seen[name]}"))
        else:
            named.append(each)
        before = each.columns
    return tuple(named)
