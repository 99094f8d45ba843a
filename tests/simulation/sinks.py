"""Outputs on the real contract, to the simulated sinks; the engine's own shippers deliver them."""

from __future__ import annotations

from typing import ClassVar

import polars as pl
from remote import Remote

from pipeline import api
from pipeline.api import formats


class Options(api.Options):
    size: api.Size = api.option("Bytes of records at which a segment ends.", default=1)


class _Away(api.Output[Options]):
    options_model = Options
    example = ""
    remote: ClassVar[Remote]

    def schema(self, columns: api.Columns) -> None:
        self.columns = columns

    def guarantee(self) -> tuple[api.Guarantee, str]:
        return "exactly once", "names, bytes and versions are fixed by what was committed"

    async def open(self, ctx: api.Context) -> None:
        self.ctx = ctx


class Store(_Away):
    """Raw records, compressed, as objects that are created once."""

    name = "store"

    @property
    def layout(self) -> api.Layout:
        return api.Layout(roll=api.Roll(size=self.options.size), compression="zstd", extension=".log", exact=True)

    def encode(self, frame: pl.DataFrame) -> bytes:
        return formats.raw(frame)

    async def deliver(self, segment: api.Segment) -> api.Result:
        data = segment.read(self.ctx.files)
        return await self.remote.call(self.ctx, "store", segment, data)


class Index(_Away):
    """Facts as documents; the revision of a fact is its version."""

    name = "index"

    @property
    def layout(self) -> api.Layout:
        return api.Layout(roll=api.Roll(size=self.options.size), extension=".ndjson")

    def encode(self, frame: pl.DataFrame) -> bytes:
        return formats.ndjson(frame, self.columns, [])

    async def deliver(self, segment: api.Segment) -> api.Result:
        data = segment.read(self.ctx.files)
        return await self.remote.call(self.ctx, "index", segment, data)
