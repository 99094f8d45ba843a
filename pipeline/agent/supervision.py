"""Tasks that run beside each other: the first failure is heard at once, and an end leaves none behind."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from pipeline.env import Clock

Task = asyncio.Future[Any]
"""A task; what it gives is nobody's business here."""


async def first_failure(until: Task, others: Sequence[Task]) -> None:
    """Wait for `until`; raise the first error of any of the tasks."""
    running = {until, *others}
    while not until.done():
        done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error
    until.result()


async def cancel(tasks: Sequence[Task]) -> list[BaseException]:
    """Cancel all and wait for them. Gives the errors of those that had failed or failed while they ended."""
    for task in tasks:
        task.cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    return [end for end in ends if isinstance(end, BaseException) and not isinstance(end, asyncio.CancelledError)]


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
