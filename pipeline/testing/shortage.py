"""The disk of a simulated world: as large as a test says, and with what is wrong with it."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path

from pipeline.env import Disk
from pipeline.errors import BrokenDiskError


@dataclass
class SimDisk:
    """A disk that holds what is in `folder`. Tests change `size` and `error` while the world runs.

    `size`: its bytes (None: more than anybody needs); they are counted when files grow, a database's when it commits.
    `error`: what every write gives (ENOSPC), or everything that changes it (EROFS); 0 for none.
    `broken_at`: the sync, counted from 1, that fails and takes the data with it. A sync of the same file after that is a test
    that failed."""

    folder: Path
    size: int | None = None
    error: int = 0
    broken_at: int | None = None
    syncs: int = 0

    def __post_init__(self) -> None:
        self._lost: set[Path | tuple[int, int]] = set()

    def restart(self) -> None:
        """A new process does not know what failed in the one before."""
        self._lost.clear()

    def state(self) -> Disk:
        size = 1 << 40 if self.size is None else self.size
        return Disk(size, 0 if self.error == errno.ENOSPC else max(0, size - self._used()))

    def grow(self, size: int) -> None:
        """So many bytes more are written. Raises OSError."""
        if self.error:
            raise OSError(self.error, os.strerror(self.error))
        if self.size is not None and self._used() + size > self.size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def change(self) -> None:
        """Something is made, opened for writing, renamed or removed. Raises OSError."""
        if self.error == errno.EROFS:
            raise OSError(self.error, os.strerror(self.error))

    def sync(self, file: Path | tuple[int, int]) -> None:
        """A file is synced. Raises BrokenDiskError, and AssertionError."""
        if file in self._lost:
            raise AssertionError(f"a failed sync was tried again: {file}")
        self.syncs += 1
        if self.syncs == self.broken_at:
            self._lost.add(file)
            raise BrokenDiskError("the disk refused to make written data durable")

    def _used(self) -> int:
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())
