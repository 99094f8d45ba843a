"""A state as bytes, and back: one compact blob for all frames of a window.

Arrow IPC costs a tenth of a millisecond and a kilobyte a frame, and a state is mostly many small frames. The format, little
endian; a dense blob is that as one block of zstd:

    version       u8: 1 (zstd begins with another byte)
    frames        u32
    each frame    u8: 0 for an Arrow IPC stream (columns of other dtypes), then u32 length and its bytes
                  u8: 1 for columns, then u32 rows, u32 columns
    each column   u32 length and the name; u8 dtype (`TAGS`); u8 whether there are nulls, then a bit a row, set where valid
    integers      u8 width (1, 2, 4, 8, 16), the least that all fit, then each number, two's complement; 0 for null.
                  Also for times, durations (µs) and booleans
    floats        8 bytes each
    texts         the length of each as integers, then all bytes
"""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Sequence

import polars as pl
import zstandard

from pipeline.columns.native import kernels
from pipeline.columns.windows.states import Part, State, parts, seen, sent

TAGS: tuple[pl.DataType, ...] = (
    pl.Int64(),
    pl.Float64(),
    pl.Boolean(),
    pl.String(),
    pl.Datetime("us", "UTC"),
    pl.Duration("us"),
    pl.Int128(),
    pl.UInt8(),
    pl.UInt16(),
    pl.UInt32(),
    pl.Int8(),
    pl.Int16(),
    pl.Int32(),
    pl.Datetime("us"),
)

_VERSION = 1
_COUNT = struct.Struct("<I")
_WIDTHS = {1: "b", 2: "h", 4: "i", 8: "q"}


def dump(state: Sequence[pl.DataFrame], *, dense: bool = False) -> bytes:
    """Serialise a state. The result does not depend on how its columns are chunked. `dense`: less than half the bytes, for
    several times the work."""
    given = [_part(part) for part in parts(state)]
    plain = _packed(given) if kernels is None else kernels.window_packed(given)
    return zstandard.ZstdCompressor(level=1).compress(plain) if dense else plain


def load(data: bytes) -> Sequence[pl.DataFrame]:
    """The state of `dump`. Raises ValueError when the bytes are not of that format."""
    try:
        plain = zstandard.ZstdDecompressor().decompress(data) if data.startswith(zstandard.FRAME_HEADER) else data
    except zstandard.ZstdError as error:
        raise ValueError(f"not the state of a window: {error}") from error
    found = _unpacked(plain) if kernels is None else kernels.window_unpacked(plain)
    return State(pl.read_ipc_stream(io.BytesIO(part)) if isinstance(part, bytes) else part for part in found)


def _part(part: Part) -> Part | bytes:
    """A frame of columns that have a tag, or else its stream."""
    if not isinstance(part, pl.DataFrame) or (part.width and all(kind in TAGS for kind in part.dtypes)):
        return part if kernels is None else sent(part)
    buffer = io.BytesIO()
    part.rechunk().write_ipc_stream(buffer)
    return buffer.getvalue()


def _packed(given: Sequence[Part | bytes]) -> bytes:
    out = [bytes([_VERSION]), _COUNT.pack(len(given))]
    for part in given:
        if isinstance(part, bytes):
            out += [b"\0", _COUNT.pack(len(part)), part]
            continue
        frame = seen(part)
        out += [b"\1", _COUNT.pack(frame.height), _COUNT.pack(frame.width)]
        for column in frame.get_columns():
            name = column.name.encode()
            out += [_COUNT.pack(len(name)), name, bytes([TAGS.index(column.dtype)]), *_column(column)]
    return b"".join(out)


def _column(column: pl.Series) -> list[bytes]:
    missing = column.null_count() > 0
    out = [bytes([missing])]
    if missing:
        bits = sum(1 << at for at, valid in enumerate(column.is_not_null().to_list()) if valid)
        out.append(bits.to_bytes((len(column) + 7) // 8, "little"))
    if column.dtype == pl.String:
        texts = [text.encode() for text in column.fill_null("").to_list()]
        return [*out, *_integers([len(text) for text in texts]), *texts]
    if column.dtype == pl.Float64:
        return [*out, struct.pack(f"<{len(column)}d", *_floats(column))]
    physical = column.cast(pl.Int8) if column.dtype == pl.Boolean else column.to_physical()
    return [*out, *_integers(physical.fill_null(0).to_list())]


def _floats(column: pl.Series) -> list[float]:
    """One zero and one NaN, as in groups."""
    values = column.fill_null(0.0).to_list()
    return [0.0 if value == 0.0 else math.nan if value != value else value for value in values]


def _integers(numbers: list[int]) -> list[bytes]:
    low, high = min(numbers, default=0), max(numbers, default=0)
    width = next((width for width in _WIDTHS if -(1 << 8 * width - 1) <= low and high < 1 << 8 * width - 1), 16)
    if width == 16:
        return [bytes([width]), *(number.to_bytes(width, "little", signed=True) for number in numbers)]
    return [bytes([width]), struct.pack(f"<{len(numbers)}{_WIDTHS[width]}", *numbers)]


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, length: int) -> bytes:
        taken = self._data[self._at : self._at + length]
        if len(taken) != length:
            raise ValueError("not the state of a window: it ends early")
        self._at += length
        return taken

    def count(self) -> int:
        return int(_COUNT.unpack(self.take(_COUNT.size))[0])

    def integers(self, rows: int) -> list[int]:
        width = self.take(1)[0]
        taken = self.take(rows * width)
        if width == 16:
            return [int.from_bytes(taken[at : at + 16], "little", signed=True) for at in range(0, len(taken), 16)]
        if width not in _WIDTHS:
            raise ValueError(f"not the state of a window: integers of {width} bytes")
        return list(struct.unpack(f"<{rows}{_WIDTHS[width]}", taken))


def _unpacked(data: bytes) -> list[pl.DataFrame | bytes]:
    reader = _Reader(data)
    if reader.take(1)[0] != _VERSION:
        raise ValueError("not the state of a window: unknown version")
    return [_frame(reader) for _ in range(reader.count())]


def _frame(reader: _Reader) -> pl.DataFrame | bytes:
    if reader.take(1) == b"\0":
        return reader.take(reader.count())
    rows, width = reader.count(), reader.count()
    return pl.DataFrame([_series(reader, rows) for _ in range(width)])


def _series(reader: _Reader, rows: int) -> pl.Series:
    name = reader.take(reader.count()).decode()
    tag = reader.take(1)[0]
    if tag >= len(TAGS):
        raise ValueError("not the state of a window: unknown dtype")
    kind = TAGS[tag]
    bits = int.from_bytes(reader.take((rows + 7) // 8), "little") if reader.take(1) != b"\0" else None
    values: Sequence[object]
    if kind == pl.String:
        values = [reader.take(length).decode() for length in reader.integers(rows)]
    elif kind == pl.Float64:
        values = struct.unpack(f"<{rows}d", reader.take(8 * rows))
    else:
        values = reader.integers(rows)
    if bits is not None:
        values = [value if bits >> at & 1 else None for at, value in enumerate(values)]
    physical = {pl.String: pl.String, pl.Float64: pl.Float64, pl.Int128: pl.Int128}.get(kind.base_type(), pl.Int64)
    return pl.Series(name, values, dtype=physical).cast(kind)
