"""Defects to plant, one at a time: each is a promise of the engine that somebody could break without noticing.

Where the engine has no such place (it sends no versions and to no indices of its own yet), the defect is planted in what our
test output does with what the engine gives it.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Iterator
from typing import Any

from pipeline_plugins.inputs.file.identity import Mark, Place
from plant import PLANTED, instead, plant, planted
from sinks import Index

from pipeline import api
from pipeline.agent import planning, watermarks
from pipeline.agent.shipping import Shipper
from pipeline.env import real
from pipeline.plan import flow
from pipeline.store import Changes, Sealed, Store, bodies, outbox, segments
from pipeline.store.changes import Advance
from pipeline.store.values import position
from pipeline.store.windows import Windows

# ── durability ───────────────────────────────────────────────────────────────────────────────────────────────────────


@plant("ack before fsync")
def ack_before_fsync() -> Iterator[None]:
    """A commit names bytes of a body that was not synced."""

    def sync(self: bodies.Bodies, segment: Any) -> Any:
        file = self._open.get(segment.id)
        return None if file is None else file.stat()

    with instead(bodies.Bodies, "sync", sync):
        yield


@plant("unlink before commit")
def unlink_before_commit() -> Iterator[None]:
    """The body of a delivered segment is removed before the state forgets the segment."""

    def acknowledge(self: Store, delivered: Any, refused: Any) -> None:
        done = list(delivered)
        for segment in done:
            self.outbox.release(segment.id)
        with self._changing():
            for segment in done:
                self.accounts.acknowledge(segment.id)
                self.outbox.remove(segment.id)

    with instead(Store, "acknowledge", acknowledge):
        yield


@plant("skip dir fsync")
def skip_dir_fsync() -> Iterator[None]:
    """Names of new files are not made durable."""
    with instead(real, "_sync_folder", lambda path: None):
        yield


# ── one transaction ──────────────────────────────────────────────────────────────────────────────────────────────────


@plant("offset without CAS")
def offset_without_cas() -> Iterator[None]:
    """Progress is set, not compared and set."""

    def advance(self: Store, moved: Advance) -> None:
        key, end = (moved.source, moved.partition), position(moved.end)
        self._database.rows("INSERT OR REPLACE INTO progress VALUES (?, ?, ?)", (*key, end))
        self._positions[key] = end
        self.progress.setdefault(moved.source, {})[moved.partition] = moved.end

    with instead(Store, "_advance", advance):
        yield


@plant("memory folded before COMMIT")
def memory_folded_before_commit() -> Iterator[None]:
    """A commit that failed is tried again with a memory that has its changes already, so they are believed to be made."""
    honest, whole = Store._advance, Store.commit

    def advance(self: Store, moved: Advance) -> None:
        if self._positions.get((moved.source, moved.partition)) != position(moved.end):
            honest(self, moved)

    def commit(self: Store, changes: Changes) -> None:
        try:
            whole(self, changes)
        except OSError:
            self._failure = None
            whole(self, changes)

    with instead(Store, "_advance", advance), instead(Store, "commit", commit):
        yield


# ── names and versions ───────────────────────────────────────────────────────────────────────────────────────────────


@plant("random key on retry")
def random_key_on_retry() -> Iterator[None]:
    """Each try has a name of its own."""
    honest = Shipper._segment

    def segment(self: Shipper, sealed: Sealed) -> api.Segment:
        return dataclasses.replace(honest(self, sealed), name=f"{sealed.name}-{self._env.random(4).hex()}")

    with instead(Shipper, "_segment", segment):
        yield


@plant("version without epoch")
def version_without_epoch() -> Iterator[None]:
    """Nearest to it, since versions are revisions that the state keeps: a process begins to count them anew."""
    honest = Windows.load

    def load(self: Windows) -> None:
        honest(self)
        for windows in self.held.values():
            for held in windows.values():
                held.revision = 0

    with instead(Windows, "load", load):
        yield


@plant("409 as error")
def conflict_as_error() -> Iterator[None]:
    """In the test output: a document that is there in this version or a later one is an error, to be tried again."""

    async def deliver(self: Index, segment: api.Segment) -> api.Result:
        data = segment.read(self.ctx.files)
        known = self.remote.documents
        for body in data.decode().splitlines():
            document = json.loads(body)
            if known.get(document["id"], (0, ""))[0] >= document["revision"]:
                return api.Result(accepted=False, reason="409")
        return await self.remote.call(self.ctx, "index", segment, data)

    with instead(Index, "deliver", deliver):
        yield


@plant("seal after first PUT")
def seal_after_first_put() -> Iterator[None]:
    """A segment is sent while it still grows; its name cannot say what will be in it."""
    honest, whole = outbox.Outbox.sealed, Shipper._deliver

    def name(path: str, *, sink: str, instance: str, number: int, sha256: str, extension: str) -> str:
        return f"{path}{instance[:8]}-{sink}-{number:06d}-{extension}"

    def sealed(self: outbox.Outbox, sink: str | None = None) -> list[Sealed]:
        found = honest(self, sink)
        self._database.rows(
            "UPDATE segment SET state = 'sealed', name = '', sha256 = '' WHERE state = 'open' AND place = '.' AND size > 0"
        )
        early = {segment.id for segment in found}
        growing = [segment for segment in honest(self, sink) if segment.id not in early] if sink == "objects" else []
        self._database.rows("UPDATE segment SET state = 'open' WHERE name = ''")
        return found + [
            dataclasses.replace(
                segment,
                name=name(
                    "",
                    sink=segment.sink,
                    instance=_instance(self),
                    number=segment.number,
                    sha256="",
                    extension=".log.zst",
                ),
            )
            for segment in growing
        ]

    async def deliver(self: Shipper, segment: Sealed) -> None:
        if segment.sha256:
            await whole(self, segment)
        else:
            await self._try(segment)

    with (
        instead(outbox.Outbox, "sealed", sealed),
        instead(segments, "delivered", name),
        instead(Shipper, "_deliver", deliver),
    ):
        yield


def _instance(held: outbox.Outbox) -> str:
    return str(held._database.rows("SELECT value FROM meta WHERE name = 'instance'")[0][0])


@plant("index by now()")
def index_by_now() -> Iterator[None]:
    """In the test output: documents go to the index of the hour in which they are sent, not of what they tell of."""

    async def deliver(self: Index, segment: api.Segment) -> api.Result:
        hour = self.ctx.clock.now() // 3_600_000_000
        bodies_ = [json.loads(body) for body in segment.read(self.ctx.files).decode().splitlines()]
        data = "".join(json.dumps({**body, "id": f"{hour}/{body['id']}"}) + "\n" for body in bodies_)
        return await self.remote.call(self.ctx, "index", segment, data.encode())

    with instead(Index, "deliver", deliver):
        yield


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@plant("head hash only")
def head_hash_only() -> Iterator[None]:
    """A file is known by how it begins; the bytes before the offset are not compared."""

    def marks(self: Place, pread: Any) -> tuple[bytes, bytes] | None:
        head = pread(self.head.length, 0)
        tail = pread(self.tail.length, self.offset - self.tail.length)
        return (head, tail) if Mark.of(head) == self.head else None

    with instead(Place, "marks", marks):
        yield


# ── stopping ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@plant("swallow CancelledError")
def swallow_cancelled() -> Iterator[None]:
    """A shipper that is cancelled while it delivers takes that for a failure, and tries again."""
    honest = Shipper._guarded

    async def guarded(self: Shipper, delivery: Any) -> api.Result:
        try:
            return await honest(self, delivery)
        except asyncio.CancelledError:
            return api.Result(accepted=False, reason="cancelled")

    with instead(Shipper, "_guarded", guarded):
        yield


@plant("`finally` that acks")
def finally_that_acks() -> Iterator[None]:
    """However a delivery ends, its segment is forgotten."""
    honest = Shipper._deliver

    async def deliver(self: Shipper, sealed: Sealed) -> None:
        try:
            await honest(self, sealed)
        finally:
            store = self._store
            with store._changing():
                if any(held.id == sealed.id for held in store.outbox.sealed(self._sink)):
                    store.accounts.acknowledge(sealed.id)
                    store.outbox.remove(sealed.id)

    with instead(Shipper, "_deliver", deliver):
        yield


# ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@plant("watermark from a 2099 line")
def watermark_from_2099() -> Iterator[None]:
    """A time far ahead of the clock moves the watermark as far."""
    ahead = 200 * 365 * 86_400 * 1_000_000
    with instead(flow, "LEAD", ahead), instead(watermarks, "LEAD", ahead), instead(planning, "LEAD", ahead):
        yield


@plant("delete evicted part row")
def delete_evicted_part() -> Iterator[None]:
    """A window that was let go is forgotten, so that late events begin it anew under the same name."""
    honest = Windows.apply

    def apply(self: Windows, changes: Changes) -> None:
        honest(self, changes)
        for gone in changes.released:
            self._database.rows(
                "DELETE FROM window WHERE stage = ? AND start = ? AND part = ?", (gone.stage, gone.start, gone.part)
            )

    with instead(Windows, "apply", apply):
        yield


__all__ = ["PLANTED", "planted"]
