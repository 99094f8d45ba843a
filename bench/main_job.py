"""The main job, shown: realistic traffic at 10,000 lines a second, `configs/nginx.pipe` on its log, for 45 seconds.

usage: python bench/main_job.py [SECONDS] [LINES_PER_SECOND]

Everything is written below out/, which is emptied first. Exits 0 when every line was accounted for and the archive
holds the same bytes as the log.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import zstandard

OUT = Path("out")
LOG = OUT / "access.log"


def main() -> int:
    """Run it and say what happened."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 45.0
    rate = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    pipe = [sys.executable, "-m", "pipeline"]
    environment = {**os.environ, "NGINX_LOG": str(LOG)}
    print(f"traffic: {rate:,} lines a second into {LOG} · program: configs/nginx.pipe · for {seconds:g} s", flush=True)
    generator = subprocess.Popen(
        [*pipe, "generate", "--rate", str(rate), "--count", str(int(rate * seconds)), "--output", str(LOG)]
    )
    engine = subprocess.Popen([*pipe, "run", "configs/nginx.pipe", "--state", str(OUT / "state")], env=environment)
    started = time.monotonic()
    try:
        while time.monotonic() - started < seconds + 5 and generator.poll() is None and engine.poll() is None:
            time.sleep(0.2)
        deadline = time.monotonic() + 10
        while engine.poll() is None and time.monotonic() < deadline and not caught_up(pipe):
            time.sleep(0.3)
    finally:
        for process in (generator, engine):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        generator.wait(timeout=30)
        _, status, usage = os.wait4(engine.pid, 0) if engine.returncode is None else (0, 0, None)
    code = os.waitstatus_to_exitcode(status) if engine.returncode is None else engine.returncode
    if code != 0 or usage is None:
        print(f"pipe run ended with exit code {code}", file=sys.stderr)
        return 1
    return told(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, time.monotonic() - started)


def caught_up(pipe: list[str]) -> bool:
    """Whether everything in the log is committed."""
    asked = subprocess.run(
        [*pipe, "checkpoint", "--state", str(OUT / "state"), "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        found = json.loads(asked.stdout)
    except ValueError:
        return False
    return sum(at["position"]["offset"] for at in found) >= LOG.stat().st_size


def told(cpu: float, memory: float, wall: float) -> int:
    """Print what the run did; 0 when nothing is missing."""
    raw = LOG.read_bytes()
    archives = sorted((OUT / "raw").rglob("*.zst"))
    stored = sum(path.stat().st_size for path in archives)
    plain = b"".join(
        zstandard.ZstdDecompressor().stream_reader(path.read_bytes(), read_across_frames=True).read()
        for path in archives
    )
    lines = raw.count(b"\n")
    rejected = count(OUT / "rejected.ndjson")
    windows: dict[str, int] = {}
    requests = 0
    for line in (OUT / "facts.ndjson").read_bytes().splitlines():
        fact = json.loads(line)
        windows[fact["window_start"]] = 1
        if fact["metric"] == "requests":
            requests += fact["value"]
    # The archive is by hour of the event: a rejected line, which has no time of its own, may be in the hour after.
    same = sorted(plain.splitlines()) == sorted(raw.splitlines()) and len(plain) == len(raw)
    print()
    print(f"lines      {lines:,} in the log; {rejected:,} not in the combined format, kept in {OUT}/rejected.ndjson")
    print(
        f"facts      {count(OUT / 'facts.ndjson'):,} about {len(windows)} windows with {requests:,} requests: {OUT}/facts.ndjson"
    )
    print(f"           (windows that are still open wait in {OUT}/state for the next start)")
    print(f"archive    {stored:,} bytes for {len(raw):,} ({len(raw) / max(stored, 1):.1f}:1): {OUT}/raw/")
    print(f"           decompresses to the lines of the log, byte for byte: {'yes' if same else 'NO'}")
    print(
        f"cost       {cpu:.1f} s of CPU in {wall:.0f} s ({100 * cpu / wall:.1f} % of a core), {memory:.0f} MB at the peak"
    )
    return 0 if same and lines and windows else 1


def count(path: Path) -> int:
    """Lines of a file, 0 when there is none."""
    return path.read_bytes().count(b"\n") if path.exists() else 0


if __name__ == "__main__":
    sys.exit(main())
