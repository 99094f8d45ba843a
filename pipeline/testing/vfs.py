"""SQLite on the simulated disk, so that the pages of the database and of its log meet the same power cuts as any file.

It does what SQLite's own VFS for Unix does: it writes until all is written, syncs the folder when it first syncs a log that
it might have made (whether or not it was there), and promises that a write changes nothing outside its range.
"""

# ruff: noqa: N802 — the names are SQLite's

from __future__ import annotations

import errno
import os

import apsw

from pipeline.testing.calls import current
from pipeline.testing.kernel import Kernel

NAME = "simulated"

_POWERSAFE_OVERWRITE = 0x1000


class _File:
    """`apsw.VFSFile` over a descriptor of the kernel that it was opened on."""

    def __init__(self, path: str | None, flags: list[int]) -> None:
        self._kernel = current()
        self._path = path
        self._at_close = bool(flags[0] & apsw.SQLITE_OPEN_DELETEONCLOSE)
        log = bool(flags[0] & (apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL))
        self._unnamed = path is not None and log and bool(flags[0] & apsw.SQLITE_OPEN_CREATE)
        self._descriptor = self._kernel.anonymous() if path is None else self._kernel.open(path, os.O_RDWR | os.O_CREAT)
        flags[1] = flags[0]

    def xRead(self, amount: int, offset: int) -> bytes:
        return b"" if self._kernel.gone else self._kernel.pread(self._descriptor, amount, offset)

    def xWrite(self, data: bytes, offset: int) -> None:
        rest = bytes(data)
        while rest and not self._kernel.gone:
            try:
                written = self._kernel.pwrite(self._descriptor, rest, offset)
            except OSError as error:
                raise _full() if error.errno == errno.ENOSPC else _broken(apsw.SQLITE_IOERR_WRITE) from error
            rest, offset = rest[written:], offset + written

    def xTruncate(self, size: int) -> None:
        if not self._kernel.gone:
            self._kernel.ftruncate(self._descriptor, size)

    def xSync(self, flags: int) -> None:
        if self._kernel.gone:
            return
        try:
            self._kernel.fsync(self._descriptor)
            if self._unnamed and self._path is not None:
                _sync_folder(self._kernel, self._path)
                self._unnamed = False
        except OSError as error:
            raise _full() if error.errno == errno.ENOSPC else _broken(apsw.SQLITE_IOERR_FSYNC) from error

    def xFileSize(self) -> int:
        return 0 if self._kernel.gone else self._kernel.fstat(self._descriptor).st_size

    def xClose(self) -> None:
        if not self._kernel.gone:
            self._kernel.close(self._descriptor)
            if self._at_close and self._path is not None:
                self._kernel.unlink(self._path)

    def xLock(self, level: int) -> None:
        """One process at a time: `Files.lock` of the state directory sees to it."""

    def xUnlock(self, level: int) -> None:
        """Nothing was locked."""

    def xCheckReservedLock(self) -> bool:
        return False

    def xFileControl(self, op: int, pointer: int) -> bool:
        return False

    def xSectorSize(self) -> int:
        return 4096

    def xDeviceCharacteristics(self) -> int:
        return _POWERSAFE_OVERWRITE


class _Vfs(apsw.VFS):
    seed = b""

    def __init__(self) -> None:
        super().__init__(NAME, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> _File:  # type: ignore[override]
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        return _File(path, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        on = current()
        if on.gone:
            return
        if on.disk.find(filename) is None:
            raise _broken(apsw.SQLITE_IOERR_DELETE_NOENT)
        on.unlink(filename)
        if syncdir:
            try:
                _sync_folder(on, filename)
            except OSError as error:
                raise _full() if error.errno == errno.ENOSPC else _broken(apsw.SQLITE_IOERR_DIR_FSYNC) from error

    def xAccess(self, pathname: str, flags: int) -> bool:
        node = current().disk.find(pathname)
        return node is not None and (flags != apsw.SQLITE_ACCESS_EXISTS or bool(node.seen))

    def xFullPathname(self, name: str) -> str:
        return name

    def xRandomness(self, numbytes: int) -> bytes:
        return (self.seed * (numbytes // max(1, len(self.seed)) + 1))[:numbytes]


def _sync_folder(on: Kernel, path: str) -> None:
    descriptor = on.open(path.rpartition("/")[0], os.O_RDONLY)
    try:
        on.fsync(descriptor)
    finally:
        on.close(descriptor)


def _full() -> apsw.FullError:
    return apsw.FullError("no space left on the simulated disk")


def _broken(code: int) -> apsw.IOError:
    error = apsw.IOError("the simulated disk failed")
    error.extendedresult = code  # type: ignore[attr-defined]  # which is how APSW wants it
    return error


_vfs: list[_Vfs] = []


def registered(seed: bytes) -> str:
    """The name of the VFS, which is there from the first call on; SQLite's random numbers begin anew from `seed`.

    SQLite has one source of them for the whole process, which asks the default VFS for its seed."""
    if not _vfs:
        _vfs.append(_Vfs())
    _vfs[0].seed = seed
    default = apsw.vfs_names()[0]
    apsw.set_default_vfs(NAME)
    apsw.randomness(0)
    apsw.randomness(1)
    apsw.set_default_vfs(default)
    return NAME
