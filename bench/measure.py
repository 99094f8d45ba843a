"""What work costs, taken from the operating system: CPU of all threads and children, wall-clock time, peak memory.

Contenders for the same work run in turn, in changing order, and each answer is compared with the expected one: a fast
wrong answer ends the benchmark.
"""

from __future__ import annotations

import gc
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

ZSTD = "`zstd -1`"

A = TypeVar("A")
T = TypeVar("T")


@dataclass(frozen=True)
class Cost:
    """CPU seconds (user and system, all threads and processes), wall-clock seconds, peak memory in MB."""

    cpu: float
    wall: float
    memory: float


@dataclass(frozen=True)
class Spread:
    """Median, least and most of some readings."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, readings: Iterable[float]) -> Spread:
        values = sorted(readings)
        return cls(statistics.median(values), values[0], values[-1])

    def text(self, form: str = ",.0f") -> str:
        """The median, and the range in brackets; the median alone when there is no range."""
        if self.least == self.most:
            return f"{self.median:{form}}"
        return f"{self.median:{form}} ({self.least:{form}} – {self.most:{form}})"


@dataclass(frozen=True)
class Contender(Generic[A]):
    """One way to do the work. `run` is measured; what `answer` makes of its result must equal `expected`."""

    name: str
    lines: int
    run: Callable[[], Any]
    answer: Callable[[Any], A]
    expected: A | None = None

    def result(self) -> A:
        """Do the work, unmeasured, and give the answer."""
        return self.answer(self.run())

    def expecting(self, expected: A) -> Contender[A]:
        """The same with the answer that it must give."""
        return replace(self, expected=expected)

    def once(self) -> Cost:
        """Do the work once. Ends the program when the answer is wrong."""
        cost, result = timed(self.run)
        got = self.answer(result)
        if got != self.expected:
            raise SystemExit(f"{self.name}: wrong answer {got}, expected {self.expected}")
        return cost


def alternate(contenders: Sequence[Contender[Any]], rounds: int, what: str) -> dict[str, list[Cost]]:
    """The costs of each contender by name: one round to warm up, then `rounds` in which they take turns."""
    costs: dict[str, list[Cost]] = {contender.name: [] for contender in contenders}
    for number in range(rounds + 1):
        progress(f"{what}: round {number} of {rounds}" if number else f"{what}: warming up")
        for contender in contenders if number % 2 else reversed(contenders):
            cost = contender.once()
            if number:
                costs[contender.name].append(cost)
    return costs


def rates(contender: Contender[Any], costs: Mapping[str, Sequence[Cost]]) -> list[float]:
    """Lines per second per core in each round."""
    return [contender.lines / cost.cpu for cost in costs[contender.name]]


def ratios(some: Sequence[float], others: Sequence[float]) -> Spread:
    """`some` against `others`, round by round."""
    return Spread.of(a / b for a, b in zip(some, others, strict=True))


def timed(work: Callable[[], T]) -> tuple[Cost, T]:
    """Do some work in this process. Memory is what it took at its peak beyond what there was before it."""
    gc.collect()
    start = _peak_from_here()
    used, begun = _cpu(), time.perf_counter()
    result = work()
    cost = Cost(_cpu() - used, time.perf_counter() - begun, max(0.0, _memory("VmHWM") - start))
    return cost, result


def measured(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Cost:
    """Run a command. Its memory is never less than that of this process, which must be small."""
    begun = time.monotonic()
    with tempfile.TemporaryFile() as said:
        given = {**os.environ, **(environment or {})}
        given.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed has its bytecode
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said, env=given)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            said.seek(0)
            message = said.read().decode(errors="replace")
            raise SystemExit(f"{' '.join(command)} failed with {process.returncode}\n{message}")
    return Cost(usage.ru_utime + usage.ru_stime, time.monotonic() - begun, usage.ru_maxrss / 1024)


def compressed(path: Path, lines: int) -> Contender[None]:
    """`zstd -1` of a file of so many lines, as a contender."""
    return Contender(ZSTD, lines, partial(measured, zstd(path)), lambda _: None)


def zstd(path: Path) -> list[str]:
    """The command that everything is compared with: compress a file with the least effort, into nothing."""
    if shutil.which("zstd") is None:
        raise SystemExit("the reference is missing: install zstd (https://facebook.github.io/zstd)")
    return ["zstd", "-1", "--single-thread", "-q", "-c", str(path)]


@contextmanager
def cores(count: int) -> Iterator[None]:
    """Children that are started meanwhile have this many cores (`taskset` does the same)."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def available(most: int) -> int:
    """How many cores there are for this process, at most `most`."""
    return min(most, len(os.sched_getaffinity(0)))


def cpu_of(pid: int) -> float:
    """CPU seconds of a running process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def progress(text: str) -> None:
    """Say on standard error how far things are."""
    print(f"{time.strftime('%H:%M:%S')}  {text}", file=sys.stderr, flush=True)


def _cpu() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _peak_from_here() -> float:
    """Forget the peak of this process's memory so far, and give what it has now (MB)."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return _memory("VmHWM")
    return _memory("VmRSS")


def _memory(name: str, pid: int | str = "self") -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.partition(f"{name}:")[2].split()[0]) / 1024


def resident(pid: int) -> float:
    """Memory of a running process (MB)."""
    return _memory("VmRSS", pid)
