"""SIGHUP before there is a program that could be reloaded. By default it would end the process."""

from __future__ import annotations

import signal
from types import FrameType

_came = False


def hold() -> None:
    """From now on, SIGHUP is only noted. Call it in the main thread."""
    signal.signal(signal.SIGHUP, _note)


def held() -> bool:
    """Whether a SIGHUP came since `hold`; asking takes it."""
    global _came
    came, _came = _came, False
    return came


def _note(_signal: int, _frame: FrameType | None) -> None:
    global _came
    _came = True
