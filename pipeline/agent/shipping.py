"""Shippers: sealed segments to their destinations, one task a sink, in order, for ever.

A segment leaves the store only after its destination has it. A crash in between delivers it again under the same name,
with the same bytes. Another sink never waits for this one.

A destination that does not answer is asked again, and the segments behind wait. A segment that cannot be delivered as
things are (its output fails on it, its bytes are not those that were committed) is set aside: it stays in the store, is tried
again every ASIDE seconds and at every start, and those behind it go on. The state says which are damaged, and how. Events
that a destination refuses become dead letters in the transaction that acknowledges the others (`refusals`).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from pipeline.agent.fencing import TAKEN, Fence
from pipeline.agent.refusals import buried
from pipeline.agent.supervision import within
from pipeline.agent.telemetry import NodeLog, NodeMeter
from pipeline.api import Result, Segment
from pipeline.columns.panics import DEFECTS
from pipeline.env import Env
from pipeline.errors import BrokenDiskError, InternalError, StateError, TemporaryError
from pipeline.plan.graph import AnyOutput
from pipeline.store import Buried, Kind, Sealed, Store
from pipeline.store.values import parsed

T = TypeVar("T")

LONGEST_WAIT = 60.0
"""Seconds between tries, at most, where the destination asks for no more; `_pause` adds a little."""

ASIDE = 600.0
"""Seconds between tries of a segment that was set aside."""


class _UndeliverableError(Exception):
    """This segment, and not its destination, is in the way: another try would end the same."""


class _DamagedError(_UndeliverableError):
    """Its bytes are not those that were committed."""


@dataclass(frozen=True)
class _Aside:
    """Why a segment was set aside, and when (monotonic seconds) it is tried again."""

    reason: str
    again: float


class Shipper:
    """Delivers one sink's segments. `lock` guards the store; `claimed` has the sinks whose destination this life has had
    (`Fence`); `acknowledged` is called after each segment that left the store."""

    def __init__(
        self,
        env: Env,
        sink: str,
        output: AnyOutput,
        store: Store,
        lock: asyncio.Lock,
        claimed: set[str],
        log: NodeLog,
        meter: NodeMeter,
        acknowledged: Callable[[], None],
    ) -> None:
        self._env = env
        self._sink = sink
        self.output = output
        self._store = store
        self._lock = lock
        self._log = log
        self._meter = meter
        self._acknowledged = acknowledged
        self._fence = Fence(sink, output, lambda: store.writer, claimed, log, meter)
        self._wake = asyncio.Event()
        self._aside: dict[int, _Aside] = {}
        self._trouble = ""

    @property
    def trouble(self) -> str:
        """Why the last try failed while it is being repeated, or why a segment was set aside."""
        return (TAKEN if self._fence.lost else self._trouble) or next(
            (aside.reason for aside in self._aside.values()), ""
        )

    def wake(self) -> None:
        """There may be something to deliver."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled. Raises BrokenPipeError when standard output was closed, BrokenDiskError, StateError."""
        while True:
            self._wake.clear()
            for sealed in await self._locked(self._store.outbox.sealed, self._sink):
                aside = self._aside.get(sealed.id)
                if not self._fence.lost and (aside is None or aside.again <= self._env.clock.monotonic()):
                    await self._deliver(sealed)
            if self._aside and not self._fence.lost:
                again = min(aside.again for aside in self._aside.values())
                await within(self._env.clock, self._wake, max(0.0, again - self._env.clock.monotonic()))
            else:
                await self._wake.wait()

    async def _deliver(self, sealed: Sealed) -> None:
        """Until the destination has the segment, or it is set aside."""
        wait = 0.5
        while True:
            try:
                result, refused = await self._try(sealed)
            except _UndeliverableError as error:
                self._trouble = ""
                if isinstance(error, _DamagedError) and sealed.held != str(error):
                    await self._locked(self._store.hold, sealed.id, str(error))
                self._set_aside(sealed, str(error))
                return
            if self._fence.lost:
                return
            if self._fence.behind is not None:
                await self._locked(self._store.rise, self._fence.behind)
                continue
            if result.accepted:
                break
            if self._trouble != result.reason:
                self._log.warning("delivery failed, trying again", segment=sealed.name, reason=result.reason)
            self._trouble = result.reason
            await self._env.clock.sleep(max(self._pause(wait), result.after))
            wait = min(wait * 2, LONGEST_WAIT)
        self._trouble = ""
        await self._locked(self._store.acknowledge, [sealed], refused)
        self._tell(sealed, result)
        self._aside.pop(sealed.id, None)
        self._acknowledged()

    def _pause(self, seconds: float) -> float:
        """So many seconds, or up to a quarter more: those who lost a destination at once do not come back at once."""
        return seconds * (1 + int.from_bytes(self._env.random(4), "big") / (1 << 34))

    def _tell(self, sealed: Sealed, result: Result) -> None:
        """Say what was refused of a delivered segment."""
        if result.refused:
            first = result.refused[0]
            told = "the destination refuses events, which are dead letters now; the others are there"
            self._meter.count("refused", len(result.refused))
            self._log.error(
                told, segment=sealed.name, rows=len(result.refused), reason=first.reason, detail=first.detail
            )

    def _set_aside(self, sealed: Sealed, reason: str) -> None:
        if sealed.id not in self._aside:
            told = "a segment cannot be delivered and is set aside; those behind it go on, it is tried again later"
            self._log.error(told, segment=sealed.name, reason=reason)
        self._aside[sealed.id] = _Aside(reason, self._env.clock.monotonic() + ASIDE)

    async def _try(self, sealed: Sealed) -> tuple[Result, list[Buried]]:
        """What became of the segment, and the dead letters of what was refused of it. Raises _UndeliverableError, and what
        ends the run."""
        segment = await self._locked(self._segment, sealed)
        if sealed.kind is Kind.WHOLE:
            # Without the lock: a sealed body does not change, and commits go on while it is read and encoded.
            return await self._guarded(lambda: self._env.run(self._complete, sealed, segment)), []
        if self.output.layout.in_place:
            raise _UndeliverableError(
                "it was laid out by another version of this sink; run the program as it was to deliver it"
            )
        await self._env.run(self._check, sealed, segment)
        result = await self._guarded(lambda: self._send(segment))
        if not (result.accepted and result.refused):
            return result, []
        try:
            return result, await self._env.run(buried, self.output, segment, result.refused, self._env.files)
        except DEFECTS as error:
            raise self._failed(error) from error

    def _failed(self, error: BaseException) -> _UndeliverableError:
        told = " ".join(str(error).split()) or "no message"
        return _UndeliverableError(f"{self.output.name} failed: {type(error).__name__}: {told}")

    async def _send(self, segment: Segment) -> Result:
        if not await self._fence.holds():
            return Result(accepted=False, reason=TAKEN)
        return await self.output.deliver(segment)

    def _check(self, sealed: Sealed, segment: Segment) -> None:
        """Read all bytes. Raises _DamagedError where they are not those that were committed."""
        for _ in self._intact(sealed, segment):
            pass

    async def _guarded(self, delivery: Callable[[], Awaitable[object]]) -> Result:
        """The output's own part of a delivery, whatever it raises."""
        try:
            result = await delivery()
        except (BrokenPipeError, BrokenDiskError, StateError, _UndeliverableError):
            # Nobody reads our standard output any more, or the disk or the state can no longer be trusted: the run is over.
            raise
        except (OSError, TimeoutError, TemporaryError) as error:
            return Result(accepted=False, reason=str(error))
        except DEFECTS as error:
            raise self._failed(error) from error
        if not isinstance(result, Result):
            raise _UndeliverableError(f"{self.output.name} failed: deliver gave {type(result).__name__}, not a Result")
        return result

    def _complete(self, sealed: Sealed, segment: Segment) -> Result:
        """Write a whole file where it belongs. One whose bytes turn out to be damaged never gets its name."""
        try:
            self._env.files.write(sealed.place, self.output.finish(self._intact(sealed, segment), sealed.form))
        except (OSError, _UndeliverableError):
            raise
        except DEFECTS:
            # An output may fail on damaged bytes before it has read them all.
            self._check(sealed, segment)
            raise
        return Result()

    def _intact(self, sealed: Sealed, segment: Segment) -> Iterator[bytes]:
        """The bytes of a segment, in parts; after the last one they are known to be those that were committed."""
        digest = hashlib.sha256()
        try:
            for part in segment.parts(self._env.files):
                digest.update(part)
                yield part
        except (OSError, InternalError) as error:
            raise _DamagedError(f"its bytes cannot be read: {error}") from error
        if digest.hexdigest() != sealed.sha256:
            where = segment.file or "the state database"
            raise _DamagedError(
                f"its {segment.size:,} bytes in {where} are not those that were committed (sha256 differs)"
            )

    def _segment(self, sealed: Sealed) -> Segment:
        ranges = tuple(
            (partition, parsed(a, partition), parsed(b, partition))
            for partition, a, b in self._store.outbox.ranges(sealed.id)
        )
        data = self._store.outbox.tail(sealed.id) if sealed.body is None else None
        return Segment(
            sealed.sink,
            sealed.number,
            path=sealed.path,
            name=sealed.name,
            rows=sealed.rows,
            size=sealed.size,
            sha256=sealed.sha256,
            ranges=ranges,
            file=sealed.body,
            data=data,
            form=sealed.form,
        )

    async def _locked(self, work: Callable[..., T], *arguments: object) -> T:
        async with self._lock:
            return await self._env.apart(work, *arguments)
