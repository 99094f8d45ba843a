"""Input `stdin`: lines from standard input, to its end."""

from __future__ import annotations

import io
import select
import sys
from collections.abc import AsyncIterator, Collection, Mapping
from typing import ClassVar

from pipeline import api
from pipeline.api.records import LONGEST, open_record, records

_CHUNK = 4 * 1024 * 1024
_READ = 1024 * 1024
_PATIENCE = 0.2
"""Seconds a worker thread waits for input, so that a stop is never held up by a silent terminal."""
_COLLECT = 1.0
"""Seconds after which what came is passed on, even if more is coming."""


class Options(api.Options):
    codec: api.Decoder | None = api.option(
        "How records are written: `json`, `syslog`, `csv(['a', 'b'])`, …. Their fields are then those of the events, and records that "
        "cannot be decoded are in the source's `rejected`.",
        default=None,
    )
    charset: str | None = api.option("The encoding that the codec reads records in; UTF-8 by default.", default=None)


class Stdin(api.Input[Options]):
    """Reads lines from standard input until it ends.

    A record ends with a newline; the last one may lack it, and one longer than 16 MiB is cut. What was read and not committed at a crash cannot be read
    again: standard input has no place to go back to. Every start is a partition of its own.
    """

    name: ClassVar[str] = "stdin"
    options_model = Options
    example: ClassVar[str] = """
        source piped = stdin()
        sink shown = piped -> console()
    """
    replayable: ClassVar[bool] = False

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        api.demand_codec(options.codec, options.charset)
        self._partition: str | None = None
        self._past: set[str] = set()
        """Partitions of earlier starts: nothing can follow in them."""

    def schema(self) -> api.Columns:
        return api.Columns({})

    async def open(self, ctx: api.Context) -> None:
        """Raises NoInputError when the process has no standard input."""
        self._ctx = ctx
        try:
            self._file = io.FileIO(sys.stdin.fileno(), closefd=False)
        except (AttributeError, OSError, ValueError) as error:
            raise api.NoInputError("there is no standard input", "pipe something into the command") from error

    async def read(self, progress: Mapping[str, api.Position]) -> AsyncIterator[api.Batch]:
        self._past = set(progress)
        self._partition = partition = self._ctx.unique()
        offset, held, ended = 0, 0, False
        position: api.Position = None
        parts: list[bytes] = []
        while not ended:
            data, ended = await self._ctx.run(self._fill)
            parts.append(data)
            held += len(data)
            if b"\n" in data:
                chunk = b"".join(parts)
                raw, offsets, consumed = records(chunk, offset)
                parts, held = [chunk[consumed:]], len(chunk) - consumed
                offset += consumed
                start, position = position, {"offset": offset}
                yield api.lines(raw, offsets, partition=partition, start=start, end=position)
            if held >= LONGEST or (ended and held):
                raw, offsets = open_record(b"".join(parts), offset)
                offset += held
                parts, held = [], 0
                start, position = position, {"offset": offset}
                yield api.lines(raw, offsets, partition=partition, start=start, end=position, terminated=False)
        self._partition = None

    def backlog(self) -> Mapping[str, int]:
        return {} if self._partition is None else {self._partition: 0}

    def forgotten(self) -> Collection[str]:
        return self._past

    def committed(self, progress: Mapping[str, api.Position]) -> None:
        self._past -= {partition for partition, position in progress.items() if position is None}

    def _fill(self) -> tuple[bytes, bool]:
        """What comes within a second, and whether it was the end."""
        clock = self._ctx.clock
        until = clock.monotonic() + _COLLECT
        parts: list[bytes] = []
        size = 0
        while size < _CHUNK and clock.monotonic() < until:
            ready, _, _ = select.select([self._file], [], [], _PATIENCE)
            if not ready:
                break
            data = self._file.read(_READ)
            if data == b"":
                return b"".join(parts), True
            if data is None:
                break
            parts.append(data)
            size += len(data)
        return b"".join(parts), False
