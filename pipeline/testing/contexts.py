"""A `ctx` for tests: time that passes at once, and a log, counters and files that can be asserted on."""

from __future__ import annotations

import asyncio
import errno
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, TypeVar

from pipeline.env import Clock, Files
from pipeline.env.real import RealFiles
from pipeline.testing.life import EPOCH

T = TypeVar("T")


class FakeClock:
    """Time stands still but for `sleep`, which lets it pass at once, and `advance`."""

    def __init__(self, start: int = EPOCH) -> None:
        self._passed = 0.0
        self._start = start
        self.sleeps: list[float] = []
        """The seconds of every `sleep`."""

    def now(self) -> int:
        return self._start + int(self._passed * 1e6)

    def monotonic(self) -> float:
        return self._passed

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._passed += seconds

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.advance(max(seconds, 0))
        # Others get their turn, the world outside too: it does not know that time has passed.
        await asyncio.sleep(min(max(seconds, 0), 0.001))


class FakeLog:
    """Keeps what is said: (level, message, fields)."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str, Mapping[str, object]]] = []

    def info(self, message: str, /, **fields: object) -> None:
        self.said.append(("info", message, fields))

    def warning(self, message: str, /, **fields: object) -> None:
        self.said.append(("warning", message, fields))

    def error(self, message: str, /, **fields: object) -> None:
        self.said.append(("error", message, fields))


class FakeMetrics:
    """Keeps what is counted."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.gauges: dict[str, float] = {}
        self.tables: dict[str, Callable[[], Sequence[Mapping[str, object]]]] = {}

    def count(self, name: str, /, value: int = 1) -> None:
        self.counts[name] += value

    def gauge(self, name: str, /, value: float) -> None:
        self.gauges[name] = value

    def table(self, name: str, /, rows: Callable[[], Sequence[Mapping[str, object]]]) -> None:
        self.tables[name] = rows


@dataclass
class FakeContext:
    """`pipeline.api.Context` for tests. With `fails_at`, the n-th use of the world raises OSError.

    It is a context manager: at its end, work in threads is waited for."""

    node: str = "node"
    host: str = "host"
    once: bool = True
    clock: Clock = field(default_factory=FakeClock)
    log: FakeLog = field(default_factory=FakeLog)
    metrics: FakeMetrics = field(default_factory=FakeMetrics)
    fails_at: int | None = None
    uses: int = 0
    _files: Files = field(default_factory=RealFiles)
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2, "ctx"))

    @property
    def files(self) -> Files:
        self._use()
        return self._files

    def unique(self) -> str:
        self._use()
        return f"{self.uses:016x}"

    def run(self, work: Callable[..., T], *arguments: object) -> Awaitable[T]:
        self._use()
        return asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._threads.shutdown(wait=True)

    def _use(self) -> None:
        self.uses += 1
        if self.uses == self.fails_at:
            raise OSError(errno.EIO, "the test says so")
