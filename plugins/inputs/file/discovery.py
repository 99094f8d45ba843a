"""Which files the globs name now, and which of those cannot be read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from pipeline import api
from pipeline.api.world import Files, Stat

from .naming import text_of
from .rules import TICK

_MAGIC = re.compile(r"[*?\[]")
_FOLDERS = 100


class Finder:
    """Expands globs. A path that cannot be read is told once, until it can be read again."""

    def __init__(self, globs: Sequence[str], exclude: Sequence[str], ctx: api.Context) -> None:
        self._globs = globs
        self._exclude = exclude
        self._files: Files = ctx.files
        self._log = ctx.log
        self._metrics = ctx.metrics
        self._told: dict[Path, str] = {}
        self._folders: dict[Path, int] = {}

    def scan(self) -> dict[Path, Stat]:
        """Regular files that match now, sorted by path."""
        found: dict[Path, Stat] = {}
        matched: set[Path] = set()
        folders = {_base(pattern) for pattern in self._globs}
        for pattern in self._globs:
            for path in self._files.glob(pattern):
                if path in matched or not self._wanted(path, pattern):
                    continue
                matched.add(path)
                folders.add(path.parent)
                try:
                    stat = self._files.stat(path)
                except OSError as error:
                    self.tell(path, (error.strerror or str(error)).lower())
                    continue
                if stat is None:
                    continue
                if stat.kind == "file":
                    found[path] = stat
                else:
                    self.tell(path, "is a folder" if stat.kind == "folder" else "is not a regular file")
        self._told = {path: reason for path, reason in self._told.items() if path in matched}
        self._folders = {folder: self._modified(folder) for folder in folders}
        return dict(sorted(found.items()))

    def unmatched(self) -> list[str]:
        """Globs that match nothing now."""
        return [
            pattern
            for pattern in self._globs
            if not any(self._wanted(path, pattern) for path in self._files.glob(pattern))
        ]

    def changed(self, now: int) -> bool:
        """True when a name may have come or gone since the last scan.

        A folder's modification time says so, which is one `stat` a folder; a watch on the folder would report every
        write to a busy log as well. A folder that changed within the last second may change again in the same tick.
        With very many folders only the regular scans tell."""
        return len(self._folders) <= _FOLDERS and any(
            modified != self._modified(folder) or abs(now - modified) < TICK
            for folder, modified in self._folders.items()
        )

    def tell(self, path: Path, reason: str) -> None:
        """Warn of a path that cannot be read, once for each reason."""
        if self._told.get(path) != reason:
            self._told[path] = reason
            self._metrics.count("files_unreadable")
            self._log.warning("cannot read file", path=text_of(path), reason=reason)

    def readable(self, path: Path) -> None:
        """The path was read: another failure is worth telling again."""
        self._told.pop(path, None)

    @property
    def told(self) -> dict[Path, str]:
        """Paths that cannot be read, with reasons."""
        return self._told

    def _modified(self, folder: Path) -> int:
        try:
            stat = self._files.stat(folder)
        except OSError:
            return 0
        return stat.modified if stat is not None else 0

    def _wanted(self, path: Path, pattern: str) -> bool:
        return not (hidden(path, pattern) or any(excluded(path, glob) for glob in self._exclude))


def hidden(path: Path, pattern: str) -> bool:
    """True for names that begin with `_` or `.` (ours are temporary) unless the glob spells that character out."""
    base = len(_base(pattern).parts)
    spelled = {part[0] for part in Path(pattern).parts[base:]}
    return any(part[0] in "._" and part[0] not in spelled for part in path.parts[base:])


def excluded(path: Path, glob: str) -> bool:
    """A glob without a slash is compared with the name, any other with the whole path."""
    return fnmatchcase(str(path) if "/" in glob else path.name, glob)


def _base(pattern: str) -> Path:
    """The folder before the first wildcard; the parent of a plain path."""
    parts = Path(pattern).parts
    literal = next((at for at, part in enumerate(parts) if _MAGIC.search(part)), len(parts) - 1)
    return Path(*parts[:literal])
