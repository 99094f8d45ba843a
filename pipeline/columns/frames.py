"""Frames to bytes and back: the form in which dead letters rest in the store.

Format: a count (u32 little-endian), then for each frame its length (u32) and an Arrow IPC stream, all zstd-compressed
as one block."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence

import polars as pl
import zstandard

_LENGTH = struct.Struct("<I")


def dump(frames: Sequence[pl.DataFrame]) -> bytes:
    """Serialise frames. The result does not depend on how their columns are chunked."""
    parts = [_LENGTH.pack(len(frames))]
    for frame in frames:
        buffer = io.BytesIO()
        frame.rechunk().write_ipc_stream(buffer)
        parts += [_LENGTH.pack(buffer.tell()), buffer.getvalue()]
    return zstandard.ZstdCompressor(level=1).compress(b"".join(parts))


def load(data: bytes) -> tuple[pl.DataFrame, ...]:
    """The frames of `dump`. Raises ValueError when the bytes are not of that format."""
    try:
        plain = zstandard.ZstdDecompressor().decompress(data)
    except zstandard.ZstdError as error:
        raise ValueError(f"not a dump of frames: {error}") from error
    (count,) = _LENGTH.unpack_from(plain)
    frames, at = [], _LENGTH.size
    for _ in range(count):
        (length,) = _LENGTH.unpack_from(plain, at)
        at += _LENGTH.size
        frames.append(pl.read_ipc_stream(io.BytesIO(plain[at : at + length])))
        at += length
    return tuple(frames)
