"""The command line that all benchmarks share: `python bench/NAME.py [--quick] [--json] [--rounds N]`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

from report import Section


@dataclass(frozen=True)
class Effort:
    """How much to do. `quick` is for seeing that a benchmark works: few lines, one round, figures that mean nothing."""

    quick: bool
    rounds: int
    largest: bool

    def lines(self, full: int) -> int:
        """How many lines, where `full` are needed for a figure that means something."""
        return max(1_000, full // 200) if self.quick else full


def run(subject: Callable[[Effort], Section], about: str | None) -> None:
    """Measure as the command line asks, and print the result."""
    parser = argparse.ArgumentParser(description=(about or "").strip().partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few lines, one round: to see that it works")
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds [5]")
    parser.add_argument("--no-largest", action="store_true", help="leave out the case of ten million lines")
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    given = parser.parse_args()
    effort = Effort(given.quick, 1 if given.quick else max(1, given.rounds), not (given.quick or given.no_largest))
    section = subject(effort)
    print(section.dumps() if given.json else section.markdown())
