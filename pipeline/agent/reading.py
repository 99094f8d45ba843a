"""Readers: batches of all sources, in order, computed ahead of the commit.

Each source has a task that reads; each batch is handed at once to a worker thread that runs the flow. Results are taken
in the order of reading, so rows of a partition stay in order. At most AHEAD bytes of records, or as many as a small disk takes, are between
reading and commit: beyond that, reading waits.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from pipeline.agent.listening import Listeners
from pipeline.agent.precedence import Precedence
from pipeline.agent.resolving import Lane
from pipeline.agent.supervision import Crew, Task, cancel, within
from pipeline.agent.watermarks import Activity
from pipeline.api import Batch, Position
from pipeline.columns.panics import DEFECTS
from pipeline.env import Env
from pipeline.errors import ConfigurationError, InternalError, PipeError
from pipeline.plan.effects import Effects
from pipeline.plan.flow import Flow
from pipeline.plan.graph import AnyInput

AHEAD = 24 << 20
"""Bytes of records that may be read but not committed."""

LANES = 2
"""Batches that are computed at once. Commits and reading go on beside them; more lanes would only cost memory."""


T = TypeVar("T")


class Locked(Protocol):
    """Runs work on the store in its thread while nobody else uses it."""

    def __call__(self, work: Callable[..., T], /, *arguments: object) -> Awaitable[T]: ...


class Compute(Protocol):
    """Gives what a flow makes of a batch of a source that has so many bytes, read at `now` (µs), in a lane that it may leave."""

    def __call__(
        self, flow: Flow, source: str, batch: Batch, now: int, size: int, lane: Lane
    ) -> Awaitable[Effects]: ...


@dataclass
class Pending:
    """A batch that was read and is being computed, by this flow."""

    flow: Flow
    source: str
    partitions: frozenset[str]
    size: int
    effects: asyncio.Future[Effects]

    @property
    def ripe(self) -> bool:
        """Whether it can be waited for: one that may have to wait for others is done."""
        return self.effects.done() or not self.flow.asks


class Reading:
    """The readers of all sources, and the queue of what they read."""

    def __init__(
        self,
        env: Env,
        crew: Crew,
        flow: Flow,
        compute: Compute,
        progress: Mapping[str, Mapping[str, Position]],
        ahead: int = AHEAD,
        listeners: Listeners | None = None,
        *,
        once: bool = False,
    ) -> None:
        self._env = env
        self._crew = crew
        self.flow = flow
        """What computes the batches that are read from now on."""
        self._run = compute
        self._progress = progress
        self._ahead = ahead
        self._listeners = listeners
        self._queue: deque[Pending] = deque()
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._size = 0
        self._lanes = asyncio.Semaphore(LANES)
        self.paused = False
        """Reading stands still until the outbox has room again."""
        self._readers: dict[str, Task] = {}
        """Those that have not come to their end. One that failed never does: its error ends the agent."""
        self.activity = Activity(env.clock.monotonic())
        self._computing: Counter[tuple[str, str]] = Counter()
        self._precedence = Precedence(env.clock, once=once)

    def begin(self, name: str, source: AnyInput) -> None:
        """Read the source of that name from its progress on, until it ends or is stopped. What is there of tables is read before the
        first batch of other sources is taken."""
        self._precedence.begin(name, source)
        self._readers[name] = self._crew.start(self._read(name, source))

    async def stop(self, names: Iterable[str] | None = None) -> None:
        """Stop the readers of these sources, or all. What is queued of them is the rest."""
        stopped = [
            self._readers.pop(name) for name in list(self._readers if names is None else names) if name in self._readers
        ]
        await cancel(stopped)
        self._changed.set()

    async def _read(self, name: str, source: AnyInput) -> None:
        batches = source.read(dict(self._progress.get(name, {})))
        first = True
        try:
            async for batch in batches:
                self._check(name, source, batch)
                # From here on it is unread data to the watermark, also while it waits for room.
                self._computing.update((name, partition) for partition in batch.span)
                self._precedence.hold(name, held=True)
                try:
                    if first and name not in self.flow.graph.known_first:
                        await self._precedence.wait(self.flow.graph.known_first)
                    first = False
                    await self._room.wait()
                except asyncio.CancelledError:
                    self._computing.subtract((name, partition) for partition in batch.span)
                    raise
                finally:
                    self._precedence.hold(name, held=False)
                self._take(name, batch)
        finally:
            self._precedence.end(name)
            if isinstance(batches, AsyncGenerator):
                await batches.aclose()
        del self._readers[name]
        self._changed.set()

    def _check(self, name: str, source: AnyInput, batch: Batch) -> None:
        """States and accounts are kept under the names of partitions: two sources must not share one."""
        for partition in batch.span:
            for other in {*self._progress, *self.flow.order} - {name}:
                if partition in self._progress.get(other, {}) or self._computing[other, partition] > 0:
                    gone = other not in self.flow.order
                    raise ConfigurationError(
                        f"source {name} reads a partition that source {other} {'read before' if gone else 'reads, too'}: "
                        f"{partition[:80]!r}",
                        f"Give the source the name {other} again, or start with another --state."
                        if gone
                        else f"Partitions are told apart by their names. This is a defect of the input {source.name}, or both "
                        "sources read the same: then use one of them twice.",
                    )

    def _take(self, source: str, batch: Batch) -> None:
        size = int(batch.frame["@raw"].bin.size().sum() or 0) + 64 * batch.frame.height
        if batch.frame.height:
            for partition in batch.span:
                self.activity.saw(source, partition, self._env.clock.monotonic())
            if self._listeners is not None:
                self._listeners.hear(source, batch.frame)
        partitions = frozenset(batch.span)
        effects = asyncio.ensure_future(self._compute(self.flow, source, batch, self._env.clock.now(), size))
        if self.flow.asks:
            effects.add_done_callback(lambda _: self.wake())
        self._queue.append(Pending(self.flow, source, partitions, size, effects))
        self._size += size
        self._room_or_wait()
        self._changed.set()

    async def _compute(self, flow: Flow, source: str, batch: Batch, now: int, size: int) -> Effects:
        async with self._lanes:
            return await self._run(flow, source, batch, now, size, Way(self._lanes))

    def take(self, flow: Flow) -> Pending | None:
        """The oldest batch that is not taken yet, if this flow computes it; batches of other sources pass one that waits for
        answers. Its bytes count as read ahead until `committed`."""
        found = self._next(flow)
        if found is not None:
            self._queue.remove(found)
        return found

    def _next(self, flow: Flow) -> Pending | None:
        waiting: set[str] = set()
        for pending in self._queue:
            if pending.flow is not flow:
                break
            if pending.source in waiting:
                continue
            if pending.ripe:
                return pending
            waiting.add(pending.source)
        return None

    def holds(self, flow: Flow) -> bool:
        """Whether the oldest batch that is not taken yet is computed by this flow."""
        return bool(self._queue) and self._queue[0].flow is flow

    async def wait(self, seconds: float) -> None:
        """Wait until there is something to take, a reader ended, or the time is over."""
        if self.takeable:
            return
        self._changed.clear()
        await within(self._env.clock, self._changed, seconds)

    def wake(self) -> None:
        self._changed.set()

    def committed(self, group: list[Pending]) -> None:
        """These batches are durable."""
        self._size -= sum(pending.size for pending in group)
        for pending in group:
            self._computing.subtract((pending.source, partition) for partition in pending.partitions)
        self._computing = +self._computing
        self._room_or_wait()

    async def discard(self) -> None:
        """The run is over: let what is still computed come to its end, and forget it."""
        await asyncio.gather(*(pending.effects for pending in self._queue), return_exceptions=True)
        self._queue.clear()

    def pause(self, *, paused: bool) -> None:
        """Stop reading while a sink's outbox is full."""
        self.paused = paused
        self._room_or_wait()

    def uncommitted(self, group: list[Pending]) -> dict[str, frozenset[str]]:
        """Source → partitions with rows that were read but are not in this group."""
        left = self._computing.copy()
        for pending in group:
            left.subtract((pending.source, partition) for partition in pending.partitions)
        found: dict[str, set[str]] = {}
        for (source, partition), count in left.items():
            if count > 0:
                found.setdefault(source, set()).add(partition)
        return {source: frozenset(partitions) for source, partitions in found.items()}

    @property
    def ready(self) -> bool:
        """Whether the batch that is taken next has been computed."""
        pending = self._next(self._queue[0].flow) if self._queue else None
        return pending is not None and pending.effects.done()

    @property
    def takeable(self) -> bool:
        """Whether there is a batch to take."""
        return bool(self._queue) and self._next(self._queue[0].flow) is not None

    @property
    def ended(self) -> bool:
        """Every reader has ended and everything was taken."""
        return not self._readers and not self._queue

    def _room_or_wait(self) -> None:
        if self._size < self._ahead and not self.paused:
            self._room.set()
        else:
            self._room.clear()


class Way(Lane):
    """One of the lanes."""

    def __init__(self, lanes: asyncio.Semaphore) -> None:
        self._lanes = lanes

    @asynccontextmanager
    async def left(self) -> AsyncIterator[None]:
        self._lanes.release()
        try:
            yield
        finally:
            await self._lanes.acquire()


async def effects_of(pending: Pending) -> Effects:
    """The result of the computation. A plugin that raises is a defect of the plugin: InternalError."""
    try:
        return await pending.effects
    except (OSError, MemoryError, PipeError):
        raise
    except DEFECTS as error:
        told = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InternalError(
            f"a filter or output failed on a batch of source {pending.source} ({', '.join(sorted(pending.partitions))}): {told}",
            "This is a defect of a plugin. Nothing was lost: the batch is not committed and will be read again.",
        ) from error
