"""What came out of a port: a destination in memory that outlives the process, and takes every segment once."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from io import BytesIO

import polars as pl

from pipeline import api
from pipeline.columns.batch import CARRIED
from pipeline.columns.encode.values import Member, lines
from pipeline.columns.types import METADATA, REST, Columns
from pipeline.plan.events import Json
from pipeline.plan.graph import AnyOutput

_LENGTH = struct.Struct("<Q")


@dataclass
class Tap:
    """Events of one port in the order of their delivery. `failing` is until when (µs) nothing is taken."""

    columns: Columns
    frames: list[pl.DataFrame] = field(default_factory=list)
    failing: int = 0
    _known: set[str] = field(default_factory=set)

    def take(self, name: str, data: bytes) -> None:
        """A segment; again under the same name it is the same."""
        if name not in self._known:
            self._known.add(name)
            self.frames += _frames(data)

    @property
    def count(self) -> int:
        return sum(frame.height for frame in self.frames)

    def since(self, start: int) -> list[pl.DataFrame]:
        """The events from a number on."""
        found = []
        for frame in self.frames:
            if start < frame.height:
                found.append(frame.slice(start) if start else frame)
            start = max(0, start - frame.height)
        return found


def events(frame: pl.DataFrame, columns: Columns) -> list[dict[str, Json]]:
    """The rows of a frame with all their metadata and fields, as JSON would have them; nulls are left out."""
    if frame.height == 0:
        return []
    kinds = {**{name: METADATA[name] for name in (*CARRIED, "@error") if name in frame.columns}, **columns.fields}
    members = [Member(name, frame[name], kind) for name, kind in kinds.items() if name in frame.columns]
    rest = frame[REST] if columns.open and REST in frame.columns else None
    return [json.loads(line) for line in lines(members, rest, frame.height).split(b"\n") if line]


class TapOptions(api.Options):
    pass


class Tapped(api.Output[TapOptions]):
    """Delivers to a tap. In the place of another output, `instead`, that one encodes each batch too: what it refuses is
    refused, and its bytes go nowhere."""

    name = "test"
    options_model = TapOptions
    example = ""

    def __init__(self, tap: Tap, instead: AnyOutput | None = None) -> None:
        super().__init__(TapOptions())
        self._tap = tap
        self._instead = instead

    def schema(self, columns: api.Columns) -> None:
        pass

    def guarantee(self) -> tuple[api.Guarantee, str]:
        return "exactly once", "a segment is taken once"

    @property
    def layout(self) -> api.Layout:
        return api.Layout(roll=api.Roll(size=1))

    async def open(self, ctx: api.Context) -> None:
        self._ctx = ctx

    def encode(self, frame: pl.DataFrame) -> bytes:
        if self._instead is not None:
            self._instead.encode(frame)
        buffer = BytesIO()
        frame.rechunk().write_ipc(buffer)
        data = buffer.getvalue()
        return _LENGTH.pack(len(data)) + data

    async def deliver(self, segment: api.Segment) -> api.Result:
        left = self._tap.failing - self._ctx.clock.now()
        if left > 0:
            return api.Result(accepted=False, after=left / 1e6, reason="the test lets it fail")
        self._tap.take(segment.name, segment.read(self._ctx.files))
        return api.Result()


def _frames(data: bytes) -> list[pl.DataFrame]:
    found = []
    at = 0
    while at < len(data):
        (size,) = _LENGTH.unpack_from(data, at)
        at += _LENGTH.size
        found.append(pl.read_ipc(BytesIO(data[at : at + size])))
        at += size
    return found
