"""What a plugin sees of the world: `ctx`, and nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol, TypeVar

from pipeline.env import Clock, Files

T = TypeVar("T")


class Log(Protocol):
    """Structured log of the engine. Normal operation logs nothing; values are escaped and capped by the engine."""

    def info(self, message: str, /, **fields: object) -> None: ...
    def warning(self, message: str, /, **fields: object) -> None: ...
    def error(self, message: str, /, **fields: object) -> None: ...


class Meter(Protocol):
    """What this node says of itself while it runs: counters (summed by the engine), gauges, and tables.

    Any thread may call. Names begin with the plugin's: `grok.matched`."""

    def count(self, name: str, /, value: int = 1) -> None: ...
    def gauge(self, name: str, /, value: float) -> None: ...

    def table(self, name: str, /, rows: Callable[[], Sequence[Mapping[str, object]]]) -> None:
        """A table that `pipe top --node` shows. `rows` is called when somebody looks, in a thread of its own, and gives JSON values; it
        should take less than a second."""
        ...


class Context(Protocol):
    """Given to `open`. `files` and `run` are the engine's world: use them instead of the standard library's."""

    @property
    def node(self) -> str:
        """The plugin's name in the program."""
        ...

    @property
    def host(self) -> str:
        """This machine's name, as in `@host`."""
        ...

    @property
    def once(self) -> bool:
        """True when inputs shall end at what was there at the start."""
        ...

    @property
    def clock(self) -> Clock:
        """`now()` in microseconds since 1970 (UTC), `monotonic()` in seconds, `await sleep(seconds)`."""
        ...

    @property
    def files(self) -> Files:
        """Local files. All methods block: call them by `run`. They raise OSError as the operating system does."""
        ...

    @property
    def log(self) -> Log:
        """For what somebody should look at. Any thread may call."""
        ...

    @property
    def metrics(self) -> Meter:
        """For what is counted."""
        ...

    def unique(self) -> str:
        """A new random name, 16 hex digits."""
        ...

    def run(self, work: Callable[..., T], *arguments: object) -> Awaitable[T]:
        """Run blocking work in a worker thread. Cancelled, it stops waiting; the work itself goes to its end."""
        ...
