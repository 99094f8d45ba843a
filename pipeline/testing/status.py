"""What the simulated system calls tell of a node of the disk."""

from __future__ import annotations

import os
import stat as modes
from dataclasses import dataclass
from typing import Any

from pipeline.testing.disk import Node

_DEVICE = 77


@dataclass(frozen=True, slots=True)
class Entry:
    """`os.DirEntry` of a simulated folder."""

    name: str
    path: str
    node: Node

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        return self.node.folder

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        return not self.node.folder

    def is_symlink(self) -> bool:
        return False

    def inode(self) -> int:
        return self.node.number

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        return status(self.node)


def status(node: Node) -> os.stat_result:
    kind = modes.S_IFDIR if node.folder else modes.S_IFREG
    seconds, nanoseconds = node.modified // 1_000_000, node.modified * 1000
    named: dict[str, Any] = {"st_mtime_ns": nanoseconds, "st_blocks": -(-len(node.seen) // 512), "st_blksize": 4096}
    basic = (kind | 0o600, node.number, _DEVICE, 1, os.geteuid(), 0, len(node.seen), seconds, seconds, seconds)
    return os.stat_result(basic, named)
