"""What every simulated life of a process has: a beginning, virtual time, work that runs inline, and an end that cannot be caught."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")

EPOCH = 1_790_000_000_000_000
"""The wall clock (µs) when a world begins."""


class Crash(BaseException):
    """The process is dead. Not an Exception: nobody can catch it by accident."""


class VirtualClock:
    """The time of the event loop. The wall clock is `start` (µs) and that; `point` is told of a sleep before it begins."""

    def __init__(self, start: Callable[[], int], point: Callable[[str], None]) -> None:
        self._start = start
        self._point = point
        self._last = 0.0

    def now(self) -> int:
        return self._start() + round(self.monotonic() * 1e6)

    def monotonic(self) -> float:
        with suppress(RuntimeError):
            self._last = asyncio.get_running_loop().time()
        return self._last

    async def sleep(self, seconds: float) -> None:
        self._point("sleep")
        await asyncio.sleep(seconds)


class Inline:
    """`run` and `apart` of an `Env` that has no threads."""

    def run(self, work: Callable[..., T], *arguments: object) -> Awaitable[T]:
        async def inline() -> T:
            # As with threads, others go on before the work begins and before its result is seen; and as with threads, work
            # that was begun comes to its end when the one who waits for it is cancelled.
            await asyncio.sleep(0)
            result = work(*arguments)
            await asyncio.sleep(0)
            return result

        return inline()

    def apart(self, work: Callable[..., T], *arguments: object) -> Awaitable[T]:
        return self.run(work, *arguments)
