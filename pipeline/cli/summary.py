"""What a run did, on one screen."""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from pipeline.agent.report import Report
from pipeline.cli.snapshot import snapshot
from pipeline.errors import PipeError
from pipeline.plan.graph import Graph

Counts = Mapping[tuple[str, str], int]


def counted(folder: Path) -> Counts:
    """The rows that a state has seen before a run; nothing where there is no state that can be read."""
    try:
        with snapshot(folder) as state:
            return state.ledger()
    except PipeError:
        return {}


def told(graph: Graph, report: Report, before: Counts, folder: Path) -> str:
    """Lines read, rejected, windows and rows sent, and the cost; all of this run. `before`: the counts at its start."""

    def rows(stage: str, outcome: str) -> int:
        return report.counts.get((stage, outcome), 0) - before.get((stage, outcome), 0)

    rejected = {name: rows(name, "rejected") for name in graph.stages}
    refused = {sink.name: rows(sink.name, "refused") for sink in graph.sinks}
    lines = [
        _line("read", [f"{rows(source.name, 'in'):,} {source.name}" for source in graph.sources]),
        _line("rejected", [f"{count:,} {name}" for name, count in rejected.items() if count] or ["0"]),
        _line("windows", [f"{report.sent.get(stage.name, 0):,} {stage.name}" for stage in graph.windows]),
        _line("sent", [f"{rows(sink.name, 'out'):,} {sink.name}" for sink in graph.sinks]),
        _line("refused", [f"{count:,} {name}" for name, count in refused.items() if count]),
        _line("cost", [cost()]),
        _line("state", [str(folder)]),
    ]
    return "\n".join(line for line in lines if line)


def cost() -> str:
    """CPU and peak memory of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return f"{used.ru_utime + used.ru_stime:.1f} s of CPU, {peak / 1e6:.0f} MB at the peak"


def _line(name: str, parts: Iterable[str]) -> str:
    told = " · ".join(parts)
    return f"{name:<9} {told}" if told else ""
