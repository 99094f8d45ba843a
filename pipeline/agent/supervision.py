"""Tasks that run beside each other: the first failure is heard at once, and an end leaves none behind."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

from pipeline.env import Clock

Task = asyncio.Future[Any]
"""A task; what it gives is nobody's business here."""


class Crew:
    """Tasks that come and go while one other is waited for. The first error of any of them is everybody's."""

    def __init__(self) -> None:
        self._tasks: set[Task] = set()
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def start(self, work: Coroutine[Any, Any, None]) -> Task:
        """Begin a task; it is in the crew until it ends."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def until(self, work: Coroutine[Any, Any, None]) -> None:
        """Wait until this work, one more of the crew, is done. Raises the first error of any task."""
        task = self.start(work)
        await asyncio.wait((task, self._failure), return_when=asyncio.FIRST_COMPLETED)
        if self._failure.done():
            self._failure.result()
        task.result()

    async def disband(self) -> None:
        """Cancel all that still run and wait for them."""
        await cancel(list(self._tasks))
        if not self._failure.cancel():
            self._failure.exception()

    def _ended(self, task: Task) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not self._failure.done():
            self._failure.set_exception(error)


async def cancel(tasks: Sequence[Task]) -> list[BaseException]:
    """Cancel all and wait for them. Gives the errors of those that had failed or failed while they ended."""
    for task in tasks:
        task.cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    return [end for end in ends if isinstance(end, BaseException) and not isinstance(end, asyncio.CancelledError)]


async def to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Wait for work that must be done whoever cancels the waiting: a cancellation is raised when it is done."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    if cancelled is not None:
        raise cancelled


async def within(clock: Clock, event: asyncio.Event, seconds: float) -> None:
    """Wait until the event is set, but not longer than `seconds`."""
    tasks: list[Task] = [asyncio.ensure_future(event.wait()), asyncio.ensure_future(clock.sleep(seconds))]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
