"""An event loop on virtual time: when every task waits, the clock jumps to the next timer. A day takes a second."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


MICROSECOND = 1e-6


class StuckError(AssertionError):
    """Every task waits for something that can never happen."""


class _Jumping(selectors.PollSelector):
    """Never blocks: a wait for a timer becomes a jump of the loop's clock."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 0.0
        self.resting: list[asyncio.Future[None]] = []
        """Those that wait until every task waits."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.resting and (timeout is None or timeout > 0):
            for waiting in self.resting:
                if not waiting.done():
                    waiting.set_result(None)
            self.resting.clear()
            return super().select(0)
        if timeout is None:
            raise StuckError("every task waits and no timer is set")
        if timeout > 0:
            # In whole microseconds, as the engine counts: sums of floats would miss what is due by a hair.
            self.time = round(self.time + max(timeout, MICROSECOND), 6)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """`time()` is virtual and starts at 0."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)
        # That of the jumps. With the real one's a timer that is due within a rounding would never be run.
        self._clock_resolution = MICROSECOND
        self.set_exception_handler(_ignore)

    def time(self) -> float:
        return self._jumping.time

    async def rest(self) -> None:
        """Wait until every other task waits, for a later time or for ever. No time passes."""
        waiting = self.create_future()
        self._jumping.resting.append(waiting)
        await waiting


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end on a new virtual loop. What still waits then is cancelled."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(work)
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def _ignore(loop: asyncio.AbstractEventLoop, context: Mapping[str, object]) -> None:
    """A crashed world leaves tasks with errors that nobody reads."""
