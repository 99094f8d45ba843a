"""The event loop is watched: what blocks it is named."""

from __future__ import annotations

import asyncio
import threading

import pytest

from pipeline.cli.watchdog import LATE, watching

PERIOD = 0.02


def blocking(told: threading.Event) -> None:
    """Something that a plugin should not do on the loop."""
    assert told.wait(30)


@pytest.mark.parametrize("stops", [1, 2])
def test_what_blocks_the_loop_is_named_once_each_time(stops: int) -> None:
    """With file, line and function; and again when the loop goes on."""
    said: list[str] = []
    standing, going = threading.Event(), asyncio.Event()

    async def work() -> None:
        loop = asyncio.get_running_loop()

        def hear(text: str) -> None:
            said.append(text)
            if "stands still" in text:
                standing.set()
            else:
                loop.call_soon_threadsafe(going.set)

        with watching(hear, PERIOD):
            for _ in range(stops):
                blocking(standing)
                await asyncio.wait_for(going.wait(), 30)
                standing.clear()
                going.clear()

    asyncio.run(work())
    assert len(said) == 2 * stops
    place = f"cli/test_watchdog.py:{blocking.__code__.co_firstlineno + 2} (blocking)"
    told = f"the event loop stands still, in {place}; whatever blocks belongs into ctx.run"
    assert said[::2] == [told] * stops
    assert all(text.startswith("the event loop goes on after ") for text in said[1::2])


def test_a_loop_that_waits_stands_not_still() -> None:
    """However long nothing happens."""
    said: list[str] = []

    async def work() -> None:
        with watching(said.append, PERIOD):
            await asyncio.sleep(PERIOD * (LATE + 5))

    asyncio.run(work())
    assert said == []
