"""A world for inputs: real files, and a clock that moves only when somebody waits."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter

from pipeline.env.real import RealFiles

NAMES = itertools.count(1)
START = 1_800_000_000_000_000


class VirtualClock:
    """Sleeping moves the time; nothing else does."""

    def __init__(self):
        self.elapsed = 0.0

    def now(self):
        return START + round(self.elapsed * 1_000_000)

    def monotonic(self):
        return self.elapsed

    async def sleep(self, seconds):
        self.elapsed += seconds
        await asyncio.sleep(0)


class Heard:
    """A log that keeps what it was told."""

    def __init__(self):
        self.warnings = []

    def info(self, message, **fields):
        raise AssertionError(f"normal operation logs nothing: {message}")

    def warning(self, message, **fields):
        self.warnings.append((message, fields))

    error = warning


class Counted(Counter):
    """Metrics that are only counted."""

    def count(self, name, value=1):
        self[name] += value

    def gauge(self, name, value):
        self[name] = value


class World:
    """An `api.Context` with `once` and `files` to choose."""

    node = "access"
    host = "test"

    def __init__(self, *, once=False, files=None, clock=None):
        self.once = once
        self.files = files or RealFiles()
        self.clock = clock or VirtualClock()
        self.log = Heard()
        self.metrics = Counted()

    def unique(self):
        return f"{next(NAMES):016x}"

    async def run(self, work, *arguments):
        return work(*arguments)
