"""After a stop that was not clean: which record ends the process whenever it is computed?

A record can end the process in a way that nothing inside it can catch: a crash in native code, or more memory than there is. The next
process would read it again, and end again. So a run that follows a stop that was not clean begins with caution: batches are
computed one at a time, and the state says which rows are being computed. Rows that were found in the state at a start are
computed in PARTS parts, each for itself, so that a few starts isolate the record. One that ended the process TRIES times while
nothing else was computed becomes a dead letter without being computed.

Caution ends with as many bytes as the earlier run can have read ahead. Each further stop in a row that was not clean makes that
four times as many, in case what ends the process comes later in another order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from hashlib import sha256

import polars as pl

from pipeline.agent.reading import AHEAD, Locked
from pipeline.agent.resolving import Askers, Lane
from pipeline.agent.telemetry import Journal
from pipeline.api import Batch
from pipeline.env import Env
from pipeline.errors import PipeError
from pipeline.plan.effects import Effects
from pipeline.plan.flow import Flow
from pipeline.plan.reentry import condemn, together
from pipeline.store import Attempt, Store

PARTS = 64
"""Parts that suspicious rows are computed in. Each costs a small transaction."""

TRIES = 3
"""How often a single record must have ended the process."""

ENOUGH = 2 * AHEAD
"""Bytes of records that are computed with caution, at first."""


class Caution:
    """Computes batches of a run. `on` while it does so with caution; to be asked again for each batch."""

    def __init__(self, env: Env, store: Store, locked: Locked, journal: Journal, askers: Askers) -> None:
        self._env = env
        self._store = store
        self._locked = locked
        self._journal = journal
        self._askers = askers
        self._turn = asyncio.Lock()
        unclean = store.attempts.unclean
        self.on = unclean > 0 or bool(store.attempts.tries)
        self._left = ENOUGH * 4 ** min(max(0, unclean - 1), 20)

    async def compute(self, flow: Flow, source: str, batch: Batch, now: int, size: int, lane: Lane) -> Effects:
        """The effects of a batch of `size` bytes. Batches are computed in the order in which they are given."""
        if self.on:
            async with self._turn:
                # Those that waited may find that it is over.
                if self.on and batch.frame.height:
                    # It keeps its lane, also while it asks: those that wait for their turn have the others.
                    effects = await self._compute(flow, source, batch, now)
                    await self._spend(size)
                    return effects
        return await self._askers.run(self._env.run, partial(flow.running, source, batch, now), lane)

    async def _spend(self, size: int) -> None:
        self._left -= size
        if self._left <= 0:
            self.on = False
            await self._locked(self._store.calm)

    async def _compute(self, flow: Flow, source: str, batch: Batch, now: int) -> Effects:
        tries = {attempt: tries for attempt, tries in self._store.attempts.tries.items() if attempt.source == source}
        done: dict[int, Effects] = {}
        over: list[Attempt] = []
        # Single records that are suspected come last: who kills at a certain time hits something else then.
        for start, stop, found in sorted(_parts(batch, tries), key=lambda part: part[1] - part[0] == 1):
            part = batch.with_frame(batch.frame[start:stop])
            attempt = Attempt(source, *_keys(part.frame[[0, -1]]))
            if stop - start == 1 and tries.get(attempt, 0) >= TRIES:
                self._journal.say(
                    "error",
                    source,
                    "a record ended the process whenever it was computed, and goes to the dead letters",
                    {"partition": part.frame["@partition"][0], "offset": part.frame["@offset"][0]},
                )
                done[start] = condemn(flow, source, part, now, f"ended the process {tries[attempt]} times")
                done[start].condemned = [attempt.first]
                continue
            # The rows that it is a part of need not be remembered any more.
            over += [found] if found is not None and found != attempt else []
            await self._locked(self._store.attempt, over, attempt)
            over = [attempt]
            try:
                work = partial(flow.running, source, part, now)
                done[start] = await self._askers.run(self._env.run, work)
            except PipeError:
                await self._locked(self._store.attempt, over)
                raise
        if over:
            await self._locked(self._store.attempt, over)
        return together(flow, source, batch, now, [done[start] for start in sorted(done)])


def _parts(batch: Batch, suspects: dict[Attempt, int]) -> Iterator[tuple[int, int, Attempt | None]]:
    """The rows of a batch as ranges that are computed each for itself, with the suspect that a range is of."""
    height = batch.frame.height
    if not suspects:
        yield 0, height, None
        return
    at = 0
    for start, stop, suspect in sorted(_found(_keys(batch.frame), suspects), key=lambda found: found[:2]):
        start = max(start, at)
        if start >= stop:
            continue
        if at < start:
            yield at, start, None
        step = max(1, -(-(stop - start) // PARTS))
        for first in range(start, stop, step):
            yield first, min(first + step, stop), suspect
        at = stop
    if at < height:
        yield at, height, None


def _found(keys: list[str], suspects: dict[Attempt, int]) -> Iterator[tuple[int, int, Attempt]]:
    """Where suspects are in a batch. Its ends need not be where they were: a suspect may be there in part."""
    places = {key: place for place, key in enumerate(keys)}
    for suspect in suspects:
        first, last = places.get(suspect.first), places.get(suspect.last)
        if first is not None or last is not None:
            yield first or 0, len(keys) if last is None else last + 1, suspect


def _keys(frame: pl.DataFrame) -> list[str]:
    """What a record is known by in another life: its offset and its bytes. The name of a partition of which nothing was ever
    committed need not be the same again."""
    pairs = zip(frame["@offset"], frame["@raw"], strict=True)
    return [f"{offset}:{sha256(raw or b'').hexdigest()[:16]}" for offset, raw in pairs]
