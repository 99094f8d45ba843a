"""Watching a plugin's coroutines: cancelled at any await, on a loop that must not stand still, and what they leave behind."""

from __future__ import annotations

import asyncio
import sys
import threading
import traceback
from collections.abc import Awaitable, Generator
from pathlib import Path
from typing import Any, Generic, Self, TypeVar

T = TypeVar("T")

LATE = 30
"""Ticks of 10 ms in a row that a loop may not answer."""

PATIENCE = 2.0
"""Seconds that the world gets to notice that something was closed."""


class Stepped(Generic[T]):
    """Awaits something and counts how often it waits; the `cancel_at`-th time it is cancelled."""

    def __init__(self, work: Awaitable[T], cancel_at: int | None = None) -> None:
        self._work = work
        self._cancel_at = cancel_at
        self.steps = 0

    def __await__(self) -> Generator[Any, Any, T]:
        inner = self._work.__await__()
        sent: Any = None
        thrown: BaseException | None = None
        while True:
            try:
                waited = inner.send(sent) if thrown is None else inner.throw(thrown)
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]
            self.steps += 1
            if self.steps == self._cancel_at and (task := asyncio.current_task()) is not None:
                task.cancel()
            sent, thrown = None, None
            try:
                sent = yield waited
            except BaseException as error:  # noqa: BLE001 — handed on to what waits
                thrown = error


class Watchdog:
    """Notices a loop that stands still, and where. Its ticks are its own, so that a busy machine is not taken for a plugin
    that blocks."""

    def __init__(self) -> None:
        self.stack: list[str] = []
        """Where the loop stood, the innermost place last; empty when it never did."""
        self._stop = threading.Event()

    async def __aenter__(self) -> Self:
        loop, thread = asyncio.get_running_loop(), threading.get_ident()
        self._thread = threading.Thread(target=self._watch, args=(loop, thread), daemon=True, name="watchdog")
        self._thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()

    def _watch(self, loop: asyncio.AbstractEventLoop, thread: int) -> None:
        while not self._stop.wait(0.005):
            answered = threading.Event()
            try:
                loop.call_soon_threadsafe(answered.set)
            except RuntimeError:
                return
            late = 0
            while not answered.wait(0.01) and not self._stop.is_set():
                late += 1
                if late == LATE and not self.stack:
                    self.stack = traceback.format_stack(sys._current_frames()[thread])  # noqa: SLF001 — the only way to look


def open_things() -> dict[str, str]:
    """File descriptors and threads of this process, with what they are."""
    found = {f"thread {thread.name}": "" for thread in threading.enumerate() if not _ours(thread.name)}
    folder = Path("/proc/self/fd")
    for entry in folder.iterdir() if folder.is_dir() else ():
        try:
            target = str(entry.readlink())
        except OSError:
            continue
        if "/proc/" not in target:
            found[f"file descriptor {entry.name}"] = target
    return found


def _ours(name: str) -> bool:
    return name.startswith(("watchdog", "ctx", "asyncio_", "MainThread"))


async def left_open(before: dict[str, str]) -> list[str]:
    """What is open now and was not before, once the world had time to notice; tasks of this loop too."""
    loop = asyncio.get_running_loop()
    until = loop.time() + PATIENCE
    while True:
        tasks = [f"the task {_told(task)}" for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        things = [
            f"{name} ({target})" if target else name
            for name, target in open_things().items()
            if before.get(name) != target
        ]
        if not (tasks or things) or loop.time() > until:
            return [*tasks, *things]
        await asyncio.sleep(0.01)


def _told(task: asyncio.Task[Any]) -> str:
    work = task.get_coro()
    return getattr(work, "__qualname__", str(work))
