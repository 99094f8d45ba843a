"""Compression in independent pieces: any gzip or zstd reader reads their concatenation.

The seek table is the zstd seekable format (`contrib/seekable_format/zstd_seekable_compression_format.md` of the zstd
repository, version 0.1.0): a skippable frame at the end, which readers that do not know it skip."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Sequence
from typing import Literal

import zstandard

Kind = Literal["gzip", "zstd"]

LEVELS: dict[Kind, int] = {"gzip": 6, "zstd": 1}
"""Levels by default."""

_SKIPPABLE = 0x184D2A5E
_SEEKABLE = 0x8F92EAB1
_HEADER = struct.Struct("<II")
_ENTRY = struct.Struct("<II")
_FOOTER = struct.Struct("<IBI")


def frame(data: bytes, kind: Kind, level: int | None = None) -> bytes:
    """One gzip member or zstd frame with its content's size and checksum. The same data always gives the same bytes."""
    level = LEVELS[kind] if level is None else level
    if kind == "gzip":
        return gzip.compress(data, level, mtime=0)
    return zstandard.ZstdCompressor(level=level, write_content_size=True, write_checksum=True).compress(data)


def seek_table(entries: Sequence[tuple[int, int]]) -> bytes:
    """The table of a file of zstd frames, to be its last bytes. `entries`: (compressed, plain) size of each frame in order.

    Raises ValueError for a frame of 4 GiB or more, which the format cannot describe."""
    try:
        rows = b"".join(_ENTRY.pack(compressed, plain) for compressed, plain in entries)
    except struct.error as error:
        raise ValueError(f"a frame is too large for the seek table: {error}") from error
    body = rows + _FOOTER.pack(len(entries), 0, _SEEKABLE)
    return _HEADER.pack(_SKIPPABLE, len(body)) + body
