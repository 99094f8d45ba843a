"""What the seed job costs: nine facts in 10 s windows, committed to disk, and a zstd archive of every raw line.

usage: python bench/seed_job.py [LINES] [RUNS]

Prints, as medians of RUNS: lines per second per core in steady state (the difference between a long and a short run, so
that start-up is left out) and with start-up, without and with GeoIP and user-agent look-ups; CPU against
`zstd -1 --single-thread` of the same file in the same run; peak memory; archive size against zstd's; and the CPU that
following a live log at 10,000 lines a second takes.
"""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

START = 1_790_000_000_000_000

HEAD = """
source access = file("{log}")
transform parsed = access
  | grok('%{{NGINX_COMBINED}}')
  | set {{ @timestamp = time(time_local, '%d/%b/%Y:%H:%M:%S %z')
          page       = normalize_path(path) }}
"""

FACTS = """
transform facts = parsed {lookups}
  | window(10s, lateness: 5s) {{
      requests     = count() by status
      top_ips      = top(10, remote_addr)
      geo_sources  = top(10, {country})
      user_agents  = top(10, {family})
      popular      = top(10, page)         where status in 200..399
      gone         = top(10, page)         where status in [404, 410]
      unauthorized = top(10, remote_addr)  where status in [401, 403]
      throttled    = top(10, remote_addr)  where status == 429
      volume       = sum(body_bytes_sent)
    }}
sink published = facts -> file("{out}/facts.ndjson")
sink archive   = [parsed, parsed.rejected] -> file("{out}/raw/", format: raw, compression: zstd)
"""

PLAIN = {"lookups": "", "country": "remote_user", "family": "user_agent"}
LOOKUPS = {"lookups": "| geoip(remote_addr) | user_agent(user_agent)", "country": "geo.country", "family": "ua.family"}


@dataclass
class Cost:
    """CPU seconds (user and system, all processes), wall seconds, peak memory in MB."""

    cpu: float
    wall: float
    memory: float


def main() -> int:
    """Measure and print."""
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    folder = Path(tempfile.mkdtemp(prefix="seed-job-"))
    try:
        long, short = folder / "long.log", folder / "short.log"
        write(long, lines)
        write(short, lines // 10)
        print(f"{lines:,} lines, {long.stat().st_size / 1e6:.0f} MB; medians of {runs} runs, taken in turn")
        zstd: list[Cost] = []
        plain: list[tuple[Cost, Cost]] = []
        looked: list[tuple[Cost, Cost]] = []
        ratios: list[float] = []
        for _ in range(runs):
            zstd.append(measured(["zstd", "-1", "--single-thread", "-c", str(long)]))
            first = job(folder, long, PLAIN)
            ratios.append(archive_ratio(folder, long))
            plain.append((first, job(folder, short, PLAIN)))
            looked.append((job(folder, long, LOOKUPS), job(folder, short, LOOKUPS)))
        for name, pairs in (("nine facts", plain), ("with GeoIP and user agents", looked)):
            steady = statistics.median((lines - lines // 10) / (a.cpu - b.cpu) for a, b in pairs)
            whole = statistics.median(lines / a.cpu for a, _ in pairs)
            memory = statistics.median(a.memory for a, _ in pairs)
            print(f"{name:28} {steady:10,.0f} lines/s per core; {whole:,.0f} with start-up; peak {memory:.0f} MB")
        ratio = statistics.median(a.cpu / z.cpu for (a, _), z in zip(plain, zstd, strict=True))
        print(f"CPU against zstd -1           {ratio:10.1f} x")
        print(f"archive against zstd -1       {statistics.median(ratios):10.3f} x its size")
        print(f"live at 10,000 lines/s        {live(folder):10.1f} % of a core")
    finally:
        shutil.rmtree(folder)
    return 0


WRITE = """
import sys
from pipeline.columns.traffic import Traffic
traffic = Traffic(7, int(sys.argv[3]), 10_000)
with open(sys.argv[1], "wb") as file:
    for first in range(0, int(sys.argv[2]), 16384):
        file.write(traffic.lines(first, min(16384, int(sys.argv[2]) - first)))
"""


def write(path: Path, count: int) -> None:
    """A generated log. Made by another process: a child's peak memory is never less than its parent's at the fork."""
    subprocess.run([sys.executable, "-c", WRITE, str(path), str(count), str(START)], check=True)


def job(folder: Path, log: Path, facts: dict[str, str]) -> Cost:
    """One run of the program over the whole log."""
    for name in ("out", "state"):
        shutil.rmtree(folder / name, ignore_errors=True)
    program = folder / "seed.pipe"
    program.write_text((HEAD + FACTS).format(log=log, out=folder / "out", **facts))
    return measured([sys.executable, "-m", "pipeline", "run", str(program), "--once", "--state", str(folder / "state")])


def measured(command: list[str]) -> Cost:
    """Run a command and take its resource usage from the operating system."""
    begun = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"{' '.join(command)} failed with {os.waitstatus_to_exitcode(status)}")
    return Cost(usage.ru_utime + usage.ru_stime, time.monotonic() - begun, usage.ru_maxrss / 1024)


def archive_ratio(folder: Path, log: Path) -> float:
    """Bytes of the last run's archive against one `zstd -1` stream of the same log."""
    stored = sum(path.stat().st_size for path in (folder / "out" / "raw").rglob("*.zst"))
    packed = folder / "stream.zst"
    subprocess.run(["zstd", "-1", "-f", "-q", "--single-thread", str(log), "-o", str(packed)], check=True)
    return stored / packed.stat().st_size


def live(folder: Path, seconds: float = 20.0) -> float:
    """CPU of following a log that grows by 10,000 lines a second, in percent of a core, start-up left out."""
    log = folder / "live.log"
    for name in ("out", "state"):
        shutil.rmtree(folder / name, ignore_errors=True)
    program = folder / "live.pipe"
    program.write_text((HEAD + FACTS).format(log=log, out=folder / "out", **LOOKUPS))
    pipe = [sys.executable, "-m", "pipeline"]
    count = str(int(10_000 * (seconds + 12)))
    writer = subprocess.Popen([*pipe, "generate", "--rate", "10000", "--count", count, "--output", str(log)])
    engine = subprocess.Popen([*pipe, "run", str(program), "--state", str(folder / "state")], stderr=subprocess.DEVNULL)
    try:
        time.sleep(8)
        before, begun = ticks(engine.pid), time.monotonic()
        time.sleep(seconds)
        used, took = ticks(engine.pid) - before, time.monotonic() - begun
    finally:
        for process in (engine, writer):
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)
    return 100 * used / took


def ticks(pid: int) -> float:
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())
