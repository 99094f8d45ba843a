"""Reading by position, from plain files and from compressed ones as if they were plain."""

from __future__ import annotations

import zlib
from typing import Protocol

import zstandard

from pipeline.api.world import ReadFile, Stat

from .rotation import Packing

_FILL = 256 * 1024
"""Compressed bytes read at a time."""
_FEED = 4 * 1024
"""Compressed bytes given to zstd at a time: it has no bound on what they become, so a bomb is bounded here."""
_WINDOW = 128 * 1024 * 1024
"""Largest zstd window, as the `zstd` command accepts it (`--long`)."""
_MAGIC: dict[Packing, bytes] = {"gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}
_SKIPPABLE = b"\x2a\x4d\x18"
"""Last three bytes of the magic number of a zstd frame that holds no data."""


class DamagedError(ValueError):
    """A compressed file is not what its name says, or broken."""


class Decoder(Protocol):
    def decode(self, data: bytes, limit: int) -> bytes:
        """Take compressed bytes, give at most about `limit` plain ones; the rest comes with the next call."""
        ...

    @property
    def hungry(self) -> bool:
        """True when nothing more comes without more input."""
        ...

    @property
    def whole(self) -> bool:
        """True between the members (frames) of a file: it may end here."""
        ...


class _Gzip:
    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)
        self._input = b""
        self._full = False
        self._ended = False

    def decode(self, data: bytes, limit: int) -> bytes:
        self._input += data
        if self._member.eof:
            self._next()
        if self._ended or self._member.eof or not (self._input or self._full):
            return b""
        plain = self._member.decompress(self._input, limit)
        self._full = len(plain) >= limit
        self._input = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
        return plain

    def _next(self) -> None:
        """Begin the next member; what follows a member and is none (padding) is ignored, as gzip does."""
        self._input = self._input.lstrip(b"\0")
        if len(self._input) < 2:
            return
        if not self._input.startswith(_MAGIC["gzip"]):
            self._ended, self._input = True, b""
            return
        self._member, self._full = zlib.decompressobj(wbits=31), False

    @property
    def hungry(self) -> bool:
        """zlib may hold back plain bytes after it has taken all input, when the limit cut it short."""
        if self._member.eof:
            return len(self._input) < 2
        return not (self._input or self._full)

    @property
    def whole(self) -> bool:
        return self._ended or self._member.eof


class _Zstd:
    def __init__(self) -> None:
        self._zstd = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
        self._frame = self._zstd.decompressobj()
        self._input = b""
        self._whole = True

    def decode(self, data: bytes, limit: int) -> bytes:
        self._input += data
        plain: list[bytes] = []
        size, at = 0, 0
        while at < len(self._input) and size < limit:
            piece = self._input[at : at + _FEED]
            at += len(piece)
            plain.append(self._frame.decompress(piece))
            size += len(plain[-1])
            self._whole = self._frame.eof
            if self._frame.eof:
                at -= len(self._frame.unused_data)
                self._frame = self._zstd.decompressobj()
        self._input = self._input[at:]
        return b"".join(plain)

    @property
    def hungry(self) -> bool:
        return not self._input

    @property
    def whole(self) -> bool:
        return self._whole


class Source(Protocol):
    """The bytes of one generation, wherever they are."""

    def pread(self, size: int, offset: int) -> bytes:
        """Up to `size` plain bytes at `offset`; fewer only at the end of what is there. Raises OSError, DamagedError."""
        ...

    def stat(self) -> Stat: ...

    def hole(self) -> int:
        """Bytes at the beginning that nobody wrote."""
        ...

    def close(self) -> None: ...


class Packed:
    """A compressed file read by the position in its plain bytes: forwards for free, backwards from the beginning."""

    def __init__(self, file: ReadFile, packing: Packing) -> None:
        self._file = file
        self._packing = packing
        self._rewind()

    def _rewind(self) -> None:
        self._decoder: Decoder = _Gzip() if self._packing == "gzip" else _Zstd()
        self._plain = b""
        self._at = 0
        self._taken = 0
        self._damage: DamagedError | None = None

    @property
    def taken(self) -> int:
        """Compressed bytes that were read so far."""
        return self._taken

    @property
    def whole(self) -> bool:
        """True when a read that came short was the end of the data, not of a file that is still being written."""
        return self._decoder.whole and not self._plain

    def pread(self, size: int, offset: int) -> bytes:
        if offset < self._at:
            self._rewind()
        while self._at < offset:
            if not self._take(min(offset - self._at, _FILL)):
                return b""
        parts: list[bytes] = []
        missing = size
        try:
            while missing and (part := self._take(missing)):
                parts.append(part)
                missing -= len(part)
        except DamagedError:
            if not parts:
                raise
        return b"".join(parts)

    def _take(self, size: int) -> bytes:
        """The next plain bytes, at most `size`; none at the end."""
        if self._damage:
            raise self._damage
        while not self._plain:
            data = b""
            if self._decoder.hungry:
                data = self._file.pread(_FILL, self._taken)
                if not data:
                    return b""
                if self._taken == 0:
                    self._check(data)
                self._taken += len(data)
            try:
                self._plain = self._decoder.decode(data, max(size, _FILL))
            except (zlib.error, zstandard.ZstdError) as error:
                self._damage = DamagedError(f"damaged {self._packing} data: {error}")
                raise self._damage from error
        part, self._plain = self._plain[:size], self._plain[size:]
        self._at += len(part)
        return part

    def _check(self, data: bytes) -> None:
        known = data.startswith(_MAGIC[self._packing]) or (self._packing == "zstd" and data[1:4] == _SKIPPABLE)
        if not known:
            raise DamagedError(f"not {self._packing} data, whatever its name says")

    def stat(self) -> Stat:
        return self._file.stat()

    def hole(self) -> int:
        return 0

    def close(self) -> None:
        self._file.close()
