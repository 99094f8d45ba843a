"""Every benchmark, into one page: `python bench/all.py [--write] [--quick] [--only NAME,…] [--rounds N] [--no-largest]`.

Each runs in a process of its own, one after the other; the page is printed, or written to docs/performance.md.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from machine import machine, native
from measure import progress
from report import Section

BENCH = Path(__file__).parent
PAGE = BENCH.parent / "docs" / "performance.md"

SUBJECTS = (
    "seed_job",
    "scan",
    "windows",
    "sessions",
    "json_lines",
    "timestamps",
    "filters",
    "folds",
    "events",
    "record_codecs",
    "encoders",
    "functions",
    "scaling",
    "durability",
    "peer",
)
KERNELS = ("windows", "json_lines", "timestamps", "record_codecs", "encoders")
"""Those that are measured once more without the native module, where there is one."""

ABOUT = """# Performance

What pipe costs, each figure beside that of a reference that ran in turn with it. `make bench` makes this page on your
machine and writes it here; `python bench/NAME.py` runs one part of it. It needs `zstd`, 6 GB of disk for the
longest log (`--no-largest` leaves it out) and, for the peer in Python, a package index."""

QUICK = "**This was a quick run, which shows that the benchmarks work. Its figures mean nothing.**"

HOW = """## How it is measured

- **Cost is CPU time**: user and system, all threads and child processes, as the operating system accounts it
  (`getrusage`, `wait4`). “Lines/s per core” is lines divided by these seconds. Wall-clock time is given where it is said.
- **Contenders take turns.** Functions run in one process, in changing order, after a round that is not counted; programs are
  started anew each time, on a log that was just written and is in the page cache. Figures are medians of {rounds}; the range
  is in brackets. Ratios are taken round by round, and then the median of them: what disturbs the machine for a while
  disturbs both sides.
- **A wrong answer ends the benchmark**: each compares its results with those of its reference, such as the number of lines that
  match and a checksum of the fields.
- **Peak memory** of a program is the highest that its process had. That of a function is what its process took beyond what it had
  before.
- **Logs are generated**: traffic of a web shop with sessions, bots, outages and a little garbage
  (`pipe generate`), syslog and HAProxy lines after their formats. Real logs differ, mostly in the length of a line.
- **Noise**: machines of this kind are shared, and clock and caches vary. Differences below ten percent mean nothing; a wide range says
  that a figure is rough. The share of a core that a live log takes is a small number read from a coarse counter (10 ms):
  good to about 0.2 of a percent."""


def main() -> int:
    """Run what was asked for. 1 when a benchmark failed: then nothing is written."""
    parser = argparse.ArgumentParser(description="Run every benchmark.")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name} in docs/ instead of printing it")
    parser.add_argument("--quick", action="store_true", help="few lines, one round: to see that everything works")
    parser.add_argument("--only", default=",".join(SUBJECTS), help="names of benchmarks, separated by commas")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-largest", action="store_true", help="leave out the case of ten million lines")
    given = parser.parse_args()
    names = given.only.split(",")
    if unknown := set(names) - set(SUBJECTS):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(SUBJECTS)}")
    options = ["--rounds", str(given.rounds), *(["--quick"] if given.quick else [])]
    options += ["--no-largest"] if given.no_largest else []
    begun, sections, failed = time.monotonic(), [], []
    for name in names:
        progress(f"── {name} ── {time.monotonic() - begun:.0f} s so far")
        section = measure(name, options, with_twins=name in KERNELS and native())
        if section is None:
            failed.append(name)
        else:
            sections.append(section)
    progress(f"done in {time.monotonic() - begun:.0f} s; failed: {', '.join(failed) or 'none'}")
    text = page(sections, 1 if given.quick else given.rounds, quick=given.quick)
    if given.write and not failed:
        PAGE.write_text(text, encoding="utf-8")
    else:
        print(text, end="")
    return 1 if failed else 0


def measure(name: str, options: list[str], *, with_twins: bool) -> Section | None:
    """The section of one benchmark, with its tables for the Python twins; None when it failed."""
    section = once(name, options, dict(os.environ))
    if section is None or not with_twins:
        return section
    progress(f"{name} again, without the native module")
    twins = once(name, options, {**os.environ, "PIPE_NATIVE": "off"})
    if twins is None:
        return None
    for table in twins.tables:
        table.title = f"Without the native module. {table.title}"
    section.tables += twins.tables
    return section


def once(name: str, options: list[str], environment: dict[str, str]) -> Section | None:
    """Run a benchmark in a process of its own."""
    command = [sys.executable, str(BENCH / f"{name}.py"), "--json", *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment, check=False)
    if done.returncode != 0:
        progress(f"{name} failed with {done.returncode}")
        return None
    section = Section.loads(done.stdout)
    section.about += f"\n\n    python bench/{name}.py"
    return section


def page(sections: list[Section], rounds: int, *, quick: bool) -> str:
    """The whole page."""
    parts = [ABOUT, *([QUICK] if quick else []), machine().markdown()]
    parts += [*(section.markdown() for section in sections), HOW.format(rounds=rounds)]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.exit(main())
