"""The agent: a program, running.

    readers ──batches──▶ flow (worker threads) ──effects──▶ one commit at a time ──sealed segments──▶ shippers
       ▲ waiting travels back                                     │ acks travel back
       └──────────────────────────────────────────────────────────┘

One group of batches is committed while the next is computed. A commit covers what came in within PERIOD, or on a backlog what is ready.
After any failure of the store everything in memory is worthless: the agent stops, and a new one starts from the disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pipeline.agent.assembly import Assembly
from pipeline.agent.caution import Caution
from pipeline.agent.context import NodeContext
from pipeline.agent.deliveries import Deliveries
from pipeline.agent.failing import Failing
from pipeline.agent.failures import translated
from pipeline.agent.opening import arrange, check_ends, check_kinds
from pipeline.agent.planning import Identity, plan, ripe
from pipeline.agent.reading import AHEAD, Pending, Reading, effects_of
from pipeline.agent.report import Report
from pipeline.agent.retrying import Retrying
from pipeline.agent.space import Space
from pipeline.agent.supervision import Crew, to_the_end
from pipeline.agent.telemetry import Journal, NodeLog, NodeMeter
from pipeline.agent.watermarks import watermarks
from pipeline.api import Position
from pipeline.columns.panics import DEFECTS
from pipeline.env import Env
from pipeline.errors import InternalError, PipeError
from pipeline.plan.effects import Effects
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
    max_spool: int | None = None
    """Bytes of all sinks that may wait for delivery before reading stands still; None: SEGMENTS_AHEAD for each sink."""


class Agent:
    """Runs one graph on one state directory, once. Make a new agent for every run. With a `space`, reading waits for it."""

    def __init__(
        self, env: Env, graph: Graph, settings: Settings, journal: Journal, space: Space | None = None
    ) -> None:
        self._env = env
        self._assembly = Assembly(graph, env.host)
        self._following: Assembly | None = None
        self._settings = settings
        self._journal = journal
        self._space = space
        self._failing = Failing(journal)
        self._lock = asyncio.Lock()
        self._stopping = False
        self._working = asyncio.Event()
        self._turned = asyncio.Event()
        self._turned.set()
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
            try:
                await self._env.apart(self._open)
                self.started.set()
                try:
                    await self._work(self.store)
                except (PipeError, BrokenPipeError):
                    # It ends for a reason that is known; where the state cannot be written any more, the next run is careful.
                    with suppress(PipeError, OSError):
                        await self.locked(self.store.rest)
                    raise
                await self.locked(self.store.rest)
                self.report.counts = await self.locked(self.store.contents.ledger)
            finally:
                await to_the_end(self._close())
        except BrokenPipeError:
            raise
        except OSError as error:
            raise translated(error) from error

    async def reload(self, graph: Graph) -> None:
        """Go on with this program: what was read until now is computed by the old one, what is read from now on by the new one.

        Nothing stands still meanwhile, and sources and sinks that are the same in both stay open. Windows that mean
        something else in the new program are sent as they are. Waits until the agent works and an earlier reload is through;
        this one is through a commit after the return. An agent that stops, or has ended, leaves the program to the next one.
        Raises PipeError when a plugin cannot be opened, and the old program goes on. One call at a time."""
        await self._working.wait()
        await self._turned.wait()
        following = Assembly(graph, self._env.host, self._assembly)
        if self._settings.once:
            check_ends(following.sources)
        if self._store is not None:
            check_kinds(self._assembly.sources, following.sources, self._store.progress)
        try:
            await following.open(self._context)
        except OSError as error:
            raise translated(error) from error
        except DEFECTS as error:
            if isinstance(error, PipeError):
                raise
            raise InternalError(f"a plugin could not be opened: {type(error).__name__}: {error}") from error
        reading = self._reading
        if reading is None or self._stopping:
            await following.close()
            return
        # From here on readers may be missing that are only to be replaced: that is not the end of the input.
        self._turned.clear()
        try:
            await reading.stop(
                name for name, source in self._assembly.sources.items() if following.sources.get(name) is not source
            )
        finally:
            if self._reading is None:
                await following.close()
            else:
                reading.flow = following.flow
                self._following = following
                reading.wake()

    @property
    def degraded(self) -> dict[str, str]:
        """What is not as it should be, and why: the `disk`, or sinks by name. Empty when all is well."""
        found = {} if self._deliveries is None else self._deliveries.troubles
        return found if self._space is None or not self._space.lack else {"disk": self._space.lack, **found}

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

    def _open(self) -> None:
        settings = self._settings
        if settings.once:
            check_ends(self._assembly.sources)
        self._store = Store.open(self._env, settings.folder, program=settings.program, base=settings.base)
        arrange(self._store, self._assembly, self._journal)

    async def _close(self) -> None:
        """Let go of the store, if it was opened: a run that is cancelled may have come to any point."""
        async with self._lock:
            store, self._store = self._store, None
            if store is not None:
                await self._env.apart(store.close)

    def _context(self, stage: str) -> NodeContext:
        log, meter = NodeLog(self._journal, stage), self._meter(stage)
        return NodeContext(self._env, stage, once=self._settings.once, log=log, metrics=meter)

    def _meter(self, stage: str) -> NodeMeter:
        return self.meters.setdefault(stage, NodeMeter())

    # ── working ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def _work(self, store: Store) -> None:
        settings = self._settings
        crew = Crew()
        ahead = AHEAD if self._space is None else await self._env.apart(self._space.ahead, AHEAD)
        caution = Caution(self._env, store, self.locked, self._journal)
        retrying = Retrying(self._env, store, self.locked, self._journal)
        self._reading = reading = Reading(self._env, crew, self._assembly.flow, caution.compute, store.progress, ahead)
        self._deliveries = deliveries = Deliveries(
            self._env,
            crew,
            store,
            self._lock,
            lambda stage: NodeLog(self._journal, stage),
            timeout=settings.timeout,
            folder=settings.folder,
            most=settings.max_spool,
            meter=self._meter,
            space=self._space,
        )
        try:
            await self._assembly.open(self._context)
            await self.locked(deliveries.look)
            reading.pause(paused=deliveries.full)
            for name, source in self._assembly.sources.items():
                reading.begin(name, source)
            await deliveries.serve(self._assembly.graph)
            self._working.set()
            await crew.until(self._commit_loop(store, reading, deliveries, retrying))
            if settings.once:
                await crew.until(deliveries.drained(lambda: self._stopping))
        finally:
            await to_the_end(self._rest(crew, reading))

    async def _rest(self, crew: Crew, reading: Reading) -> None:
        self._reading = None
        await crew.disband()
        await reading.discard()
        if self._following is not None:
            await self._following.close()
        await self._assembly.close()

    async def _commit_loop(self, store: Store, reading: Reading, deliveries: Deliveries, retrying: Retrying) -> None:
        while True:
            if self._following is not None and not reading.holds(self._assembly.flow):
                await self._turn(store, reading, deliveries, self._following)
            if self._stopping:
                await reading.stop()
            group, effects = await self._group(reading)
            self._failing.heed(effects)
            if not self._stopping:
                effects += await retrying.effects(self._assembly.flow)
            # Asked once: a reader may end while the commit runs, and what it read last is for the next one.
            ended = reading.ended and self._turned.is_set() and (self._stopping or not retrying.left)
            seal: Seal = "" if not ended else "flush" if self._stopping else "all"
            if await self._commit(store, reading, deliveries, group, effects, seal):
                deliveries.wake()
            if ended:
                return
            if reading.paused and self._settings.once and not self._stopping:
                deliveries.check()

    async def _turn(self, store: Store, reading: Reading, deliveries: Deliveries, following: Assembly) -> None:
        """The program that follows takes the place of the one that ran, of which everything has been committed."""
        before = self._assembly
        other = {
            name
            for name, window in before.windows.items()
            if name not in following.windows or following.windows[name].fingerprint != window.fingerprint
        }
        await self._commit(store, reading, deliveries, [], [], "", over=other)
        await self.locked(arrange, store, following, self._journal)
        self._assembly, self._following = following, None
        try:
            for name, source in following.sources.items():
                if before.sources.get(name) is not source:
                    reading.begin(name, source)
            await deliveries.serve(following.graph)
        finally:
            await to_the_end(before.retire(following))
        for stage in self.meters.keys() - following.graph.stages.keys():
            del self.meters[stage]
        self._turned.set()

    async def _group(self, reading: Reading) -> tuple[list[Pending], list[Effects]]:
        """Batches for the next commit: all that comes until it is due."""
        group: list[Pending] = []
        effects: list[Effects] = []
        size = 0
        while size < GROUP:
            due = self._committed_at + PERIOD - self._env.clock.monotonic()
            if group and (due <= 0 or (size >= WORTH and not reading.ready)):
                break
            pending = reading.take(self._assembly.flow)
            if pending is not None:
                group.append(pending)
                effects.append(await effects_of(pending))
                size += pending.size
                continue
            if self._following is not None or (self._turned.is_set() and (reading.ended or self._stopping)):
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
        over: Collection[str] = (),
    ) -> bool:
        """One transaction; all windows of the stages that are `over` are sent. False where there was nothing to do."""
        async with self._lock:
            uncommitted = reading.uncommitted(group)
            now = self._env.clock.now()
            marks = watermarks(
                self._assembly.graph,
                self._assembly.windows,
                store.windows.high,
                effects,
                {name: dict(source.backlog()) for name, source in self._assembly.sources.items()},
                uncommitted,
                reading.activity,
                now=now,
                monotonic=self._env.clock.monotonic(),
            )
            due = store.segments.due(now)
            if not (
                effects or seal or due or over or reading.paused or ripe(self._assembly.windows, store.windows, marks)
            ):
                # A quiet log costs nothing: no thread is woken to find out that there is nothing to do.
                self._committed_at = self._env.clock.monotonic()
                return False
            identity = Identity(self._assembly.graph.name, store.instance, self._env.host)
            changes: Changes = await self._env.apart(
                plan,
                self._assembly.flow,
                store.windows,
                effects,
                marks,
                identity,
                now,
                self._assembly.windows.keys() if seal == "all" else over,
            )
            # What was read of a partition and is not committed yet begins where its stored progress ends.
            forgotten = {
                name: set(source.forgotten()) - uncommitted.get(name, frozenset())
                for name, source in self._assembly.sources.items()
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
                if self._space is not None and changes.advances:
                    self._space.moved(rows=True)
                for name in self._assembly.windows:
                    self._meter(name).gauge("windows.held", len(store.windows.held.get(name, {})))
            await self._env.apart(deliveries.look)
        self._committed_at = self._env.clock.monotonic()
        reading.pause(paused=deliveries.full)
        reading.committed(group)
        self._tell(store, reading, changes, forgotten)
        return True

    def _tell(self, store: Store, reading: Reading, changes: Changes, forgotten: Mapping[str, set[str]]) -> None:
        """Inputs hear what is durable now, and of which partitions nothing is kept any more."""
        progress: dict[str, dict[str, Position]] = {name: {} for name in self._assembly.sources}
        for advance in changes.advances:
            progress[advance.source][advance.partition] = advance.end
        for name, partitions in forgotten.items():
            for partition in partitions - store.progress.get(name, {}).keys():
                reading.activity.forget(name, partition)
                progress[name][partition] = None
        for name, positions in progress.items():
            if positions:
                self._assembly.sources[name].committed(positions)
