"""A simulated disk: what programs see of it, what is durable, and what a power cut leaves.

A file's bytes are durable once it was synced, a name once its folder was. Until then they are in the cache of the operating
system, which may bring them to the disk at any time, in any order, or not at all. A write may be torn between two sectors,
never within one.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal, get_args

SECTOR = 512

Cut = Literal["kept", "dropped", "mixed", "torn"]
"""What becomes of what was not synced. `kept`: only the process was killed, so it is still in the cache, and the next power cut
may take it. `dropped`: none of it is there. `mixed`: any of it, in any order, sector by sector. `torn`: all but the end of the
last write."""

CUTS: tuple[Cut, ...] = get_args(Cut)


@dataclass(frozen=True, slots=True)
class Change:
    """Bytes that were written, or, where `data` is None, a new length."""

    at: int
    data: bytes | None


@dataclass(slots=True)
class Node:
    """A file or a folder. `stored` is durable; `seen` has the `changes` since then, too."""

    number: int
    folder: bool = False
    seen: bytearray | bytes = b""
    stored: bytearray | bytes = b""
    changes: list[Change] = field(default_factory=list)
    modified: int = 0
    lost: set[int] = field(default_factory=set)
    """Sectors that a failed sync lost and that were not written since: they look clean."""

    def change(self, change: Change, now: int) -> None:
        self.seen = _applied(self.seen, change)
        self.changes.append(change)
        self.modified = now
        if self.lost:
            last = len(self.seen) if change.data is None else change.at + len(change.data)
            written = range(0) if change.data is None else range(change.at // SECTOR, -(-last // SECTOR))
            self.lost = {sector for sector in self.lost if sector not in written and sector * SECTOR < len(self.seen)}

    def sync(self) -> None:
        for change in self.changes:
            self.stored = _applied(self.stored, change)
        self.changes.clear()

    def fork(self) -> Node:
        """The same once more; bytes are shared until they change."""
        self.seen, self.stored = bytes(self.seen), bytes(self.stored)
        return Node(self.number, self.folder, self.seen, self.stored, list(self.changes), self.modified, set(self.lost))


@dataclass(frozen=True, slots=True)
class Naming:
    """A name that now means another node, or none; for a renaming both at once."""

    names: tuple[tuple[str, int | None], ...]


class Disk:
    """Not a file system of its own: `pipeline.testing.kernel` has the system calls."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.nodes: dict[int, Node] = {1: Node(1, folder=True)}
        self.names: dict[str, int] = {root: 1}
        self._stored: dict[str, int] = dict(self.names)
        self._namings: list[Naming] = []
        self._next = 2
        self.version = 0
        """Grows with every change."""
        self.durable = 0
        """The version when something became durable last."""

    # ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────

    def find(self, path: str) -> Node | None:
        number = self.names.get(path)
        return None if number is None else self.nodes[number]

    def inside(self, folder: str) -> Iterator[str]:
        """Names of what is in a folder, sorted."""
        return (PurePosixPath(path).name for path in sorted(self.names) if _parent(path) == folder and path != folder)

    @property
    def last(self) -> str:
        """The path of the file that was written last and is not synced; empty when there is none."""
        waiting = [path for path, number in self.names.items() if self.nodes[number].changes]
        return max(waiting, key=lambda path: self.nodes[self.names[path]].modified, default="")

    @property
    def unsynced(self) -> bool:
        return bool(self._namings) or any(node.changes for node in self.nodes.values())

    # ── changing ─────────────────────────────────────────────────────────────────────────────────────────────────

    def make(self, path: str, now: int, *, folder: bool = False) -> Node:
        node = self.anonymous(now, folder=folder)
        self.name((path, node.number), now=now)
        return node

    def anonymous(self, now: int, *, folder: bool = False) -> Node:
        """A node without a name."""
        node = Node(self._next, folder=folder, modified=now)
        self._next += 1
        self.nodes[node.number] = node
        return node

    def name(self, *names: tuple[str, int | None], now: int) -> None:
        """Change what names mean, all at once."""
        _rename(self.names, names)
        self._namings.append(Naming(names))
        for path, _ in names:
            folder = self.find(_parent(path))
            if folder is not None:
                folder.modified = now
        self.version += 1

    def change(self, node: Node, at: int, data: bytes | None, now: int) -> None:
        node.change(Change(at, data), now)
        self.version += 1

    def sync(self, node: Node) -> None:
        """Make a file's bytes, or the names in a folder, durable."""
        if node.folder:
            path = next(path for path, number in self.names.items() if number == node.number)
            due = [naming for naming in self._namings if _parent(naming.names[-1][0]) == path]
            for naming in due:
                _rename(self._stored, naming.names)
            self._namings = [naming for naming in self._namings if naming not in due]
        else:
            node.sync()
        self.version += 1
        self.durable = self.version

    def lose(self, node: Node) -> None:
        """A failed sync: what was written looks clean from now on and never comes to the disk."""
        for change in node.changes:
            size = 0 if change.data is None else len(change.data)
            node.lost.update(range(change.at // SECTOR, -(-(change.at + size) // SECTOR)))
        node.changes.clear()

    # ── power cuts ───────────────────────────────────────────────────────────────────────────────────────────────

    def after(self, cut: Cut, choice: random.Random) -> Disk:
        """The disk as the next start finds it. This one stays as it is."""
        if cut == "kept":
            return self._fork()
        left = Disk(self.root)
        names = self._names_after(cut, choice)
        left.names = {path: number for path, number in names.items() if self._held(names, path)}
        torn = self.names.get(self.last) if cut == "torn" else None
        for number in dict.fromkeys(left.names.values()):
            node = self.nodes[number]
            image = _image(node, "whole" if cut == "torn" and number != torn else cut, choice)
            left.nodes[number] = Node(number, node.folder, image, image, modified=node.modified)
        left._stored, left._next = dict(left.names), self._next
        return left

    def _fork(self) -> Disk:
        """The same disk once more."""
        other = Disk(self.root)
        other.names, other._stored = dict(self.names), dict(self._stored)
        other._namings, other._next = list(self._namings), self._next
        other.nodes = {number: node.fork() for number, node in self.nodes.items()}
        return other

    def _names_after(self, cut: Cut, choice: random.Random) -> dict[str, int]:
        if cut == "torn":
            return dict(self.names)
        names = dict(self._stored)
        for naming in self._namings if cut == "mixed" else ():
            if choice.random() < 0.5:
                _rename(names, naming.names)
        return names

    def _held(self, names: dict[str, int], path: str) -> bool:
        """Whether all folders above are there too."""
        return path == self.root or (path in names and self._held(names, _parent(path)))


def _parent(path: str) -> str:
    return path.rpartition("/")[0] or "/"


def _rename(names: dict[str, int], changes: tuple[tuple[str, int | None], ...]) -> None:
    for path, number in changes:
        if number is None:
            names.pop(path, None)
        else:
            names[path] = number


def _applied(data: bytearray | bytes, change: Change) -> bytearray:
    """The bytes with the change in them. May be the same bytes, changed."""
    data = data if isinstance(data, bytearray) else bytearray(data)
    if change.data is None:
        if len(data) > change.at:
            del data[change.at :]
        data.extend(bytes(change.at - len(data)))
        return data
    if len(data) < change.at:
        data.extend(bytes(change.at - len(data)))
    data[change.at : change.at + len(change.data)] = change.data
    return data


def _image(node: Node, cut: Cut | Literal["whole"], choice: random.Random) -> bytes:
    """A file's bytes after a power cut; `whole`: every change came to the disk."""
    if cut == "dropped" or not node.changes:
        return bytes(node.stored)
    image = bytearray(node.stored)
    for number, change in enumerate(node.changes):
        parts = _sectors(change)
        if cut == "mixed":
            parts = [part for part in parts or [change] if choice.random() < 0.5]
        elif cut == "torn" and number == len(node.changes) - 1 and parts:
            parts = parts[: choice.randrange(len(parts))]
        else:
            parts = [change]
        for part in parts:
            _applied(image, part)
    return bytes(image)


def _sectors(change: Change) -> list[Change]:
    """A write as writes that are never torn; nothing for a change of length."""
    if change.data is None:
        return []
    parts, at, data = [], change.at, change.data
    while data:
        size = SECTOR - at % SECTOR
        parts.append(Change(at, data[:size]))
        at, data = at + size, data[size:]
    return parts
