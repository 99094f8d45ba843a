"""Commits: which batches go together, and what one transaction does with them.

One group of batches is committed while the next is computed. A commit covers what came in within PERIOD, or on a backlog what
is ready. Inputs hear afterwards what is durable.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from pipeline.agent.assembly import Assembly
from pipeline.agent.deliveries import Deliveries
from pipeline.agent.folding import Folding, Release, resume
from pipeline.agent.overflows import Overflows
from pipeline.agent.planning import Identity, plan, ripe
from pipeline.agent.reading import Pending, Reading, effects_of
from pipeline.agent.report import Report
from pipeline.agent.resolving import Askers
from pipeline.agent.space import Space
from pipeline.agent.telemetry import Journal
from pipeline.agent.watermarks import watermarks
from pipeline.api import Position
from pipeline.env import Env
from pipeline.plan.effects import Effects
from pipeline.store import Changes, Seal, Store

PERIOD = 0.75
"""Seconds between commits under a steady load."""

WORTH = 4 << 20
"""Bytes of records that are worth a commit while the next batch is still computed."""

GROUP = 16 << 20
"""Bytes of records in a commit, about, however many batches are ready. So on a slow disk commits are fewer and larger."""


@dataclass(frozen=True)
class Pace:
    """Seconds between commits under a steady load, and between looks at what time alone has changed, such as windows that are over."""

    period: float = PERIOD
    look: float = PERIOD


class Committer:
    """Commits to one store, under its `lock`, what was read; `report` counts it. One call at a time."""

    def __init__(
        self,
        env: Env,
        store: Store,
        lock: asyncio.Lock,
        reading: Reading,
        deliveries: Deliveries,
        journal: Journal,
        askers: Askers,
        *,
        report: Report,
        heed: Callable[[Iterable[Effects]], None],
        space: Space | None,
    ) -> None:
        self._env = env
        self._store = store
        self._lock = lock
        self._reading = reading
        self._deliveries = deliveries
        self._askers = askers
        self._report = report
        self._heed = heed
        self._space = space
        self._overflows = Overflows(journal, env.clock)
        self._folding = Folding(store.folds)
        self.pace = Pace()
        self._committed_at = float("-inf")

    async def group(self, assembly: Assembly, over: Callable[[], bool]) -> tuple[list[Pending], list[Effects]]:
        """Batches of this program for the next commit: all that comes until it is due, or until it is `over`."""
        reading = self._reading
        group: list[Pending] = []
        effects: list[Effects] = []
        size = 0
        while size < GROUP:
            due = self._committed_at + self.pace.period - self._env.clock.monotonic()
            if group and (due <= 0 or (size >= WORTH and not reading.ready)):
                break
            pending = reading.take(assembly.flow)
            if pending is not None:
                group.append(pending)
                effects.append(await effects_of(pending))
                size += pending.size
                continue
            if over() and not reading.holds(assembly.flow):
                break
            await reading.wait(due if group else self.pace.look)
            if not group and not reading.takeable:
                break
        return group, effects

    async def commit(
        self,
        assembly: Assembly,
        group: list[Pending],
        effects: list[Effects],
        seal: Seal,
        over: Collection[str] = (),
        ending: Mapping[str, Collection[str]] | None = None,
    ) -> bool:
        """One transaction; all windows of the stages that are `over` are sent, and the folds that are `ending` (by stage) let go of
        everything. False where there was nothing to do.

        Raises what `Store.commit` raises: then nothing of it is durable, and memory is worthless."""
        store, reading, folding = self._store, self._reading, self._folding
        async with self._lock:
            uncommitted = reading.uncommitted(group)
            backlogs = {name: dict(source.backlog()) for name, source in assembly.sources.items()}
            now = self._env.clock.now()
            folding.begin(now)
            if effects and assembly.folds:
                await self._askers.run(self._env.apart, partial(resume, assembly.flow, folding, effects))
            self._heed(effects[: len(group)])
            marks = watermarks(
                assembly.graph,
                assembly.windows,
                store.windows.high,
                effects,
                backlogs,
                uncommitted,
                reading.activity,
                now=now,
                monotonic=self._env.clock.monotonic(),
            )
            busy = {(name, partition) for name, partitions in uncommitted.items() for partition in partitions}
            busy |= {(name, partition) for name, left in backlogs.items() for partition in left if left[partition]}
            due = store.segments.due(now)
            timed = ripe(assembly.windows, store.windows, marks) or folding.ripe(busy)
            if not (effects or seal or due or over or ending or reading.paused or timed):
                # A quiet log costs nothing: no thread is woken to find out that there is nothing to do.
                self._committed_at = self._env.clock.monotonic()
                return False
            # What was read of a partition and is not committed yet begins where its stored progress ends.
            forgotten = {
                name: set(source.forgotten()) - uncommitted.get(name, frozenset())
                for name, source in assembly.sources.items()
            }
            leaving = [
                (name, partition)
                for name, partitions in forgotten.items()
                for partition in sorted(partitions & store.progress.get(name, {}).keys())
            ]
            # Its folds let go of it first: their rows are counted where it is.
            staying = {partition for partition in leaving if folding.knows(partition)}
            identity = Identity(assembly.graph.name, store.instance, self._env.host)
            changes: Changes = await self._askers.run(
                self._env.apart,
                partial(
                    plan,
                    assembly.flow,
                    store.windows,
                    effects,
                    marks,
                    identity,
                    now,
                    assembly.windows.keys() if seal == "all" else over,
                    folding=folding,
                    release=Release(busy, staying, assembly.folds if seal == "all" else ending),
                    progress=store.progress,
                ),
            )
            changes.forgotten = [partition for partition in leaving if partition not in staying]
            changes.seal = seal
            if not changes.empty or due:
                await self._env.apart(store.commit, changes)
                folding.settle()
                self._report.committed(changes)
                if self._space is not None and changes.advances:
                    self._space.moved(rows=True)
                self._overflows.heed(changes.overflowed, assembly.meters)
                for name in assembly.windows:
                    assembly.meters[name].gauge("windows.held", len(store.windows.held.get(name, {})))
            await self._env.apart(self._deliveries.look)
        self._committed_at = self._env.clock.monotonic()
        reading.pause(paused=self._deliveries.full)
        reading.committed(group)
        self._tell(assembly, changes, forgotten)
        return True

    def _tell(self, assembly: Assembly, changes: Changes, forgotten: Mapping[str, set[str]]) -> None:
        """Inputs hear what is durable now, and of which partitions nothing is kept any more."""
        progress: dict[str, dict[str, Position]] = {name: {} for name in assembly.sources}
        for advance in changes.advances:
            progress[advance.source][advance.partition] = advance.end
        for name, partitions in forgotten.items():
            for partition in partitions - self._store.progress.get(name, {}).keys():
                self._reading.activity.forget(name, partition)
                progress[name][partition] = None
        for name, positions in progress.items():
            if positions:
                assembly.sources[name].committed(positions)
