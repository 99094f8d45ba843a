"""The real world: POSIX files, SQLite through APSW, the system's clock, worker threads."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import glob
import hashlib
import os
import resource
import secrets
import socket
import stat as modes
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from pipeline.env import FULL, AppendFile, Database, Disk, ReadFile, Stat, locks
from pipeline.env.links import followed
from pipeline.errors import BrokenDiskError, StateError

T = TypeVar("T")

_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC


class RealClock:
    def now(self) -> int:
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class RealReadFile:
    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor = descriptor
        self._path = path

    def pread(self, size: int, offset: int) -> bytes:
        return os.pread(self._descriptor, size, offset)

    def stat(self) -> Stat:
        return _stat(os.fstat(self._descriptor), _born(self._descriptor, ""))

    def hole(self) -> int:
        try:
            return os.lseek(self._descriptor, 0, os.SEEK_DATA)
        except OSError as error:
            # ENXIO: there is no data at all.
            return os.fstat(self._descriptor).st_size if error.errno == errno.ENXIO else 0

    def close(self) -> None:
        os.close(self._descriptor)


class RealAppendFile:
    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor = descriptor
        self._path = path

    def append(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def sync(self) -> None:
        try:
            os.fdatasync(self._descriptor)
        except OSError as error:
            raise _broken(self._path, error) from error

    def truncate(self, size: int) -> None:
        os.ftruncate(self._descriptor, size)

    def stat(self) -> Stat:
        return _stat(os.fstat(self._descriptor), 0)

    def close(self) -> None:
        os.close(self._descriptor)


class RealFiles:
    def read(self, path: Path) -> ReadFile:
        descriptor = os.open(path, _READ)
        try:
            _regular(descriptor, path)
        except OSError:
            os.close(descriptor)
            raise
        return RealReadFile(descriptor, path)

    def append(self, path: Path) -> AppendFile:
        if not path.exists():
            self.folder(path.parent)
        descriptor = os.open(path, _APPEND, 0o644)
        try:
            _regular(descriptor, path)
            locks.hold(descriptor, path)
            if os.fstat(descriptor).st_size == 0:
                # New, or left by a try that failed before its name was durable.
                _sync_folder(path.parent)
        except (OSError, StateError):
            os.close(descriptor)
            raise
        return RealAppendFile(descriptor, path)

    def write(self, path: Path, parts: Iterable[bytes]) -> None:
        self.folder(path.parent)
        # Short, so that every name that fits a folder has one; the same each time, so that a crash leaves at most one behind.
        temporary = path.with_name(f"_{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]}.tmp")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            try:
                file = RealAppendFile(descriptor, temporary)
                for part in parts:
                    file.append(part)
                file.sync()
            finally:
                os.close(descriptor)
            self.rename(temporary, path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise

    def stat(self, path: Path) -> Stat | None:
        try:
            found = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return _stat(found, _born(_AT_FDCWD, str(path)))

    def trusted(self, path: Path, stat: Stat) -> bool:
        owners, found = followed(path)
        if (found.st_dev, found.st_ino) != (stat.device, stat.inode):
            raise FileNotFoundError(errno.ENOENT, "another file is there now", str(path))
        return owners <= {0, os.geteuid(), found.st_uid}

    def glob(self, pattern: str) -> Sequence[Path]:
        found = glob.glob(pattern, recursive=True, include_hidden=True)  # noqa: PTH207 — patterns may be absolute
        return [Path(name) for name in sorted(found)]

    def folder(self, path: Path, *, private: bool = False) -> None:
        missing = []
        at = path
        while not at.exists():
            missing.append(at)
            at = at.parent
        for folder in reversed(missing):
            folder.mkdir(mode=0o700 if private else 0o777, exist_ok=True)
            _sync_folder(folder.parent)

    def rename(self, old: Path, new: Path) -> None:
        old.replace(new)
        _sync_folder(new.parent)

    def remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def disk(self, path: Path) -> Disk:
        found = os.statvfs(path)
        return Disk(found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize)

    @property
    def handles(self) -> int:
        most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return sys.maxsize if most == resource.RLIM_INFINITY else most

    def reserve(self, path: Path, size: int) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(descriptor, 0, size)
            else:
                RealAppendFile(descriptor, path).append(bytes(size))
        except OSError:
            with suppress(OSError):
                path.unlink()
            raise
        finally:
            os.close(descriptor)

    def lock(self, path: Path) -> Callable[[], None] | None:
        return locks.take(path)


class RealEnv:
    """The process's own world. `close` ends the worker threads.

    `workers` threads do what `run` is given: the lanes of the flow, and beside them the plugins' own files. The store has a
    thread of its own."""

    def __init__(self, workers: int = 3, variables: Mapping[str, str] | None = None) -> None:
        self.files = RealFiles()
        self.clock = RealClock()
        self.variables: Mapping[str, str] = dict(os.environ) if variables is None else variables
        self.host = socket.gethostname()
        self._workers = ThreadPoolExecutor(workers, thread_name_prefix="pipe-work")
        self._store = ThreadPoolExecutor(1, thread_name_prefix="pipe-store")

    def database(self, path: Path) -> Database:
        from pipeline.env.sqlite import SqliteDatabase

        return SqliteDatabase(path)

    def random(self, size: int) -> bytes:
        return secrets.token_bytes(size)

    async def run(self, work: Callable[..., T], *arguments: object) -> T:
        return await self._in(self._workers, work, *arguments)

    async def apart(self, work: Callable[..., T], *arguments: object) -> T:
        return await self._in(self._store, work, *arguments)

    async def _in(self, threads: ThreadPoolExecutor, work: Callable[..., T], *arguments: object) -> T:
        job = asyncio.get_running_loop().run_in_executor(threads, work, *arguments)
        try:
            return await asyncio.shield(job)
        except asyncio.CancelledError:
            # A thread cannot be stopped: who cancels must not go on while it still uses what it was given.
            await asyncio.wait({job})
            raise

    def close(self) -> None:
        self._workers.shutdown(wait=True, cancel_futures=True)
        self._store.shutdown(wait=True, cancel_futures=True)


def _regular(descriptor: int, path: Path) -> None:
    mode = os.fstat(descriptor).st_mode
    if modes.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "is a directory", str(path))
    if not modes.S_ISREG(mode):
        raise OSError(errno.EINVAL, "is not a regular file", str(path))


def _stat(found: os.stat_result, born: int) -> Stat:
    kind = "file" if modes.S_ISREG(found.st_mode) else "folder" if modes.S_ISDIR(found.st_mode) else "other"
    return Stat(
        kind=kind,  # type: ignore[arg-type]  # the three literals above
        size=found.st_size,
        device=found.st_dev,
        inode=found.st_ino,
        born=born,
        modified=found.st_mtime_ns // 1000,
        owner=found.st_uid,
    )


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        raise _broken(path, error) from error
    finally:
        os.close(descriptor)


def _broken(path: Path, error: OSError) -> OSError | BrokenDiskError:
    """A full disk may report itself at fsync and heals; anything else means that written pages may be lost for good."""
    if error.errno in FULL:
        return error
    return BrokenDiskError(
        f"{path}: the disk refused to make written data durable: {error.strerror}",
        "Check the disk and the kernel log; start again when it is healthy. Committed data is not affected.",
    )


# ── birth times: statx(2), which Python 3.11 does not offer ──────────────────────────────────────────────────────────

_AT_FDCWD = -100
_AT_EMPTY_PATH = 0x1000
_STATX_BTIME = 0x800


class _Timestamp(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_int64), ("nanoseconds", ctypes.c_uint32), ("reserved", ctypes.c_int32))


class _Statx(ctypes.Structure):
    _fields_ = (
        ("mask", ctypes.c_uint32),
        ("head", ctypes.c_uint8 * 60),
        ("accessed", _Timestamp),
        ("born", _Timestamp),
        ("tail", ctypes.c_uint8 * 160),
    )


_statx = getattr(ctypes.CDLL(None), "statx", None)


def _born(folder: int, path: str) -> int:
    """Birth time in microseconds, or 0 where the kernel or file system does not know it."""
    if _statx is None:
        return 0
    found = _Statx()
    flags = 0 if path else _AT_EMPTY_PATH
    if (
        _statx(folder, os.fsencode(path), flags, _STATX_BTIME, ctypes.byref(found)) != 0
        or not found.mask & _STATX_BTIME
    ):
        return 0
    return int(found.born.seconds) * 1_000_000 + int(found.born.nanoseconds) // 1000
