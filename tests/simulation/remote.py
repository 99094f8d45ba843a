"""Sinks elsewhere: a store of objects that are created once, and an index whose documents have versions.

They survive every crash of ours. What becomes of a call is its fate; requests may stay under way and arrive after later ones.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from pipeline import api
from pipeline.testing.calls import current

Fate = Literal["ok", "lost", "refused", "broken", "late", "twice", "slow"]
"""Taken; taken, but the reply is lost; refused; the connection breaks before; the reply is lost and the request arrives after later
ones; taken, and arrives once more after later ones; taken after half a minute."""

FATES: tuple[Fate, ...] = ("ok", "lost", "refused", "broken", "late", "twice", "slow")


class ViolationError(AssertionError):
    """An invariant does not hold."""


@dataclass
class Remote:
    """What others hold for us. `fate` says what becomes of the n-th call."""

    fate: Callable[[int], Fate] = lambda call: "ok"
    objects: dict[str, bytes] = field(default_factory=dict)
    ranges: dict[str, tuple[tuple[str, api.Position, api.Position], ...]] = field(default_factory=dict)
    documents: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Id → revision and body."""
    bodies: dict[tuple[str, int], str] = field(default_factory=dict)
    sent: dict[str, int] = field(default_factory=dict)
    """Id → the highest revision that was sent."""
    calls: int = 0
    version: int = 0
    under_way: list[tuple[int, str, api.Segment, bytes]] = field(default_factory=list)
    stale: int = 0
    """Documents that came after a later version of them."""
    again: int = 0
    """Objects that came again."""
    broken: str = ""
    """What we broke here first: the engine takes what an output raises for a failed delivery, so it is kept."""
    stutter: bool = False
    """Whether the input is to give its next batch twice."""

    def fork(self) -> Remote:
        return Remote(
            self.fate, dict(self.objects), dict(self.ranges), dict(self.documents), dict(self.bodies), dict(self.sent),
            self.calls, self.version, list(self.under_way), self.stale, self.again, self.broken, self.stutter,
        )  # fmt: skip

    async def call(self, ctx: api.Context, to: str, segment: api.Segment, data: bytes) -> api.Result:
        """One request, as its sender sees it."""
        self.calls += 1
        fate = self.fate(self.calls)
        current().point(f"before {to} {segment.name}")
        self.arrive(self.calls)
        if to == "index":
            self._monotone(data)
        if fate == "refused":
            return api.Result(accepted=False, after=1.0, reason="503")
        if fate == "broken":
            raise ConnectionError("the connection broke")
        if fate == "slow":
            await ctx.clock.sleep(30.0)
        if fate in ("late", "twice"):
            self.under_way.append((self.calls + 3, to, segment, data))
        if fate != "late":
            self.take(to, segment, data)
            current().point(f"after {to} {segment.name}")
        if fate in ("lost", "late"):
            raise TimeoutError("no reply")
        return api.Result()

    def _break(self, what: str) -> None:
        self.broken = self.broken or what
        raise ViolationError(what)

    def arrive(self, calls: float) -> None:
        """What was under way since so many calls comes in."""
        due = [late for late in self.under_way if late[0] <= calls]
        self.under_way = [late for late in self.under_way if late[0] > calls]
        for _, to, segment, data in due:
            self.take(to, segment, data)

    def take(self, to: str, segment: api.Segment, data: bytes) -> None:
        self.version += 1
        if to == "store":
            if self.objects.setdefault(segment.name, data) != data:
                self._break(f"I5: {segment.name} again, with other bytes")
            self.again += segment.name in self.ranges
            self.ranges[segment.name] = segment.ranges
            return
        for body in data.decode().splitlines():
            document = json.loads(body)
            self.index(document["id"], document["revision"], body)

    def index(self, id: str, version: int, body: str) -> bool:
        """Take a document unless there is a version as high: what a search server calls external versions."""
        if self.bodies.setdefault((id, version), body) != body:
            self._break(f"I5: {id} version {version} again, with another body")
        if id in self.documents and self.documents[id][0] >= version:
            self.stale += 1
            return False
        self.documents[id] = (version, body)
        return True

    def _monotone(self, data: bytes) -> None:
        for body in data.decode().splitlines():
            document = json.loads(body)
            if document["revision"] < self.sent.get(document["id"], 0):
                self._break(f"I6: {document['id']} was sent as a later version before")
            self.sent[document["id"]] = document["revision"]
