"""The seed job: nine facts in 10 s windows, committed to disk, and a zstd archive of every raw line."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import measure
import samples
import subject
from jobs import archives, arrivals, beginning, growing, job, running, same, unpacked, verify, workplace
from measure import Cost, Spread, progress
from programs import LOOKUPS, PLAIN, seed
from report import Section, Table

LINES = 3_000_000
SHARE = 10
"""The short run, by which the start-up is told from the rest, has one line in so many."""
RATE = 10_000
WINDOW = 10 + 5
"""Seconds from the start of a window to its close: its size and the lateness."""
NAMES = {"nine facts": PLAIN, "with GeoIP and user agents": LOOKUPS}


def seed_job(effort: subject.Effort) -> Section:
    """Throughput, cores, a live log, idling."""
    with workplace() as folder:
        lines = effort.lines(LINES)
        progress(f"seed job: writing {lines:,} lines")
        log = folder / "long.log"
        found = samples.write("nginx", log, lines)
        tables = [_throughput(folder, log, found, effort), _cores(folder, log, found, effort), _live(folder, effort)]
    return Section(
        "The seed job",
        "`pipe run --once` over an nginx log: parse, nine facts of every ten seconds, everything committed to disk, every raw "
        "line in a zstd archive. The input is read, not mapped. The first figure is the steady state: lines and CPU of the "
        "long run less those of a short one, so that starting is left out; the second is the long run with everything. The "
        "facts must add up to what Python's `re` finds in the log, and the archive must decompress to it, byte for byte. "
        "Without GeoIP and user agents, two other fields are ranked in their place.",
        tables,
    )


def _throughput(folder: Path, log: Path, found: Mapping[str, int], effort: subject.Effort) -> Table:
    lines, short_log = found["lines"], folder / "short.log"
    short = samples.write("nginx", short_log, lines // SHARE)["lines"]
    stream = folder / "stream.zst"
    subprocess.run(["zstd", "-1", "-f", "-q", "--single-thread", str(log), "-o", str(stream)], check=True)
    packed: list[Cost] = []
    runs: dict[str, list[tuple[Cost, Cost]]] = {name: [] for name in NAMES}
    sizes = {}
    for number in range(1, effort.rounds + 1):
        progress(f"seed job: round {number} of {effort.rounds}")
        packed.append(measure.measured(measure.zstd(log)))
        for name, options in NAMES.items():
            some = job(folder, seed(short_log, folder / "out", options))
            most = job(folder, seed(log, folder / "out", options))
            runs[name].append((most, some))
            verify(folder, found, archive=number == 1)
            sizes[name] = sum(path.stat().st_size for path in archives(folder)) / stream.stat().st_size
    table = Table(
        f"{lines:,} lines, {found['bytes'] / 1e6:,.0f} MB",
        ("", "lines/s per core, steady", "start included", "CPU ÷ `zstd -1`", "archive ÷ `zstd -1`", "peak MB"),
    )
    table.add("`zstd -1`", Spread.of(lines / cost.cpu for cost in packed).text(), "", "1.00", "1.000", "")
    for name, pairs in runs.items():
        table.add(
            name,
            Spread.of((lines - short) / max(most.cpu - some.cpu, 1e-3) for most, some in pairs).text(),
            Spread.of(lines / most.cpu for most, _ in pairs).text(),
            measure.ratios([most.cpu for most, _ in pairs], [cost.cpu for cost in packed]).text(".2f"),
            f"{sizes[name]:.3f}",
            Spread.of(most.memory for most, _ in pairs).text(".0f"),
        )
    return table


def _cores(folder: Path, log: Path, found: Mapping[str, int], effort: subject.Effort) -> Table:
    """The same run on one core and on two."""
    counts = (1,) if effort.quick else (1, 2)[: measure.available(2)]
    walls: dict[int, list[float]] = {count: [] for count in counts}
    for number in range(1, effort.rounds + 1):
        progress(f"seed job, cores: round {number} of {effort.rounds}")
        for count in counts:
            with measure.cores(count):
                walls[count].append(job(folder, seed(log, folder / "out")).wall)
    verify(folder, found)
    table = Table("One core and two, wall-clock time", ("", "seconds", "lines/s", "× one core"))
    for count, wall in walls.items():
        speed = Spread.of(found["lines"] / seconds for seconds in wall)
        table.add(
            f"cores: {count}", Spread.of(wall).text(".2f"), speed.text(), measure.ratios(walls[1], wall).text(".2f")
        )
    return table


def _live(folder: Path, effort: subject.Effort) -> Table:
    """What following a log costs, start-up left out."""
    table = Table("Following a log", ("", "% of a core", "resident MB", "s from a window's close to its facts"))
    log = folder / "live.log"
    interval, settled = (0.4, 2.0) if effort.quick else (5.0, 8.0)
    for name, options in NAMES.items() if not effort.quick else [("nine facts", PLAIN)]:
        progress(f"seed job: {RATE:,} lines a second, {name}")
        log.unlink(missing_ok=True)
        with (
            growing(log, RATE),
            running(folder, seed(log, folder / "out", options)) as pid,
            arrivals(folder) as seen,
        ):
            time.sleep(settled)
            used, memory = _readings(pid, interval, effort.rounds)
        size, checksum = unpacked(folder)
        same("the archive of the live log", (size, checksum), beginning(log, size))
        if size < RATE * interval:
            raise SystemExit(f"the live log was not followed: {size} bytes in the archive")
        # The first window began before the log did.
        late = [at - start - WINDOW for start, at in sorted(seen.items())[1:]]
        waited = Spread.of(late).text(".2f") if late else ""
        table.add(f"{RATE:,} lines/s, {name}", used.text(".1f"), memory.text(".0f"), waited)
    progress("seed job: idle")
    samples.write("nginx", log, 1_000)
    with running(folder, seed(log, folder / "out")) as pid:
        time.sleep(settled)
        used, memory = _readings(pid, interval, effort.rounds)
    table.add("idle: 1,000 lines read, and no more come", used.text(".2f"), memory.text(".0f"), "")
    return table


def _readings(pid: int, interval: float, count: int) -> tuple[Spread, Spread]:
    """CPU in percent of a core and resident memory, over `count` intervals of so many seconds."""
    used, memory = [], []
    for _ in range(count):
        before, begun = measure.cpu_of(pid), time.monotonic()
        time.sleep(interval)
        used.append(100 * (measure.cpu_of(pid) - before) / (time.monotonic() - begun))
        memory.append(measure.resident(pid))
    return Spread.of(used), Spread.of(memory)


if __name__ == "__main__":
    subject.run(seed_job, __doc__)
