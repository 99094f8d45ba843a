"""What is made of a file that others replace: made anew when the file has changed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from pipeline import api
from pipeline.api.world import Files

T = TypeVar("T")

Version = tuple[int, ...] | None


class Refreshed(Generic[T]):
    """A `current` thing of a file, which a batch reads once: another may take its place at any time.

    `make` makes it, in a thread, and raises PipeError or OSError where the file is no good; `refused` makes an error of why the file cannot
    be used. A file that is no good changes nothing: what is there goes on, and the log says so. `what` names the thing there."""

    def __init__(
        self, path: Path, what: str, make: Callable[[Files], T], refused: Callable[[str], api.PipeError]
    ) -> None:
        self.current: T | None = None
        self._path = path
        self._what = what
        self._make = make
        self._refused = refused
        self._version: Version = None
        self._watching: asyncio.Task[None] | None = None

    async def open(self, ctx: api.Context, every: int | None) -> None:
        """Make it, and look every so often (µs) whether the file has changed; never for None, or with `ctx.once`. Raises PipeError."""
        self._version, self.current = await ctx.run(self._made, ctx.files)
        if every is not None and not ctx.once:
            self._watching = asyncio.create_task(self._watch(ctx, every / 1_000_000))

    async def close(self) -> None:
        """Look no more. What is there can still be used."""
        watching, self._watching = self._watching, None
        if watching is not None:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching

    async def _watch(self, ctx: api.Context, seconds: float) -> None:
        while True:
            await ctx.clock.sleep(seconds)
            try:
                if await ctx.run(_version, ctx.files, self._path) == self._version:
                    continue
                self._version, self.current = await ctx.run(self._made, ctx.files)
                ctx.log.info(f"the {self._what} was read anew", file=str(self._path))  # noqa: G004 — two fixed words
            except (OSError, api.PipeError) as error:
                told = f"the {self._what} could not be read again; the previous one stays in use"
                ctx.log.warning(told, file=str(self._path), why=str(error))

    def _made(self, files: Files) -> tuple[Version, T]:
        """The thing as its file is now, and which version of the file that is. Blocks."""
        try:
            version = _version(files, self._path)
            if version is None:
                raise self._refused("there is no such file")
            made = self._make(files)
            if _version(files, self._path) != version:
                raise self._refused("it changed while it was read")
        except OSError as error:
            raise self._refused(f"it cannot be read: {error.strerror or error}") from error
        return version, made


def contents(files: Files, path: Path) -> bytes:
    """All bytes of a file. Blocks. Raises OSError."""
    file = files.read(path)
    try:
        parts, at = [], 0
        while part := file.pread(8 << 20, at):
            parts.append(part)
            at += len(part)
        return b"".join(parts)
    finally:
        file.close()


def _version(files: Files, path: Path) -> Version:
    stat = files.stat(path)
    return None if stat is None else (stat.device, stat.inode, stat.size, stat.modified)
