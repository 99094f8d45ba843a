"""What it costs that nothing is lost: the seed job as it is, and with no write made durable."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import measure
import samples
import subject
from jobs import PIPE, facts, fresh, same, workplace
from measure import Cost, Spread, progress
from programs import PLAIN, seed
from report import Section, Table

LINES = 3_000_000
SYNCING = str(Path(__file__).parent / "syncing.py")
AS_IT_IS, NEVER = "as it is", "nothing made durable"
WAYS = {AS_IT_IS: PIPE, NEVER: [sys.executable, SYNCING, "never"]}


def durability(effort: subject.Effort) -> Section:
    """Both ways in turn, and what a run asks of the disk."""
    with workplace() as folder:
        log = folder / "long.log"
        found = samples.write("nginx", log, effort.lines(LINES))
        costs: dict[str, list[Cost]] = {way: [] for way in WAYS}
        for number in range(1, effort.rounds + 1):
            progress(f"durability: round {number} of {effort.rounds}")
            for way, command in WAYS.items() if number % 2 else reversed(WAYS.items()):
                costs[way].append(measure.measured([*command, *_job(folder, log)]))
                same(f"requests, {way}", facts(folder)["requests"].total, found["matched"])
        counted = subprocess.run(
            [sys.executable, SYNCING, "counted", *_job(folder, log)], stderr=subprocess.PIPE, text=True, check=True
        )
    return Section(
        "Durability",
        "The seed job commits about every 0.75 s, or as often as work is ready on a backlog: the bytes of outputs are made durable "
        "first (`fdatasync`), then one transaction of SQLite (write-ahead log, `synchronous=EXTRA`). The reference is the same run "
        "in which every one of these calls does nothing, so that a power cut would lose it.",
        [_share(found["lines"], costs), _asked(json.loads(counted.stderr.splitlines()[-1]))],
    )


def _job(folder: Path, log: Path) -> list[str]:
    program = fresh(folder, seed(log, folder / "out", PLAIN))
    return ["run", str(program), "--once", "--state", str(folder / "state")]


def _share(lines: int, costs: dict[str, list[Cost]]) -> Table:
    table = Table(f"{lines:,} lines", ("", "CPU s", "seconds", "CPU ÷ reference", "seconds ÷ reference"))
    for way, runs in costs.items():
        pairs = list(zip(runs, costs[NEVER], strict=True))
        table.add(
            way,
            Spread.of(cost.cpu for cost in runs).text(".2f"),
            Spread.of(cost.wall for cost in runs).text(".2f"),
            Spread.of(cost.cpu / other.cpu for cost, other in pairs).text(".3f"),
            Spread.of(cost.wall / other.wall for cost, other in pairs).text(".3f"),
        )
    return table


def _asked(counts: dict[str, float]) -> Table:
    table = Table(
        "What one run asks of the disk", ("", "files made durable", "syncs of the database", "seconds in them")
    )
    table.add("the run above", f"{counts['files']:.0f}", f"{counts['database']:.0f}", f"{counts['seconds']:.2f}")
    return table


if __name__ == "__main__":
    subject.run(durability, __doc__)
