"""Sizes at which two thousand lines go through everything that large logs go through."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.store import frames

FRAME = 2000


@contextmanager
def small() -> Iterator[None]:
    """Frames of two kilobytes inside the block."""
    before = frames.FRAME
    frames.FRAME = FRAME
    try:
        yield
    finally:
        frames.FRAME = before
