"""How a segment's bytes are cut into frames for compression."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

FRAME = 1 << 20
"""Bytes that a frame has at least before compression, but for the last one of a segment."""

LARGEST = 8 << 20
"""Bytes that a frame has at most before compression."""


def cut(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The parts' bytes in pieces of FRAME to LARGEST bytes; only a last or an only one may be smaller. A part of the right
    size is passed on as it is."""
    waiting: list[bytes] = []
    size = 0
    for part in parts:
        for at in range(0, len(part), LARGEST):
            slice_ = part[at : at + LARGEST] if len(part) > LARGEST else part
            waiting.append(slice_)
            size += len(slice_)
            if size >= FRAME:
                yield waiting[0] if len(waiting) == 1 else b"".join(waiting)
                waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)
