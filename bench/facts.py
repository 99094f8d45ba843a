"""What the facts of a job add up to: `python bench/facts.py FILE` prints it as JSON.

A process of its own, for a file may hold many facts, and what measures must stay small.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass
class Metric:
    """How many facts a metric has, each in its last revision; the sum of their values; the values of those of rank 1."""

    facts: int = 0
    total: int = 0
    first: list[int] = field(default_factory=list)


def metrics(path: Path) -> dict[str, Metric]:
    """The metrics of a file of facts by name, read by another process."""
    done = subprocess.run([sys.executable, __file__, str(path)], check=True, stdout=subprocess.PIPE)
    return {name: Metric(**found) for name, found in json.loads(done.stdout).items()}


def _read(path: Path) -> dict[str, Metric]:
    last: dict[str, tuple[int, str, int, int | None]] = {}
    with path.open("rb") as file:
        for line in file:
            fact = json.loads(line)
            if fact["id"] not in last or fact["revision"] > last[fact["id"]][0]:
                last[fact["id"]] = fact["revision"], fact["metric"], int(fact["value"]), fact.get("rank")
    found: dict[str, Metric] = {}
    for _, name, value, rank in last.values():
        metric = found.setdefault(name, Metric())
        metric.facts += 1
        metric.total += value
        if rank == 1:
            metric.first.append(value)
    return found


if __name__ == "__main__":
    print(json.dumps({name: asdict(metric) for name, metric in _read(Path(sys.argv[1])).items()}))
