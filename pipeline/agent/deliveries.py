"""All deliveries of a program: its shippers, what waits for them, and how long a finite run waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from pipeline.agent.assembly import Assembly
from pipeline.agent.shipping import Shipper
from pipeline.agent.space import Space
from pipeline.agent.supervision import Crew, Task, cancel, within
from pipeline.agent.telemetry import NodeLog
from pipeline.env import Env
from pipeline.errors import TemporaryError
from pipeline.store import SEGMENTS_AHEAD, Store, kind_of


class Deliveries:
    """The shippers of a program, each a task of the crew. `lock` guards the store; `timeout` (seconds) and `folder`, where the
    state is, are those of the run, and so are `space` and the `most` bytes that may wait."""

    def __init__(
        self,
        env: Env,
        crew: Crew,
        store: Store,
        lock: asyncio.Lock,
        log: Callable[[str], NodeLog],
        *,
        timeout: float,
        folder: Path,
        most: int | None,
        space: Space | None,
    ) -> None:
        self._env = env
        self._crew = crew
        self._store = store
        self._lock = lock
        self._log = log
        self._timeout = timeout
        self._folder = folder
        self._most = most
        self._space = space
        self._changed = asyncio.Event()
        self._waiting: dict[str, int] = {}
        self._moved = env.clock.monotonic()
        self._shippers: dict[str, Shipper] = {}
        self._tasks: dict[str, Task] = {}
        self._claimed: set[str] = set()

    async def serve(self, assembly: Assembly) -> None:
        """Deliver for this program from now on: for its sinks whose segments are delivered, and for those with segments from an
        earlier program. A shipper whose output stays goes on; one that ends leaves what it was at to the next."""
        async with self._lock:
            waiting = await self._env.apart(self._store.contents.waiting)
        outputs = {
            stage.name: stage.output
            for stage in assembly.graph.sinks
            if stage.output is not None and (stage.name in waiting or kind_of(stage.output.layout).delivered)
        }
        over = [name for name, shipper in self._shippers.items() if shipper.output is not outputs.get(name)]
        await cancel([self._tasks.pop(name) for name in over])
        for name in over:
            del self._shippers[name]
        for name, output in outputs.items():
            if name not in self._shippers:
                shipper = Shipper(
                    self._env,
                    name,
                    output,
                    self._store,
                    self._lock,
                    self._claimed,
                    self._log(name),
                    assembly.meters[name],
                    self._acknowledged,
                )
                self._shippers[name] = shipper
                self._tasks[name] = self._crew.start(shipper.run())

    def wake(self) -> None:
        """There may be more to deliver, or a stop is asked for."""
        self._changed.set()
        for shipper in self._shippers.values():
            shipper.wake()

    def look(self) -> None:
        """Find out what waits, and whether there is space. Blocks for a query: in the store's thread, under the lock."""
        found = self._store.contents.waiting() if self._shippers else {}
        self._waiting = {sink: size for sink, size in found.items() if sink in self._shippers}
        if self._space is not None:
            self._space.look()
        if not self._crowded:
            self._moved = self._env.clock.monotonic()

    @property
    def full(self) -> bool:
        """Whether at the last look so much waited, or so little space was left, that reading must stop."""
        return self._crowded or (self._space is not None and self._space.lack != "")

    @property
    def troubles(self) -> dict[str, str]:
        """The sinks with something that cannot be delivered now, and why."""
        return {name: shipper.trouble for name, shipper in self._shippers.items() if shipper.trouble}

    @property
    def _crowded(self) -> bool:
        if self._most is None:
            return any(size > SEGMENTS_AHEAD for size in self._waiting.values())
        return sum(self._waiting.values()) > self._most

    def check(self) -> None:
        """While reading stands still: raises DiskFullError or TemporaryError when nothing was delivered for the time of the run."""
        if self._space is not None:
            self._space.check(self._timeout)
        if self._crowded and self._env.clock.monotonic() - self._moved >= self._timeout:
            raise self._late()

    async def drained(self, stopping: Callable[[], bool]) -> None:
        """Wait until everything sealed is delivered, or a stop is asked for. Raises TemporaryError when the time is over."""
        deadline = self._env.clock.monotonic() + self._timeout
        while not stopping():
            self._changed.clear()
            async with self._lock:
                await self._env.apart(self.look)
            if not self._waiting:
                return
            left = deadline - self._env.clock.monotonic()
            if left <= 0:
                raise self._late()
            await within(self._env.clock, self._changed, left)

    def _acknowledged(self) -> None:
        self._moved = self._env.clock.monotonic()
        if self._space is not None:
            self._space.moved()
        self._changed.set()

    def _late(self) -> TemporaryError:
        reasons = {name: self._shippers[name].trouble or "not delivered in time" for name in sorted(self._waiting)}
        told = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
        return TemporaryError(
            f"not everything was delivered in {self._timeout:g} s: {told}",
            f"Nothing is lost: it waits in {self._folder}. Run again to deliver it.",
        )
