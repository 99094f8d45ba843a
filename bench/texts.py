"""Lines in the three forms that contenders take them in, about 4 MiB at a time, and what their answers are compared by."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl
from samples import blocks

from pipeline.columns.lines import decode, records

Answer = tuple[int, ...]
"""Lines that matched, and a checksum for each field that is compared."""


@dataclass(frozen=True)
class Text:
    """The same lines as bytes with newlines, as columns of text and as Python's strings, in the same parts."""

    chunks: Sequence[bytes]
    columns: Sequence[pl.Series]
    strings: Sequence[list[str]]

    @classmethod
    def of(cls, kind: str, lines: int) -> Text:
        """Lines of `samples.py`."""
        chunks = list(blocks(kind, lines))
        columns = [decode(records(chunk, 0)[0])[0] for chunk in chunks]
        return cls(chunks, columns, [column.to_list() for column in columns])

    @property
    def lines(self) -> int:
        return sum(len(column) for column in self.columns)

    def head(self, share: int) -> Text:
        """The first 1/`share` of the parts, at least one: for contenders that are slow."""
        most = max(1, len(self.chunks) // share)
        return Text(self.chunks[:most], self.columns[:most], self.strings[:most])


def answer(matched: int, fields: Iterable[Iterable[str | None]]) -> Answer:
    """What to compare. A missing field and `-` are the same as an empty one: formats write `-` where there is nothing."""
    sums = (
        zlib.crc32("\n".join("" if value in (None, "-") else str(value) for value in field).encode())
        for field in fields
    )
    return (matched, *sums)


def of_frames(frames: Sequence[pl.DataFrame], matched: str, names: Sequence[str]) -> Answer:
    """The answer that is in frames: `matched` is the column, Boolean, that says which rows count."""
    rows = pl.concat(frame.select(matched, *names) for frame in frames).filter(matched)
    return answer(rows.height, (rows[name].cast(pl.String) for name in names))
