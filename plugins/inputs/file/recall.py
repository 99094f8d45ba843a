"""Records that were read before, once more: from the same bytes, whatever their file is called by now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import polars as pl

from pipeline import api
from pipeline.api.records import LONGEST, open_record, records
from pipeline.api.world import Files

from .adoption import open_source
from .decoding import DamagedError, Source
from .generation import CHUNK
from .identity import MARK, Place
from .naming import path_of
from .rotation import parse
from .search import key_of


def find(files: Files, place: Place, globs: Sequence[str]) -> Source:
    """The file that has the bytes of a generation, opened. Its last name is tried first, then the other files of its log, then
    all that the globs match; compressed ones too. Raises NoInputError when none has them."""
    path = path_of(place.path)
    log = parse(path).log
    beside = [other for other in files.glob(str(path.parent / "*")) if parse(other).log == log]
    matched = [other for pattern in globs for other in files.glob(pattern)]
    for candidate in dict.fromkeys([path, *beside, *matched]):
        with suppress(OSError, DamagedError):
            source = _opened(files, candidate, place)
            if source is not None:
                return source
    raise api.NoInputError(f"no file has the bytes of {place.path} any more", "look for them in an archive")


def _opened(files: Files, path: Path, place: Place) -> Source | None:
    stat = files.stat(path)
    if stat is None or stat.kind != "file":
        return None
    if place.offset < MARK and key_of(stat) != place.key:
        return None  # so few bytes may be the same in two files
    source = open_source(files, path)
    try:
        if place.marks(source.pread) is not None:
            return source
    except BaseException:
        source.close()
        raise
    source.close()
    return None


def recall(source: Source, spans: Sequence[tuple[int, int]]) -> Iterator[tuple[pl.Series, pl.Series]]:
    """`@raw` and `@offset` of the records from the first to the last offset of each span. Closes the source at the end."""
    try:
        for first, last in spans:
            parts = list(_records(source, first, last))
            yield pl.concat([raw for raw, _ in parts]), pl.concat([offsets for _, offsets in parts])
    finally:
        source.close()


def _records(source: Source, first: int, last: int) -> Iterator[tuple[pl.Series, pl.Series]]:
    yield pl.Series("@raw", [], dtype=pl.Binary), pl.Series("@offset", [], dtype=pl.Int64)
    at, rest = first, b""
    while at <= last:
        data = source.pread(CHUNK, at + len(rest))
        chunk = rest + data
        raw, offsets, consumed = records(chunk, at)
        if not consumed and chunk and (not data or len(chunk) >= LONGEST):
            raw, offsets, consumed = *open_record(chunk, at), len(chunk)
        if not consumed and not data:
            return
        wanted = offsets <= last
        yield raw.filter(wanted), offsets.filter(wanted)
        at, rest = at + consumed, chunk[consumed:]
