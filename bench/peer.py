"""A peer in Python: Logprep, from the package index, parses the same nginx lines."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import samples
import subject
from jobs import same, workplace
from measure import Spread, progress, ratios
from report import Section, Table

VERSION = "21.1.0"
HOME = Path(__file__).parents[1] / ".bench" / f"logprep-{VERSION}"
"""An environment of its own, 450 MB; `make clean` removes it."""
LINES = 300_000
SHARE = 10
"""Logprep gets one line in so many."""


def peer(effort: subject.Effort) -> Section:
    """Parsing only, in memory, one core."""
    section = Section(
        "A peer in Python",
        f"[Logprep](https://pypi.org/project/logprep/) {VERSION} is a log processor in Python with grok and dissect. Its two "
        "processors are called directly, on lines that are in memory, as its pipeline calls them: nothing is read, sent or "
        "logged, which favours it. Both sides give ten fields, two of them as numbers; pipe starts from the bytes of the file. "
        "The lines that match, two sums and a checksum of the paths must be equal. Only proper requests are in the log.",
    )
    python = _installed(may=not effort.quick)
    if python is None:
        section.about += "\n\nSkipped: it is not installed, and could not be (no package index, or a quick run)."
        return section
    with workplace() as folder:
        log = folder / "clean.log"
        lines = samples.write("clean", log, effort.lines(LINES))["lines"]
        few = max(1, lines // SHARE)
        runners = {
            "Logprep `grokker`": (python, few),
            "Logprep `dissector`": (python, few),
            "pipe `grok`": (sys.executable, lines),
        }
        expected = {count: _run(sys.executable, "Python `re`", log, count)["answer"] for count in (few, lines)}
        rates: dict[str, list[float]] = {name: [] for name in runners}
        for number in range(1, effort.rounds + 1):
            progress(f"peer: round {number} of {effort.rounds}")
            for name, (interpreter, count) in runners.items():
                found = _run(interpreter, name, log, count)
                same(name, found["answer"], expected[count])
                rates[name].append(count / float(str(found["cpu"])))
    first = next(iter(rates))
    table = Table(f"nginx lines: {lines:,}, of which Logprep gets {few:,}", ("", "lines/s per core", f"× {first}"))
    for name, mine in rates.items():
        table.add(name, Spread.of(mine).text(), f"{ratios(mine, rates[first]).median:.1f}")
    section.tables.append(table)
    return section


def _installed(*, may: bool) -> str | None:
    """The interpreter that has Logprep; installed now if it `may` be. None when that is not possible."""
    python, ready = HOME / "bin" / "python", HOME / ".ready"
    if not ready.exists() and may:
        progress(f"peer: installing logprep {VERSION} into .bench (once)")
        try:
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(HOME)], check=True, stdout=subprocess.DEVNULL)
            install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*install, f"logprep=={VERSION}"], check=True, stdout=sys.stderr, timeout=600)
        except (OSError, subprocess.SubprocessError) as error:
            progress(f"peer: not installed: {error}")
            return None
        ready.touch()
    return str(python) if ready.exists() else None


def _run(interpreter: str, name: str, log: Path, lines: int) -> dict[str, object]:
    """One contender in a process of its own, over the first lines of a log: CPU seconds of the work, and its answer."""
    command = [interpreter, str(Path(__file__).with_name("peer_worker.py")), name, str(log), str(lines)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    subject.run(peer, __doc__)
