"""A destination like an object store: conditional creates, and a writer that it remembers for each state."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from pipeline import api
from pipeline.plan.graph import Graph, Port, Stage
from plugins import Chunks, ChunksOptions


@dataclass
class Bucket:
    """What survives of the agents that write to it. It takes nothing while the clock says less than `opens`."""

    opens: float = 0.0
    objects: dict[str, bytes] = field(default_factory=dict)
    order: dict[str, int] = field(default_factory=dict)
    writers: dict[str, api.Writer] = field(default_factory=dict)
    claims: int = 0

    def create(self, name: str, number: int, data: bytes) -> None:
        """Create an object unless it exists. The same name is the same bytes."""
        assert self.objects.setdefault(name, data) == data
        self.order[name] = number

    def claim(self, writer: api.Writer) -> api.Writer:
        self.claims += 1
        held = self.writers.get(writer.instance)
        if held is None or held.epoch < writer.epoch:
            held = self.writers[writer.instance] = writer
        return held

    @property
    def received(self) -> bytes:
        """All bytes, in the order of their numbers."""
        return b"".join(self.objects[name] for name in sorted(self.order, key=lambda name: self.order[name]))


class NoOptions(api.Options):
    """None."""


class Objects(api.Output[NoOptions]):
    """Records in objects of `size` bytes."""

    name = "objects"
    options_model = NoOptions
    example = ""

    def __init__(self, bucket: Bucket, size: int = 1) -> None:
        super().__init__(NoOptions())
        self.bucket = bucket
        self.size = size

    def schema(self, columns: api.Columns) -> None:
        pass

    def guarantee(self) -> tuple[api.Guarantee, str]:
        return "exactly once", "names and bytes are fixed"

    @property
    def layout(self) -> api.Layout:
        return api.Layout(roll=api.Roll(size=self.size))

    async def open(self, ctx: api.Context) -> None:
        self._ctx = ctx

    def encode(self, frame: pl.DataFrame) -> bytes:
        return b"".join(record + b"\n" for record in frame["@raw"])

    async def fence(self, writer: api.Writer) -> api.Writer:
        self._check()
        return self.bucket.claim(writer)

    async def deliver(self, segment: api.Segment) -> api.Result:
        self._check()
        self.bucket.create(segment.name, segment.number, segment.read(self._ctx.files))
        return api.Result()

    def _check(self) -> None:
        if self._ctx.clock.monotonic() < self.bucket.opens:
            raise TimeoutError("closed")


def graph(path: str, output: api.Output[Any], *, chunk: int = 512, pause: float = 0.3) -> Graph:
    """`source log = chunks(path)  sink away = log -> output`."""
    source = Chunks(ChunksOptions(path=path, chunk=chunk, pause=pause))
    log = Stage("log", "source", input=source, plugin="chunks", columns={"": api.Columns({})})
    sink = Stage("away", "sink", upstream=(Port("log"),), output=output, plugin=output.name)
    return Graph("away.pipe", {"log": log, "away": sink}, frozenset({Port("log")}))
