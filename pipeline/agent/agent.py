"""The agent: a program, running.

    readers ──batches──▶ flow (worker threads) ──effects──▶ one commit at a time ──sealed segments──▶ shippers
       ▲ waiting travels back                                     │ acks travel back
       └──────────────────────────────────────────────────────────┘

After any failure of the store everything in memory is worthless: the agent stops, and a new one starts from the disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pipeline.agent.assembly import Assembly
from pipeline.agent.caution import Caution
from pipeline.agent.committing import Committer, Pace
from pipeline.agent.context import NodeContext
from pipeline.agent.deliveries import Deliveries
from pipeline.agent.failing import Failing
from pipeline.agent.failures import translated
from pipeline.agent.listening import Listeners
from pipeline.agent.opening import arrange, check_ends, check_kinds, check_names, check_stages
from pipeline.agent.planning import due_at
from pipeline.agent.reading import AHEAD, Reading
from pipeline.agent.report import Report
from pipeline.agent.resolving import Askers
from pipeline.agent.retrying import Retrying
from pipeline.agent.space import Space
from pipeline.agent.supervision import Crew, to_the_end
from pipeline.agent.telemetry import Journal, NodeLog, NodeMeter, PluginMeter
from pipeline.columns.panics import DEFECTS
from pipeline.env import Env
from pipeline.errors import InternalError, PipeError
from pipeline.plan.graph import Graph
from pipeline.store import Knew, Seal, Store

T = TypeVar("T")


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
    pace: Pace = field(default_factory=Pace)


class Agent:
    """Runs one graph on one state directory, once. Make a new agent for every run. With a `space`, reading waits for it.

    `before` is what an agent `knew` that failed in this process, and that this one follows."""

    def __init__(
        self,
        env: Env,
        graph: Graph,
        settings: Settings,
        journal: Journal,
        space: Space | None = None,
        before: Knew | None = None,
    ) -> None:
        self._env = env
        self._askers = Askers()
        self._assembly = Assembly(graph, env.host, self._askers)
        self._following: Assembly | None = None
        self._settings = settings
        self._journal = journal
        self._space = space
        self.knew = before
        """Once it has ended: what an agent that follows this one in the same process is to know."""
        self._failing = Failing(journal)
        self._lock = asyncio.Lock()
        self._stopping = False
        self._working = asyncio.Event()
        self._turned = asyncio.Event()
        self._turned.set()
        self._store: Store | None = None
        self._reading: Reading | None = None
        self._deliveries: Deliveries | None = None
        self.started = asyncio.Event()
        """Set once the store is open."""
        self.report = Report()
        self.listeners = Listeners()
        """Those who ask for the records that are read."""

    def stop(self) -> None:
        """Ask for a clean stop: nothing more is read, what was read is committed. Safe in a signal handler of the loop."""
        self._stopping = True
        if self._reading is not None:
            self._reading.wake()
        if self._deliveries is not None:
            self._deliveries.wake()

    def look(self) -> float | None:
        """Look at what time alone has changed, without waiting for the next time that this is done. Gives when (monotonic
        seconds) a window will be due if nothing more is read; None for never. In the loop's thread, while no commit runs."""
        if self._reading is None or self._store is None:
            return None
        self._reading.wake()
        return due_at(
            self._assembly.graph,
            self._assembly.windows,
            self._store.windows,
            self._reading.activity,
            self._env.clock.monotonic(),
        )

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

    async def reload(self, graph: Graph) -> bool:
        """Go on with this program: what was read until now is computed by the old one, what is read from now on by the new one.

        Nothing stands still meanwhile, and sources and sinks that are the same in both stay open. Windows that mean
        something else in the new program are sent as they are, and folds let go of what they hold. Waits until the agent works, and then until the new program
        runs, which takes a commit. False where the agent stops or ends before: the state is still that of the old program.
        Raises PipeError when a plugin cannot be opened, and the old program goes on. One call at a time."""
        await self._working.wait()
        await self._turned.wait()
        following = Assembly(graph, self._env.host, self._askers, self._assembly)
        if self._settings.once:
            check_ends(following.sources)
        if self._store is not None:
            check_kinds(self._assembly.sources, following.sources, self._store.progress)
            check_stages(self._assembly.graph, graph)
            await self.locked(check_names, self._store, graph)
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
            return False
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
        await self._turned.wait()
        return self._assembly is following

    @property
    def meters(self) -> Mapping[str, NodeMeter]:
        """The figures of each stage of the program that runs."""
        return self._assembly.meters

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
        self._store = Store.open(
            self._env, settings.folder, program=settings.program, base=settings.base, before=self.knew
        )
        arrange(self._store, self._assembly, self._journal)

    async def _close(self) -> None:
        """Let go of the store, if it was opened: a run that is cancelled may have come to any point."""
        async with self._lock:
            store, self._store = self._store, None
            if store is not None:
                self.knew = store.attempts.knew
                await self._env.apart(store.close)

    def _context(self, stage: str, meter: PluginMeter) -> NodeContext:
        return NodeContext(self._env, stage, self._journal, once=self._settings.once, metrics=meter)

    # ── working ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def _work(self, store: Store) -> None:
        settings = self._settings
        crew = Crew()
        ahead = AHEAD if self._space is None else await self._env.apart(self._space.ahead, AHEAD)
        caution = Caution(self._env, store, self.locked, self._journal, self._askers)
        retrying = Retrying(self._env, store, self.locked, self._journal, self._askers)
        self._reading = reading = Reading(
            self._env,
            crew,
            self._assembly.flow,
            caution.compute,
            store.progress,
            ahead,
            self.listeners,
            once=settings.once,
        )
        self._deliveries = deliveries = Deliveries(
            self._env,
            crew,
            store,
            self._lock,
            lambda stage: NodeLog(self._journal, stage),
            timeout=settings.timeout,
            folder=settings.folder,
            most=settings.max_spool,
            space=self._space,
        )
        committer = Committer(
            self._env,
            store,
            self._lock,
            reading,
            deliveries,
            self._journal,
            self._askers,
            report=self.report,
            heed=self._failing.heed,
            space=self._space,
        )
        committer.pace = settings.pace
        try:
            await self._assembly.open(self._context)
            await self.locked(deliveries.look)
            reading.pause(paused=deliveries.full)
            for name, source in self._assembly.sources.items():
                reading.begin(name, source)
            await deliveries.serve(self._assembly)
            self._working.set()
            await crew.until(self._commit_loop(committer, reading, deliveries, retrying))
            if settings.once:
                await crew.until(deliveries.drained(lambda: self._stopping))
        finally:
            await to_the_end(self._rest(crew, reading))

    async def _rest(self, crew: Crew, reading: Reading) -> None:
        self._reading = None
        # A program that has not taken over by now never will.
        self._turned.set()
        await crew.disband()
        await reading.discard()
        if self._following is not None:
            await self._following.close()
        await self._assembly.close()

    async def _commit_loop(
        self, committer: Committer, reading: Reading, deliveries: Deliveries, retrying: Retrying
    ) -> None:
        while True:
            if self._following is not None and not reading.holds(self._assembly.flow):
                await self._turn(committer, reading, deliveries, self._following)
            if self._stopping:
                await reading.stop()
            group, effects = await committer.group(self._assembly, self._over)
            if not self._stopping:
                effects += await retrying.effects(self._assembly.flow)
            # Asked once: a reader may end while the commit runs, and what it read last is for the next one.
            ended = reading.ended and self._turned.is_set() and (self._stopping or not retrying.left)
            seal: Seal = "" if not ended else "flush" if self._stopping else "all"
            if await committer.commit(self._assembly, group, effects, seal):
                deliveries.wake()
            if ended:
                return
            if reading.paused and self._settings.once and not self._stopping:
                deliveries.check()

    def _over(self) -> bool:
        """Whether there is nothing more to wait for: another program is to take over, or the input has ended."""
        if self._following is not None:
            return True
        return self._turned.is_set() and (self._stopping or (self._reading is not None and self._reading.ended))

    async def _turn(self, committer: Committer, reading: Reading, deliveries: Deliveries, following: Assembly) -> None:
        """The program that follows takes the place of the one that ran, of which everything has been committed."""
        before = self._assembly
        other = {
            name
            for name, window in before.windows.items()
            if name not in following.windows or following.windows[name].fingerprint != window.fingerprint
        }
        await committer.commit(before, [], [], "", other, before.ending(following))
        await self.locked(arrange, self.store, following, self._journal)
        self._assembly, self._following = following, None
        try:
            for name, source in following.sources.items():
                if before.sources.get(name) is not source:
                    reading.begin(name, source)
            await deliveries.serve(following)
        finally:
            await to_the_end(before.retire(following))
        self._turned.set()
