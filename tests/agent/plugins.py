"""The smallest input and output that the agent can run: a file in chunks, records to a file in place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path

import polars as pl

from pipeline import api


class ChunksOptions(api.Options):
    path: str = api.option("The file.")
    chunk: int = api.option("Bytes to read at once.", default=512)
    pause: float = api.option("Seconds between chunks.", default=0.3)


class Chunks(api.Input[ChunksOptions]):
    """Complete lines of one file that does not change, a chunk at a time."""

    name = "chunks"
    options_model = ChunksOptions
    example = ""

    async def open(self, ctx: api.Context) -> None:
        self._ctx = ctx
        self._left = 1

    def schema(self) -> api.Columns:
        return api.Columns({})

    def backlog(self) -> Mapping[str, int]:
        return {"p": self._left} if self._left else {}

    async def read(self, progress: Mapping[str, api.Position]) -> AsyncIterator[api.Batch]:
        file = self._ctx.files.read(Path(self.options.path))
        try:
            stored = progress.get("p")
            at = stored if isinstance(stored, int) else 0
            before: api.Position = stored
            size = file.stat().size
            while at < size:
                data = await self._ctx.run(file.pread, self.options.chunk, at)
                data = data[: data.rindex(b"\n") + 1]
                records = data[:-1].split(b"\n")
                offsets, offset = [], at
                for record in records:
                    offsets.append(offset)
                    offset += len(record) + 1
                at += len(data)
                self._left = size - at
                yield api.lines(records, pl.Series(offsets, dtype=pl.Int64), partition="p", start=before, end=at)
                before = at
                await self._ctx.clock.sleep(self.options.pause)
        finally:
            file.close()


class RecordsOptions(api.Options):
    path: str = api.option("The file.")
    compression: str = api.option("none or zstd.", default="none")


class Records(api.Output[RecordsOptions]):
    """`@raw` and a newline, appended in place."""

    name = "records"
    options_model = RecordsOptions
    example = ""

    def schema(self, columns: api.Columns) -> None:
        pass

    def guarantee(self) -> tuple[api.Guarantee, str]:
        return "exactly once", "bytes are cut back to what was committed"

    @property
    def layout(self) -> api.Layout:
        template = api.Template((self.options.path,), self.options.path)
        compression = "zstd" if self.options.compression == "zstd" else "none"
        return api.Layout(path=template, in_place=True, compression=compression, exact=True)

    def encode(self, frame: pl.DataFrame) -> bytes:
        return b"".join(record + b"\n" for record in frame["@raw"])

    async def deliver(self, segment: api.Segment) -> api.Result:
        raise AssertionError("in place")


class ParcelsOptions(api.Options):
    closed: float = api.option("Seconds from the first try in which the destination takes nothing.", default=0.0)


class Parcels(api.Output[ParcelsOptions]):
    """Segments of a few records, sent to a destination in memory."""

    name = "parcels"
    options_model = ParcelsOptions
    example = ""

    def __init__(self, options: ParcelsOptions) -> None:
        super().__init__(options)
        self.received = b""
        self._opens: float | None = None

    def schema(self, columns: api.Columns) -> None:
        pass

    def guarantee(self) -> tuple[api.Guarantee, str]:
        return "at least once", "it is a test"

    @property
    def layout(self) -> api.Layout:
        return api.Layout(roll=api.Roll(size=1))

    async def open(self, ctx: api.Context) -> None:
        self._ctx = ctx

    def encode(self, frame: pl.DataFrame) -> bytes:
        return b"".join(record + b"\n" for record in frame["@raw"])

    async def deliver(self, segment: api.Segment) -> api.Result:
        now = self._ctx.clock.monotonic()
        self._opens = now + self.options.closed if self._opens is None else self._opens
        if now < self._opens:
            return api.Result(accepted=False, reason="closed")
        assert segment.data is not None
        self.received += segment.data
        return api.Result()


class Moody(Parcels):
    """Parcels that answer as they are told: `answer` gives a Result for a segment, or raises."""

    name = "moody"

    def __init__(self, answer: Callable[[api.Segment], api.Result]) -> None:
        super().__init__(ParcelsOptions())
        self.answer = answer

    async def deliver(self, segment: api.Segment) -> api.Result:
        result = self.answer(segment)
        if result.accepted:
            self.received += segment.data or b""
        return result


class Whole(Parcels):
    """All records in one file, put in place at the end; `finished` says what becomes of them."""

    name = "whole"

    def __init__(self, path: str, finished: Callable[[bytes], bytes]) -> None:
        super().__init__(ParcelsOptions())
        self.path = path
        self.finished = finished

    @property
    def layout(self) -> api.Layout:
        return api.Layout(path=api.Template((self.path,), self.path), in_place=True, whole=True)

    def finish(self, spooled: Iterable[bytes], form: str) -> Iterator[bytes]:
        yield self.finished(b"".join(spooled))


class Given(api.Input[ChunksOptions]):
    """Batches as they are given: (partition, from, to, records)."""

    name = "given"
    options_model = ChunksOptions
    example = ""

    def __init__(
        self, *batches: tuple[str, api.Position, api.Position, list[bytes]], past: Collection[str] = ()
    ) -> None:
        super().__init__(ChunksOptions(path=""))
        self.batches = batches
        self.past = set(past)
        self.told: list[Mapping[str, api.Position]] = []

    def schema(self) -> api.Columns:
        return api.Columns({})

    async def read(self, progress: Mapping[str, api.Position]) -> AsyncIterator[api.Batch]:
        for partition, start, end, records in self.batches:
            offsets = pl.Series(range(len(records)), dtype=pl.Int64)
            yield api.lines(records, offsets, partition=partition, start=start, end=end)

    def forgotten(self) -> Collection[str]:
        return self.past

    def committed(self, progress: Mapping[str, api.Position]) -> None:
        self.told.append(dict(progress))
        self.past -= {partition for partition, position in progress.items() if position is None}
