"""How long it was quiet before an event."""

from __future__ import annotations

import polars as pl
from pipeline import api


class Options(api.Options):
    into: api.NewName = api.option("The field for the time since the event before.", default="gap")


class Gap(api.Fold[Options, int | None], api=1):
    """Adds the time since the event before in the same partition; null for the first. It is negative where events are late."""

    name = "gap"
    options_model = Options
    example = """
source access = generate(count: 100)
transform paced = access | gap()
sink out = paced -> console()
"""

    def schema(self, columns: api.Columns) -> api.Columns:
        return columns.with_field((self.options.into,), api.DURATION)

    def empty(self) -> int | None:
        return None

    def step(self, state: int | None, batch: api.Batch, now: int) -> tuple[int | None, api.Batch]:
        times = batch.frame["@timestamp"]
        before = times.shift(1)
        if state is not None and times.len():
            before = before.fill_null(pl.Series([state]).cast(times.dtype)[0])
        gap = (times - before).cast(api.dtype(api.DURATION)).alias(self.options.into)
        return int(times.to_physical()[-1]) if times.len() else state, batch.with_columns(gap)

    def dump(self, state: int | None) -> bytes:
        return b"" if state is None else str(state).encode()

    def load(self, data: bytes, version: int) -> int | None:
        if version != self.state_version:
            raise ValueError(f"version {version}")
        return int(data) if data else None
