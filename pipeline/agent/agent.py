"""The agent: a program, running.

    readers ──batches──▶ flow (worker threads) ──effects──▶ one commit at a time ──sealed segments──▶ shippers
       ▲ waiting travels back                                     │ acks travel back
       └──────────────────────────────────────────────────────────┘

One group of batches is committed while the next is computed. A commit covers what came in within PERIOD, or on a backlog what is ready.
After any failure of the store everything in memory is worthless: the agent stops, and a new one starts from the disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pipeline.agent.context import NodeContext
from pipeline.agent.deliveries import Deliveries
from pipeline.agent.failures import translated
from pipeline.agent.lifecycle import opened
from pipeline.agent.opening import arrange
from pipeline.agent.planning import Identity, plan, ripe
from pipeline.agent.reading import Pending, Reading, effects_of
from pipeline.agent.report import Report
from pipeline.agent.supervision import Task, cancel, first_failure
from pipeline.agent.telemetry import Journal, NodeLog, NodeMeter
from pipeline.agent.watermarks import watermarks
from pipeline.api import Position, Window
from pipeline.env import Env
from pipeline.errors import ConfigurationError, InternalError
from pipeline.plan.effects import Effects
from pipeline.plan.flow import Flow
from pipeline.plan.graph import Graph
from pipeline.store import Changes, Seal, Store

T = TypeVar("T")

PERIOD = 0.75
"""Seconds between commits under a steady load."""

WORTH = 4 << 20
"""Bytes of records that are worth a commit while the next batch is still computed."""

GROUP = 16 << 20
"""Bytes of records in a commit, about, however many batches are ready. So on a slow disk commits are fewer and larger."""


@dataclass
class Settings:
    """How a program is run. `program` is its path, remembered by the state in `folder`; relative outputs start at `base`."""

    program: str
    folder: Path
    base: Path
    once: bool = False
    timeout: float = 60.0
    """Seconds that `once` waits for deliveries: for all of them at the end, and for the next one while reading stands still."""


class Agent:
    """Runs one graph on one state directory, once. Make a new agent for every run."""

    def __init__(self, env: Env, graph: Graph, settings: Settings, journal: Journal) -> None:
        self._env = env
        self._graph = graph
        self._settings = settings
        self._journal = journal
        self._flow = Flow(graph, env.host)
        self._windows = {
            stage.name: stage.window.plugin
            for stage in graph.windows
            if stage.window is not None and isinstance(stage.window.plugin, Window)
        }
        self._sources = {stage.name: stage.input for stage in graph.sources if stage.input is not None}
        self._lock = asyncio.Lock()
        self._stopping = False
        self._store: Store | None = None
        self._reading: Reading | None = None
        self._deliveries: Deliveries | None = None
        self._committed_at = float("-inf")
        self.started = asyncio.Event()
        """Set once the store is open."""
        self.meters: dict[str, NodeMeter] = {}
        self.report = Report()

    def stop(self) -> None:
        """Ask for a clean stop: nothing more is read, what was read is committed. Safe in a signal handler of the loop."""
        self._stopping = True
        if self._reading is not None:
            self._reading.wake()
        if self._deliveries is not None:
            self._deliveries.wake()

    async def run(self) -> None:
        """Run until stopped, or to the end of all inputs with `once`.

        Raises PipeError: StateError, NoInputError, ConfigurationError while opening; DiskFullError; TemporaryError when
        `once` could not deliver everything in time; InternalError. BrokenPipeError when standard output was
        closed. What was committed before is safe."""
        try:
            self._store = store = await self._env.apart(self._open)
            self.started.set()
            try:
                async with opened(self._graph, self._context):
                    await self._work(store)
                self.report.counts = await self.locked(store.contents.ledger)
            finally:
                async with self._lock:
                    self._store = None
                    await self._env.apart(store.close)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise translated(error) from error

    @property
    def store(self) -> Store:
        """The open store; only while running, and only under `locked`."""
        if self._store is None:
            raise InternalError("the agent is not running")
        return self._store

    async def locked(self, work: Callable[..., T], *arguments: object) -> T:
        """Run work on the store in a worker thread while nobody else uses it."""
        async with self._lock:
            return await self._env.apart(work, *arguments)

    # ── opening ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _open(self) -> Store:
        settings = self._settings
        for name, source in self._sources.items() if settings.once else ():
            if not source.finite:
                raise ConfigurationError(
                    f"source {name} has no end, so it cannot be read with --once",
                    "Run without --once, or bound the input.",
                )
        store = Store.open(self._env, settings.folder, program=settings.program, base=settings.base)
        try:
            arrange(store, self._graph, self._windows, self._journal)
        except BaseException:
            store.close()
            raise
        return store

    def _context(self, stage: str) -> NodeContext:
        meter = self._meter(stage)
        return NodeContext(
            self._env,
            stage,
            once=self._settings.once,
            log=NodeLog(self._journal, stage),
            metrics=meter,
        )

    def _meter(self, stage: str) -> NodeMeter:
        return self.meters.setdefault(stage, NodeMeter())

    # ── working ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def _work(self, store: Store) -> None:
        settings = self._settings
        self._reading = reading = Reading(self._env, self._flow, store.progress)
        self._deliveries = deliveries = Deliveries(
            self._env,
            self._graph,
            store,
            self._lock,
            lambda stage: NodeLog(self._journal, stage),
            waiting=await self.locked(store.contents.waiting),
            timeout=settings.timeout,
            folder=settings.folder,
        )
        readers: list[Task] = [
            asyncio.ensure_future(reading.read(name, source)) for name, source in self._sources.items()
        ]
        reading.running = len(readers)
        shippers = deliveries.start()
        commits = asyncio.ensure_future(self._commit_loop(store, reading, deliveries, readers))
        tasks = [commits, *readers, *shippers]
        try:
            await first_failure(commits, [*readers, *shippers])
            if settings.once:
                drained = asyncio.ensure_future(deliveries.drained(lambda: self._stopping))
                tasks.append(drained)
                await first_failure(drained, shippers)
        finally:
            await cancel(tasks)
            await reading.discard()

    async def _commit_loop(self, store: Store, reading: Reading, deliveries: Deliveries, readers: list[Task]) -> None:
        while True:
            if self._stopping:
                await cancel(readers)
                reading.cancelled()
            group, effects = await self._group(reading)
            # Asked once: a reader may end while the commit runs, and what it read last is for the next one.
            ended = reading.ended
            seal: Seal = "" if not ended else "flush" if self._stopping else "all"
            if await self._commit(store, reading, deliveries, group, effects, seal):
                reading.pause(paused=deliveries.full)
                deliveries.wake()
            if ended:
                return
            if reading.paused and self._settings.once and not self._stopping:
                deliveries.check()

    async def _group(self, reading: Reading) -> tuple[list[Pending], list[Effects]]:
        """Batches for the next commit: all that comes until it is due."""
        group: list[Pending] = []
        effects: list[Effects] = []
        size = 0
        while size < GROUP:
            due = self._committed_at + PERIOD - self._env.clock.monotonic()
            if group and (due <= 0 or (size >= WORTH and not reading.ready)):
                break
            pending = reading.take()
            if pending is not None:
                group.append(pending)
                effects.append(await effects_of(pending))
                size += pending.size
                continue
            if reading.ended or self._stopping:
                break
            await reading.wait(due if group else PERIOD)
            if not group and not reading.queued:
                break
        return group, effects

    async def _commit(
        self,
        store: Store,
        reading: Reading,
        deliveries: Deliveries,
        group: list[Pending],
        effects: list[Effects],
        seal: Seal,
    ) -> bool:
        """One transaction. False where there was nothing to do."""
        async with self._lock:
            uncommitted = reading.uncommitted(group)
            now = self._env.clock.now()
            marks = watermarks(
                self._graph,
                self._windows,
                store.windows.high,
                effects,
                {name: dict(source.backlog()) for name, source in self._sources.items()},
                uncommitted,
                reading.activity,
                now=now,
                monotonic=self._env.clock.monotonic(),
            )
            due = store.segments.due(now)
            if not (group or seal or due or reading.paused or ripe(self._windows, store.windows, marks)):
                # A quiet log costs nothing: no thread is woken to find out that there is nothing to do.
                self._committed_at = self._env.clock.monotonic()
                return False
            identity = Identity(self._graph.name, store.instance, self._env.host)
            changes: Changes = await self._env.apart(
                plan, self._flow, store.windows, effects, marks, identity, now, seal == "all"
            )
            # What was read of a partition and is not committed yet begins where its stored progress ends.
            forgotten = {
                name: set(source.forgotten()) - uncommitted.get(name, frozenset())
                for name, source in self._sources.items()
            }
            changes.forgotten = [
                (name, partition)
                for name, partitions in forgotten.items()
                for partition in sorted(partitions & store.progress.get(name, {}).keys())
            ]
            changes.seal = seal
            if not changes.empty or due:
                await self._env.apart(store.commit, changes)
                self.report.committed(changes)
                for name in self._windows:
                    self._meter(name).gauge("windows.held", len(store.windows.held.get(name, {})))
            await self._env.apart(deliveries.look)
        self._committed_at = self._env.clock.monotonic()
        reading.committed(group)
        self._tell(store, reading, changes, forgotten)
        return True

    def _tell(self, store: Store, reading: Reading, changes: Changes, forgotten: Mapping[str, set[str]]) -> None:
        """Inputs hear what is durable now, and of which partitions nothing is kept any more."""
        progress: dict[str, dict[str, Position]] = {name: {} for name in self._sources}
        for advance in changes.advances:
            progress[advance.source][advance.partition] = advance.end
        for name, partitions in forgotten.items():
            for partition in partitions - store.progress.get(name, {}).keys():
                reading.activity.forget(name, partition)
                progress[name][partition] = None
        for name, positions in progress.items():
            if positions:
                self._sources[name].committed(positions)
