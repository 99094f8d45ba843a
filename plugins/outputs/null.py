"""Nowhere."""

from __future__ import annotations

import polars as pl

from pipeline import api


class Options(api.Options):
    """`null` has no options."""


class Null(api.Output[Options]):
    """Counts events and drops them: for measuring, and for ports whose events are not wanted."""

    name = "null"
    options_model = Options
    example = """
source access = generate(count: 100)
sink nowhere = access -> null()
"""

    def schema(self, columns: api.Columns) -> None:
        """Anything can be dropped."""

    def guarantee(self) -> tuple[api.Guarantee, str]:
        return "exactly once", "the count is committed with the progress; the events go nowhere"

    @property
    def layout(self) -> api.Layout:
        return api.Layout()

    def uses(self) -> frozenset[str] | None:
        return frozenset()

    def encode(self, frame: pl.DataFrame) -> bytes:
        return b""

    async def deliver(self, segment: api.Segment) -> api.Result:
        return api.Result()
