"""Dead letters that are put in again: what comes of them is committed together with their going.

A letter re-enters at the stage that rejected it, so that no other branch of the program sees it twice; one of a source re-enters
there, and an event that a destination refused in a new segment of its sink. A few are taken at a time. The state says which, before they are computed: if one ends the process, the next run tries
them one by one, and leaves that one where it is.
"""

from __future__ import annotations

from functools import partial

import polars as pl

from pipeline.agent import refusals
from pipeline.agent.folding import tables
from pipeline.agent.letters import rows
from pipeline.agent.reading import Locked
from pipeline.agent.resolving import Askers, Patience
from pipeline.agent.telemetry import Journal
from pipeline.env import Env
from pipeline.errors import PipeError
from pipeline.plan.effects import Effects
from pipeline.plan.flow import Flow
from pipeline.plan.lineage import apart
from pipeline.plan.reentry import again, closed
from pipeline.store import Burial, Letter, Store

MOST = 500
"""Letters that are computed at once."""

ENOUGH = 16 << 20
"""Bytes of records after which no more burials are begun at once: letters may be large."""


class Retrying:
    """The marked dead letters of a store."""

    def __init__(self, env: Env, store: Store, locked: Locked, journal: Journal, askers: Askers) -> None:
        self._env = env
        self._askers = askers
        self._store = store
        self._locked = locked
        self._journal = journal
        for id, row in store.spared:
            told = "a dead letter ended the process when it was put in again, and stays where it is"
            journal.say("error", "", told, {"id": f"{id}.{row}"})

    @property
    def left(self) -> bool:
        """Whether there are more to take."""
        return self._store.letters.waiting > 0

    async def effects(self, flow: Flow) -> list[Effects]:
        """What a flow makes of the next ones. It is to be committed next, or the run to end."""
        found: list[Effects] = []
        patience: Patience = {}
        if self.left:
            taken = await self._locked(self._store.amend, lambda letters: letters.take(MOST))
            size = 0
            while taken and size < ENOUGH:
                burial, some = taken.pop(0)
                frame = rows(burial).with_row_index("@row")[some]
                size += int(frame["@raw"].bin.size().sum() or 0)
                found += await self._again(flow, burial, frame, patience)
            if taken:
                later = [(burial.id, row) for burial, some in taken for row in some]
                await self._locked(self._store.amend, lambda letters: letters.put_off(later))
        return found

    async def _again(self, flow: Flow, burial: Burial, frame: pl.DataFrame, patience: Patience) -> list[Effects]:
        if refusals.refused(frame):
            why = refusals.closed(flow, burial.stage, frame)
            if why:
                await self._spare(burial, frame, why)
                return []
            effects = refusals.again(burial.stage, frame)
            effects.letters, effects.tries = _ids(burial, frame), burial.tries + 1
            return [effects]
        found = []
        for _, part in frame.group_by("@source", pl.col("@error").struct.field("filter"), maintain_order=True):
            source = str(part["@source"][0])
            why = closed(flow, burial.stage, source, part)
            if why:
                await self._spare(burial, part, why)
            else:
                found += [await self._tried(flow, burial, source, some, patience) for some in apart(part)]
        return found

    async def _spare(self, burial: Burial, rows: pl.DataFrame, why: str) -> None:
        told = "dead letters cannot be put in again and stay where they are"
        self._journal.say("warning", burial.stage, told, {"rows": rows.height, "reason": why})
        await self._locked(self._store.amend, lambda store: store.spare(_ids(burial, rows)))

    async def _tried(self, flow: Flow, burial: Burial, source: str, part: pl.DataFrame, patience: Patience) -> Effects:
        letters = _ids(burial, part)
        try:
            known = await self._locked(tables, flow.graph, self._store.folds)
            work = partial(again, flow, burial.stage, source, part.drop("@row"), known)
            effects = await self._askers.run(self._env.run, work, patience=patience)
        except PipeError:
            # The next run would end in the same way, and so on, and nobody could take them back.
            told = "dead letters ended the run when they were put in again, and stay where they are"
            self._journal.say("error", burial.stage, told, {"rows": len(letters)})
            await self._locked(self._store.amend, lambda store: store.spare(letters))
            raise
        unclear = pl.Series(effects.unclear or [False] * part.height, dtype=pl.Boolean)
        if unclear.any():
            why = "their records come to the stage on several ways, and not as the same row: it may be the other one that was rejected"
            await self._spare(burial, part.filter(unclear), why)
        effects.letters, effects.tries = _ids(burial, part.filter(~unclear)), burial.tries + 1
        return effects


def _ids(burial: Burial, rows: pl.DataFrame) -> list[Letter]:
    return [(burial.id, row) for row in rows["@row"]]
