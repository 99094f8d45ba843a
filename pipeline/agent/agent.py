"""The agent: a program, running.

    readers ──batches──▶ flow (worker threads) ──effects──▶ one commit at a time ──sealed segments──▶ shippers
       ▲ waiting travels back                                     │ acks travel back
       └──────────────────────────────────────────────────────────┘

One group of batches is committed while the next is computed. A commit covers what came in within PERIOD or GROUP bytes.
After any failure of the store everything in memory is worthless: the agent stops, and a new one starts from the disk.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pipeline.agent.context import NodeContext
from pipeline.agent.lifecycle import opened
from pipeline.agent.planning import Identity, plan, ripe
from pipeline.agent.reading import Pending, Reading, effects_of
from pipeline.agent.shipping import Shipper
from pipeline.agent.telemetry import Journal, NodeLog, NodeMeter
from pipeline.agent.watermarks import watermark
from pipeline.api import Position, Window
from pipeline.env import Env
from pipeline.errors import ConfigurationError, DiskFullError, InternalError, PipeError, TemporaryError
from pipeline.plan.effects import Effects
from pipeline.plan.flow import Flow
from pipeline.plan.graph import Graph
from pipeline.store import SEGMENTS_AHEAD, Changes, Seal, Store, kind_of

T = TypeVar("T")

PERIOD = 1.0
"""Seconds between commits under a steady load."""

GROUP = 16 << 20
"""Bytes of records that make a commit due at once."""


@dataclass
class Settings:
    """How a program is run. `program` is its path, remembered by the state in `folder`; relative outputs start at `base`."""

    program: str
    folder: Path
    base: Path
    once: bool = False
    timeout: float = 60.0
    """Seconds that `once` waits for deliveries at the end."""


@dataclass
class Report:
    """What the state has seen since it began. `counts`: (stage, outcome) → rows; `sent`: windows sent by this run."""

    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    sent: dict[str, int] = field(default_factory=dict)
    commits: int = 0


class Agent:
    """Runs one graph on one state directory, once. Make a new agent for every run."""

    def __init__(self, env: Env, graph: Graph, settings: Settings, journal: Journal) -> None:
        self._env = env
        self._graph = graph
        self._settings = settings
        self._journal = journal
        self._flow = Flow(graph, env.host)
        self._lock = asyncio.Lock()
        self._stopping = False
        self._store: Store | None = None
        self._reading: Reading | None = None
        self._shippers: dict[str, Shipper] = {}
        self._committed_at = float("-inf")
        self.meters: dict[str, NodeMeter] = {}
        self.report = Report()

    def stop(self) -> None:
        """Ask for a clean stop: nothing more is read, what was read is committed. Safe in a signal handler of the loop."""
        self._stopping = True
        if self._reading is not None:
            self._reading.wake()

    async def run(self) -> None:
        """Run until stopped, or to the end of all inputs with `once`.

        Raises PipeError: StateError, NoInputError, ConfigurationError while opening; DiskFullError; TemporaryError when
        `once` could not deliver everything in time; InternalError. BrokenPipeError when standard output was
        closed. What was committed before is safe."""
        try:
            self._store = store = await self._env.apart(self._open)
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
            raise _translated(error) from error

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
        if settings.once:
            for stage in self._graph.sources:
                if stage.input is not None and not stage.input.finite:
                    raise ConfigurationError(
                        f"source {stage.name} has no end, so it cannot be read with --once",
                        "Run without --once, or bound the input.",
                    )
        store = Store.open(self._env, settings.folder, program=settings.program, base=settings.base)
        try:
            layouts = {stage.name: stage.output.layout for stage in self._graph.sinks if stage.output is not None}
            store.arrange(layouts, {name: window.fingerprint for name, window in self._windows().items()})
        except BaseException:
            store.close()
            raise
        for sink in sorted(set(store.contents.waiting()) - {stage.name for stage in self._graph.sinks}):
            self._journal.say("warning", sink, "segments wait for a sink that is not in the program any more", {})
        for name, count in store.dropped.items():
            told = "the window is another one now: open windows of the old one were dropped"
            self._journal.say("warning", name, told, {"windows": count})
        for shortage in store.shortages:
            fields = {"path": shortage.path, "missing_bytes": shortage.missing}
            self._journal.say("warning", "", "a local output is shorter than what was committed to it", fields)
        return store

    def _windows(self) -> dict[str, Window]:  # type: ignore[type-arg]  # of any options
        found = {}
        for stage in self._graph.windows:
            if stage.window is not None and isinstance(stage.window.plugin, Window):
                found[stage.name] = stage.window.plugin
        return found

    def _context(self, stage: str) -> NodeContext:
        meter = self.meters.setdefault(stage, NodeMeter())
        return NodeContext(
            self._env,
            stage,
            once=self._settings.once,
            log=NodeLog(self._journal, stage),
            metrics=meter,
        )

    # ── working ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def _work(self, store: Store) -> None:
        self._reading = reading = Reading(self._env, self._flow, store.progress)
        waiting = await self.locked(store.contents.waiting)
        for stage in self._graph.sinks:
            if stage.output is not None and (stage.name in waiting or kind_of(stage.output.layout).delivered):
                log = NodeLog(self._journal, stage.name)
                self._shippers[stage.name] = Shipper(self._env, stage, stage.output, store, self._lock, log)
        readers: list[asyncio.Future[None]] = [
            asyncio.ensure_future(reading.read(stage, stage.input))
            for stage in self._graph.sources
            if stage.input is not None
        ]
        reading.running = len(readers)
        shippers: list[asyncio.Future[None]] = [
            asyncio.ensure_future(shipper.run()) for shipper in self._shippers.values()
        ]
        commits: asyncio.Future[None] = asyncio.ensure_future(self._commit_loop(store, reading, readers))
        tasks = [commits, *readers, *shippers]
        try:
            await _first_failure(commits, [*readers, *shippers])
            if self._settings.once and not self._stopping:
                drain = asyncio.ensure_future(self._drain(store))
                tasks.append(drain)
                await _first_failure(drain, shippers)
        finally:
            await _cancel(tasks)
            await reading.discard()

    async def _commit_loop(self, store: Store, reading: Reading, readers: list[asyncio.Future[None]]) -> None:
        while True:
            if self._stopping:
                await _cancel(readers)
                reading.cancelled()
            group, effects = await self._group(reading)
            # Asked once: a reader may end while the commit runs, and what it read last is for the next one.
            ended = reading.ended
            seal: Seal = "" if not ended else "flush" if self._stopping else "all"
            await self._commit(store, reading, group, effects, seal)
            if ended:
                return

    async def _group(self, reading: Reading) -> tuple[list[Pending], list[Effects]]:
        """Batches for the next commit: all that comes until it is due."""
        group: list[Pending] = []
        effects: list[Effects] = []
        size = 0
        while size < GROUP:
            due = self._committed_at + PERIOD - self._env.clock.monotonic()
            if group and due <= 0:
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
        self, store: Store, reading: Reading, group: list[Pending], effects: list[Effects], seal: Seal
    ) -> None:
        async with self._lock:
            marks = self._watermarks(store, reading, group, effects)
            identity = Identity(self._graph.name, store.instance, self._env.host)
            now = self._env.clock.now()
            due = store.segments.due(now)
            if not (group or seal or due or reading.paused or ripe(self._windows(), store.windows, marks)):
                # A quiet log costs nothing: no thread is woken to find out that there is nothing to do.
                self._committed_at = self._env.clock.monotonic()
                return
            changes: Changes = await self._env.apart(
                plan, self._flow, store.windows, effects, marks, identity, now, seal == "all"
            )
            changes.forgotten = self._forgotten(store)
            changes.seal = seal
            if not changes.empty or due:
                await self._env.apart(store.commit, changes)
                self.report.commits += 1
                for sent in changes.sent:
                    self.report.sent[sent.stage] = self.report.sent.get(sent.stage, 0) + 1
            waiting = await self._env.apart(self._waiting, store)
        self._committed_at = self._env.clock.monotonic()
        reading.committed(group)
        reading.pause(paused=any(size > SEGMENTS_AHEAD for size in waiting.values()))
        for shipper in self._shippers.values():
            shipper.wake()
        progress: dict[str, dict[str, Position]] = {}
        for advance in changes.advances:
            progress.setdefault(advance.source, {})[advance.partition] = advance.end
        for name, positions in progress.items():
            source = self._graph.stages[name].input
            if source is not None:
                source.committed(positions)

    def _forgotten(self, store: Store) -> list[tuple[str, str]]:
        found = []
        for stage in self._graph.sources:
            known = store.progress.get(stage.name, {})
            if stage.input is not None:
                found += [(stage.name, partition) for partition in stage.input.forgotten() if partition in known]
        return found

    def _watermarks(
        self, store: Store, reading: Reading, group: list[Pending], effects: list[Effects]
    ) -> dict[str, int]:
        """The watermark of each window stage, once this group is committed."""
        uncommitted = reading.uncommitted(group)
        found = {}
        for name, window in self._windows().items():
            high = dict(store.windows.high.get(name, {}))
            for effect in effects:
                for partition, mark in effect.high.get(name, {}).items():
                    high[partition] = max(mark, high.get(partition, mark))
            backlogs = {}
            for source in self._graph.sources_of(name):
                plugin = self._graph.stages[source].input
                backlogs[source] = dict(plugin.backlog()) if plugin is not None else {}
            reached = watermark(
                high=high,
                backlogs=backlogs,
                computing=uncommitted,
                activity=reading.activity,
                idle=window.idle,
                now=self._env.clock.now(),
                monotonic=self._env.clock.monotonic(),
            )
            if reached is not None:
                found[name] = reached
        return found

    def _waiting(self, store: Store) -> dict[str, int]:
        """Bytes that wait for the shippers of this program."""
        return (
            {sink: size for sink, size in store.contents.waiting().items() if sink in self._shippers}
            if self._shippers
            else {}
        )

    async def _drain(self, store: Store) -> None:
        """Wait until everything sealed is delivered, the time for it is over, or a stop is asked for."""
        deadline = self._env.clock.monotonic() + self._settings.timeout
        while (waiting := await self.locked(self._waiting, store)) and not self._stopping:
            if self._env.clock.monotonic() >= deadline:
                reasons = {name: shipper.trouble for name, shipper in self._shippers.items() if shipper.trouble}
                told = "; ".join(f"{name}: {reasons.get(name, 'not delivered in time')}" for name in sorted(waiting))
                raise TemporaryError(
                    f"not everything was delivered in {self._settings.timeout:g} s: {told}",
                    f"Nothing is lost: it waits in {self._settings.folder}. Run again to deliver it.",
                )
            await self._env.clock.sleep(0.02)


async def _first_failure(until: asyncio.Future[None], others: list[asyncio.Future[None]]) -> None:
    """Wait for `until`; raise the first error of any of the tasks."""
    running = {until, *others}
    while not until.done():
        done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error
    until.result()


async def _cancel(tasks: list[asyncio.Future[None]]) -> None:
    """Cancel all and wait for them. Their errors are not raised: the first one is already on its way."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


_UNUSABLE = (
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.ENXIO,
    errno.EINVAL,
    errno.EEXIST,
)
"""Errors of a path that no retry heals."""


def _translated(error: OSError) -> PipeError:
    """What an operating system's error means for the person who runs pipe."""
    where = f"{error.filename}: " if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFullError(
            f"{where}no space left on the disk",
            "Nothing is lost: free some space and start again; it goes on where it was.",
        )
    if error.errno in _UNUSABLE:
        return ConfigurationError(f"{where}{error.strerror}", "Check the path, its owner and its permissions.")
    return InternalError(
        f"{where}{error.strerror or error}", "Nothing that was committed is lost; start again when the cause is gone."
    )
