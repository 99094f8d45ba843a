"""Files that are watched for changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from pipeline.agent.supervision import cancel
from pipeline.cli.failures import say
from pipeline.env import Env, Stat

PERIOD = 0.5
"""Seconds between two looks. A change is told by the second look that sees the same, so that no half-written file is read."""


class Watch:
    """Calls `changed` when one of the files of `over` changes, until it is closed. Use on one event loop."""

    def __init__(self, env: Env, changed: Callable[[], None]) -> None:
        self._env = env
        self._changed = changed
        self._known: Mapping[Path, Stat | None] = {}
        self._task: asyncio.Task[None] | None = None

    async def over(self, files: Iterable[Path]) -> None:
        """Watch these files instead. A change of one that was watched before is told, whenever it came."""
        seen = await self._env.run(self._look, tuple(files))
        self._known = {path: self._known.get(path, stat) for path, stat in seen.items()}
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        for error in await cancel([self._task] if self._task is not None else []):
            say("warning", f"the program was not watched to the end: {error!r}")

    async def _run(self) -> None:
        last = self._known
        while True:
            await self._env.clock.sleep(PERIOD)
            seen = await self._env.run(self._look, tuple(self._known))
            if seen == last and seen.keys() == self._known.keys() and seen != self._known:
                self._known = seen
                self._changed()
            last = seen

    def _look(self, files: Iterable[Path]) -> dict[Path, Stat | None]:
        return {path: self._stat(path) for path in files}

    def _stat(self, path: Path) -> Stat | None:
        try:
            return self._env.files.stat(path)
        except OSError:
            return None
