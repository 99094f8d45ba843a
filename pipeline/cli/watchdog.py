"""Tells when the event loop stands still: what blocks it, instead of waiting, holds up all sources and sinks at once."""

from __future__ import annotations

import asyncio
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

PERIOD = 1.0
"""Seconds between two looks. The loop is woken once in each."""

LATE = 2
"""Looks that find the loop at the same place before it is told. Looks are counted, not seconds: a process that was stopped and
goes on has not blocked anything."""

_LIBRARY = tuple(
    f"{sysconfig.get_path('stdlib')}/{part}"
    for part in ("asyncio/", "selectors", "threading", "concurrent/", "socket", "ssl", "subprocess")
)
"""Modules of Python that are waited in."""


@contextmanager
def watching(tell: Callable[[str], None], period: float = PERIOD) -> Iterator[None]:
    """Watch the running loop inside the block, from a thread of its own, in which `tell` is called: once when the loop stands
    still, with the place in the code, and once when it goes on."""
    watchdog = _Watchdog(asyncio.get_running_loop(), tell, period)
    thread = threading.Thread(target=watchdog.run, name="pipe-watchdog", daemon=True)
    thread.start()
    try:
        yield
    finally:
        watchdog.over.set()
        thread.join()


class _Watchdog:
    def __init__(self, loop: asyncio.AbstractEventLoop, tell: Callable[[str], None], period: float) -> None:
        self._loop = loop
        self._tell = tell
        self._period = period
        self._thread = threading.get_ident()
        self._answered = threading.Event()
        self.over = threading.Event()

    def run(self) -> None:
        late = 0
        self._ask()
        while not self.over.wait(self._period):
            if not self._answered.is_set():
                late += 1
                if late == LATE:
                    self._tell(f"the event loop stands still{self._place()}; whatever blocks belongs into ctx.run")
                continue
            if late >= LATE:
                self._tell(f"the event loop goes on after {late * self._period:.0f} s")
            late = 0
            self._ask()

    def _ask(self) -> None:
        self._answered.clear()
        # The loop may be closed by now.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._answered.set)

    def _place(self) -> str:
        """Where the loop's thread is: the innermost place outside of Python's own library."""
        inner: FrameType | None = sys._current_frames().get(self._thread)  # noqa: SLF001 — the one way to see another thread
        frame = inner
        while frame is not None and frame.f_code.co_filename.startswith(_LIBRARY):
            frame = frame.f_back
        frame = frame or inner
        if frame is None:
            return ""
        path = Path(frame.f_code.co_filename)
        return f", in {'/'.join(path.parts[-2:])}:{frame.f_lineno} ({frame.f_code.co_qualname})"
