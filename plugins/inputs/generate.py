"""Input `generate`: realistic web traffic out of nothing, for trials, tests and measurements."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import ClassVar

import polars as pl

from pipeline import api
from pipeline.api import option
from pipeline.api.records import records
from pipeline.api.traffic import FormatName, Traffic
from pipeline.api.world import Files

_BLOCK = 16_384
"""Most lines of one batch, about 4 MiB."""
_TICK = 0.5
"""Seconds between batches at a given rate."""
_EVENT_RATE = 10_000.0
"""Lines per second of event time when no rate is given."""


class Options(api.Options):
    rate: float | None = option("Lines per second; as fast as they are taken when left out.", default=None, gt=0)
    count: int | None = option("How many lines; endless when left out.", default=None, ge=0)
    seed: int = option("The same seed makes the same traffic.", default=1)
    format: FormatName = option(
        "`combined` (nginx's predefined log format) or `json` (one object a line).", default="combined"
    )
    late: float = option("Share of lines whose stamp is up to 5 s too early.", default=0.0, ge=0, le=1)
    garbage: float = option("Share of lines that are not of the format.", default=0.0002, ge=0, le=1)


class Generate(api.Input[Options]):
    """Makes an access log of a web shop: sessions, bots, errors, outages, scans, a little garbage.

    Every line is a function of the seed and its number, so a restart goes on with the next line. With `rate` lines come
    at that pace, stamped with the time at which they come; after a stop the pace goes on, without the lines of the pause.
    Without `rate` the stamps run at 10,000 lines a second; with `count` the last of them is now. `@offset` is the number
    of the line, from 0.
    """

    name: ClassVar[str] = "generate"
    options_model = Options
    example: ClassVar[str] = """
        source traffic = generate(count: 100)
        sink shown = traffic -> console()
    """

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._partition: str | None = None
        self._behind = 0

    @property
    def finite(self) -> bool:  # type: ignore[override]  # it depends on the options
        return self.options.count is not None

    def schema(self) -> api.Columns:
        return api.Columns({})

    async def open(self, ctx: api.Context) -> None:
        self._ctx = ctx

    async def read(self, progress: Mapping[str, api.Position]) -> AsyncIterator[api.Batch]:
        rate, clock = self.options.rate or _EVENT_RATE, self._ctx.clock
        partition, position = next(iter(progress.items()), (self._ctx.unique(), None))
        line, start = _parse(position)
        if start is None:
            start = clock.now()
            if self.options.rate is None:
                start -= round((self.options.count or 0) / rate * 1_000_000)
        elif self.options.rate is not None:
            start = clock.now() - round(line / rate * 1_000_000)
        traffic = await self._ctx.run(self._traffic, start, rate)
        self._partition = partition
        first, began = line, clock.monotonic()
        end = self.options.count
        while end is None or line < end:
            due = line + _BLOCK
            if self.options.rate is not None:
                due = first + int((clock.monotonic() - began) * rate)
            due = due if end is None else min(due, end)
            self._behind = due - line if self.options.rate is not None else 1 if end is None else end - line
            if due == line:
                await clock.sleep(min(_TICK, 1 / rate))
                continue
            count = min(due - line, _BLOCK)
            chunk = await self._ctx.run(traffic.lines, line, count)
            raw, _, _ = records(chunk, 0)
            numbers = pl.Series("@offset", pl.int_range(line, line + count, eager=True), dtype=pl.Int64)
            line += count
            before, position = position, {"line": line, "start": start}
            self._behind = max(0, self._behind - count)
            yield api.lines(raw, numbers, partition=partition, start=before, end=position)
            if count < _BLOCK and line != end:
                # What came due while the batch was made would be a batch of a few lines, and so on without rest.
                await clock.sleep(_TICK)
        self._partition = None

    def recall(
        self, files: Files, position: api.Position, spans: Sequence[tuple[int, int]]
    ) -> Iterator[tuple[pl.Series, pl.Series]]:
        _, start = _parse(position)
        if start is None or self.options.rate is not None:
            return super().recall(files, position, spans)
        return self._again(self._traffic(start, _EVENT_RATE), spans)

    def _again(self, traffic: Traffic, spans: Sequence[tuple[int, int]]) -> Iterator[tuple[pl.Series, pl.Series]]:
        for first, last in spans:
            raw, _, _ = records(traffic.lines(first, last + 1 - first), 0)
            yield raw, pl.int_range(first, last + 1, eager=True).alias("@offset")

    def backlog(self) -> Mapping[str, int]:
        """Lines that are due and not given."""
        return {} if self._partition is None else {self._partition: self._behind}

    def _traffic(self, start: int, rate: float) -> Traffic:
        options = self.options
        return Traffic(options.seed, start, rate, options.format, garbage=options.garbage, late=options.late)


def _parse(position: api.Position) -> tuple[int, int | None]:
    """The next line and the time of line 0 (µs)."""
    if not isinstance(position, dict):
        return 0, None
    line, start = position.get("line"), position.get("start")
    return (line, start) if isinstance(line, int) and isinstance(start, int) else (0, None)
