"""Shippers: sealed segments to their destinations, one task a sink, in order, for ever.

A segment leaves the store only after its destination has it. A crash in between delivers it again under the same name,
with the same bytes. Another sink never waits for this one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from pipeline.agent.telemetry import NodeLog
from pipeline.api import Result, Segment
from pipeline.env import Env
from pipeline.errors import PipeError
from pipeline.plan.graph import AnyOutput, Stage
from pipeline.store import Kind, Sealed, Store
from pipeline.store.values import parsed

T = TypeVar("T")

LONGEST_WAIT = 60.0
"""Seconds between tries, at most."""


class Shipper:
    """Delivers one sink's segments. `lock` guards the store."""

    def __init__(
        self, env: Env, stage: Stage, output: AnyOutput, store: Store, lock: asyncio.Lock, log: NodeLog
    ) -> None:
        self._env = env
        self._stage = stage
        self._output = output
        self._store = store
        self._lock = lock
        self._log = log
        self._wake = asyncio.Event()
        self.trouble = ""
        """Why the last try failed, while it is being repeated."""

    def wake(self) -> None:
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            self._wake.clear()
            for sealed in await self._locked(self._store.outbox.sealed, self._stage.name):
                await self._deliver(sealed)
            await self._wake.wait()

    async def _deliver(self, sealed: Sealed) -> None:
        wait = 0.5
        while True:
            result = await self._try(sealed)
            if result.accepted:
                break
            if self.trouble != result.reason:
                self._log.warning("delivery failed, trying again", segment=sealed.name, reason=result.reason)
            self.trouble = result.reason
            await self._env.clock.sleep(max(wait, result.after))
            wait = min(wait * 2, LONGEST_WAIT)
        self.trouble = ""
        await self._locked(self._store.acknowledge, [sealed])

    async def _try(self, sealed: Sealed) -> Result:
        try:
            segment = await self._locked(self._segment, sealed)
            if sealed.kind is Kind.WHOLE:
                # Without the lock: a sealed body does not change, and commits go on while it is read and encoded.
                await self._env.run(self._complete, sealed, segment)
                return Result()
            if self._output.layout.in_place:
                told = "it was laid out by another version of this sink; run the program as it was to deliver it"
                return Result(accepted=False, reason=told, after=LONGEST_WAIT)
            return await self._output.deliver(segment)
        except BrokenPipeError:
            raise  # nobody reads our standard output any more: the run is over
        except (OSError, TimeoutError) as error:
            return Result(accepted=False, reason=str(error))
        except PipeError as error:
            return Result(accepted=False, reason=error.message, after=5.0)

    def _complete(self, sealed: Sealed, segment: Segment) -> None:
        """Write a whole file where it belongs."""
        self._env.files.write(sealed.place, self._output.finish(segment.parts(self._env.files), sealed.form))

    def _segment(self, sealed: Sealed) -> Segment:
        ranges = tuple((partition, parsed(a), parsed(b)) for partition, a, b in self._store.outbox.ranges(sealed.id))
        data = self._store.outbox.tail(sealed.id) if sealed.body is None else None
        return Segment(
            sealed.sink,
            sealed.number,
            sealed.path,
            sealed.name,
            sealed.rows,
            sealed.size,
            sealed.sha256,
            ranges,
            sealed.body,
            data,
        )

    async def _locked(self, work: Callable[..., T], *arguments: object) -> T:
        async with self._lock:
            return await self._env.apart(work, *arguments)
