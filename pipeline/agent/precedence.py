"""Tables first: what is there of them when reading begins is read before the events that are to meet it."""

from __future__ import annotations

from collections.abc import Collection

from pipeline.env import Clock
from pipeline.plan.graph import AnyInput

PATIENCE = 1.0
"""Seconds for which an input may say nothing about what it has not read."""

LOOK = 0.05
"""Seconds between looks at what is not read."""


class Precedence:
    """The sources that are being read. `once`: they are read to their end."""

    def __init__(self, clock: Clock, *, once: bool) -> None:
        self._clock = clock
        self._once = once
        self._reading: dict[str, AnyInput] = {}
        self._in_hand: set[str] = set()

    def begin(self, name: str, source: AnyInput) -> None:
        """It is read from now on."""
        self._reading[name] = source

    def end(self, name: str) -> None:
        """It is not read any more."""
        self._reading.pop(name, None)

    def hold(self, name: str, *, held: bool) -> None:
        """It has given a batch, which is not taken yet; or that is taken, or dropped."""
        (self._in_hand.add if held else self._in_hand.discard)(name)

    async def wait(self, tables: Collection[str]) -> None:
        """Wait until the sources of tables have ended, or, where they need not end, have nothing more to read now. One that does not
        say what it has not read is given PATIENCE."""
        began = self._clock.monotonic()
        while any(self._unread(name, began) for name in tables if name in self._reading):
            await self._clock.sleep(LOOK)

    def _unread(self, name: str, began: float) -> bool:
        backlog = self._reading[name].backlog()
        silent = not backlog and self._clock.monotonic() - began < PATIENCE
        return self._once or silent or name in self._in_hand or any(backlog.values())
