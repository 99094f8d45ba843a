"""The records of batches that were read before: from their source, or from a local file that an exact output wrote them to."""

from __future__ import annotations

import base64
import gzip
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import polars as pl
import zstandard

from pipeline.api.records import records
from pipeline.env import Files
from pipeline.errors import NoInputError, PipeError
from pipeline.plan.graph import Graph
from pipeline.store.trails import Archive, Batch, Trail

Records = tuple[pl.Series, pl.Series]
"""`@raw` and `@offset`."""


@dataclass(frozen=True)
class Found:
    """The records of a batch. `place` is the file of an archive, empty for the source itself. `whole`: all of them are there, at
    the offsets that they had; else those that an output has, at offsets in what it has."""

    batch: Batch
    raw: pl.Series
    offsets: pl.Series
    place: str = ""
    whole: bool = True


@dataclass(frozen=True)
class Lost:
    """A batch whose records are nowhere, and why."""

    batch: Batch
    reason: str


def found(trail: Trail, graph: Graph, files: Files) -> Iterator[Found | Lost]:
    """Each batch of a trail, those of a partition together. Blocks on the disk."""
    partitions: dict[tuple[str, str], list[Batch]] = {}
    for batch in trail["batches"]:
        partitions.setdefault((batch["source"], batch["partition"]), []).append(batch)
    archives = {name: Archived(archive) for name, archive in trail["archives"].items()}
    try:
        for (source, partition), batches in partitions.items():
            again = _again(graph, source, trail, partition, batches, files)
            reason = ""
            for batch in batches:
                try:
                    raw, offsets = next(again)
                except (NoInputError, OSError) as error:
                    reason, again = str(error), iter(())
                except StopIteration:
                    reason = reason or "the input has fewer records than it had"
                else:
                    if len(raw) == batch["rows"]:
                        yield Found(batch, raw, offsets)
                        continue
                    reason = "the input has other records there than it had"
                yield _archived(batch, archives) or Lost(batch, reason)
    finally:
        for archive in archives.values():
            archive.close()


def _again(
    graph: Graph, source: str, trail: Trail, partition: str, batches: Sequence[Batch], files: Files
) -> Iterator[Records]:
    stage = graph.stages.get(source)
    if stage is None or stage.input is None:
        raise NoInputError(f"the program has no source {source} any more")
    if partition not in trail["positions"]:
        raise NoInputError("how far it was read is not known any more")
    spans = [(batch["first"], batch["last"]) for batch in batches]
    yield from stage.input.recall(files, trail["positions"][partition], spans)


def _archived(batch: Batch, archives: Mapping[str, Archived]) -> Found | None:
    """The records of a batch in the archive that has most of them; None when none can be read."""
    sinks: dict[str, list[tuple[int, int, int, int]]] = {}
    for kept in batch["kept"]:
        if str(kept[0]) in archives:
            sinks.setdefault(archives[str(kept[0])].archive["sink"], []).append(kept)
    for pieces in sorted(sinks.values(), key=lambda pieces: -sum(rows for *_, rows in pieces)):
        with suppress(OSError, EOFError, ValueError, zstandard.ZstdError, PipeError):
            return _joined(batch, [(archives[str(id)], at, size, rows) for id, at, size, rows in pieces])
    return None


def _joined(batch: Batch, pieces: Sequence[tuple[Archived, int, int, int]]) -> Found:
    """Raises ValueError when the bytes are not those that were written."""
    parts: list[Records] = []
    for archive, at, size, rows in pieces:
        data = archive.read(at, size)
        raw, offsets, _ = records(data if data.endswith(b"\n") else data + b"\n", at)
        if len(data) != size or len(raw) != rows:
            raise ValueError(archive.archive["place"])
        parts.append((raw, offsets))
    raw, offsets = (pl.concat(series) for series in zip(*parts, strict=True))
    place = pieces[0][0].archive["place"]
    if len(parts) > 1 or len(raw) != batch["rows"]:
        return Found(batch, raw, offsets, place, whole=False)
    before = batch["last"] - batch["first"]
    if before == offsets[-1] - offsets[0]:
        return Found(batch, raw, offsets - (offsets[0] - batch["first"]), place)
    if before == len(raw) - 1:
        return Found(batch, raw, pl.int_range(batch["first"], batch["last"] + 1, eager=True), place)
    return Found(batch, raw, offsets, place, whole=False)


class Archived:
    """Reads a stretch of an archive by the position in its segment's plain bytes: forwards for free, backwards anew."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self._tail = base64.b64decode(archive["tail"])
        self._file: io.BufferedIOBase | None = None
        self._plain: io.BufferedIOBase | zstandard.ZstdDecompressionReader = io.BytesIO()
        self._at = 0

    def read(self, at: int, size: int) -> bytes:
        """Up to `size` plain bytes; fewer only at the end. Raises OSError, EOFError, ZstdError."""
        if self._file is None or at < self._at:
            self._open()
        while self._at < at and self._take(min(at - self._at, 1 << 20)):
            pass
        parts = []
        while size > 0 and (part := self._take(size)):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> None:
        self.close()
        self._file = file = io.BufferedReader(cast("io.RawIOBase", _Stretch(self.archive)))
        match self.archive["compression"]:
            case "zstd":
                self._plain = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
            case "gzip":
                self._plain = gzip.GzipFile(fileobj=file)
            case _:
                self._plain = file
        self._at = self.archive["plain"]
        self._rest = self._tail

    def _take(self, size: int) -> bytes:
        part = self._plain.read(size)
        if not part:
            part, self._rest = self._rest[:size], self._rest[size:]
        self._at += len(part)
        return part


class _Stretch(io.RawIOBase):
    """The committed bytes of an archive, from where it begins."""

    def __init__(self, archive: Archive) -> None:
        self._left = None if archive["size"] is None else archive["size"] - archive["base"]
        # All that there is may be in the tail: then there need not be a file yet.
        self._file = io.BytesIO() if self._left == 0 else Path(archive["place"]).open("rb")  # noqa: SIM115 — `close`
        self._file.seek(archive["base"])

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]  # the one type that BufferedReader gives
        data = self._file.read(len(buffer) if self._left is None else min(len(buffer), self._left))
        buffer[: len(data)] = data
        if self._left is not None:
            self._left -= len(data)
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()
