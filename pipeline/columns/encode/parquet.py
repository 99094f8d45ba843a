"""Parquet files. Rows are spooled as they come and written once, when the segment is sealed.

The spool is a sequence of chunks: a length (u32 little-endian) and an Arrow IPC stream."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Iterator, Sequence

import polars as pl
from polars.io.plugins import register_io_source

from pipeline.columns.encode.rows import chosen, rest_of
from pipeline.columns.types import Columns, Type

_LENGTH = struct.Struct("<I")


def spool(frame: pl.DataFrame, columns: Columns, metadata: Sequence[str] = ()) -> bytes:
    """One chunk: `@timestamp`, the metadata asked for and the fields, nested as they are; nothing for no rows.

    An open record's other members are a String column (or struct member) `@rest` with JSON text. Fields of type null and
    records without members cannot be stored and are left out."""
    if frame.height == 0:
        return b""
    wanted = {"@timestamp", *metadata, *columns.fields}
    members = [member for member in chosen(frame, columns, metadata) if member.name in wanted]
    kept = [member.values.alias(member.name) for member in members if _storable(member.type)]
    if columns.open:
        kept.append(rest_of(frame))
    buffer = io.BytesIO()
    pl.DataFrame(kept).rechunk().write_ipc_stream(buffer, compression="zstd")
    return _LENGTH.pack(buffer.tell()) + buffer.getvalue()


def finish(spooled: Iterable[bytes]) -> bytes:
    """All chunks of a segment, given in parts cut anywhere, as one Parquet file, zstd-compressed. At least one chunk.

    Holds the file and a few chunks, never all rows. Raises ValueError when a chunk is cut short."""
    chunks = _chunks(spooled)
    first = next(chunks)

    # Polars pulls from this as it encodes; a frame of all chunks is ten times as large as the spool, and is copied.
    def rows(*_: object) -> Iterator[pl.DataFrame]:
        yield first
        yield from chunks

    buffer = io.BytesIO()
    register_io_source(rows, schema=first.schema).sink_parquet(buffer, compression="zstd")
    return buffer.getvalue()


def _chunks(spooled: Iterable[bytes]) -> Iterator[pl.DataFrame]:
    waiting = bytearray()
    for part in spooled:
        waiting += part
        at = 0
        while len(waiting) - at >= _LENGTH.size:
            begin = at + _LENGTH.size
            end = begin + _LENGTH.unpack_from(waiting, at)[0]
            if end > len(waiting):
                break
            yield pl.read_ipc_stream(io.BytesIO(waiting[begin:end]))
            at = end
        del waiting[:at]
    if waiting:
        raise ValueError(f"the spool ends in the middle of a chunk ({len(waiting)} bytes of it are there)")


def _storable(kind: Type) -> bool:
    match kind.kind:
        case "null":
            return False
        case "record":
            return kind.open or (bool(kind.fields) and all(_storable(inner) for _, inner in kind.fields))
        case "list":
            return kind.item is not None and _storable(kind.item)
        case _:
            return True
