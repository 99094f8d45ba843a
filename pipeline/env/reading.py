"""Files whose length is known beforehand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipeline.env import Files
from pipeline.errors import InternalError

PART = 8 << 20
"""Bytes that a part has at most."""


def parts(files: Files, path: Path, size: int) -> Iterator[bytes]:
    """The first `size` bytes of a file, in parts. Blocks. Raises InternalError when the file ends early, and OSError."""
    file = files.read(path)
    try:
        at = 0
        while at < size:
            part = file.pread(min(PART, size - at), at)
            if not part:
                raise InternalError(f"{path} ends at {at} bytes, {size} were committed")
            at += len(part)
            yield part
    finally:
        file.close()
