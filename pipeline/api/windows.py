"""Windows for plugins: the kernels of `pipeline.columns.windows`."""

from __future__ import annotations

from pipeline.columns.windows import (
    Delta,
    Key,
    Measure,
    Plan,
    Spec,
    columns,
    ddsketch,
    deltas,
    frequent,
    hyperloglog,
    members,
    merge,
    plan,
    rows,
    sessions,
    turns,
)
from pipeline.columns.windows.bounds import OTHER, bounded
from pipeline.columns.windows.exact import bucket, total, units
from pipeline.columns.windows.reductions import How, Reduction
from pipeline.columns.windows.rows import NUMBERS, TEXTS
from pipeline.columns.windows.values import column_of, computed, ranked, valued

__all__ = [
    "NUMBERS",
    "OTHER",
    "TEXTS",
    "Delta",
    "How",
    "Key",
    "Measure",
    "Plan",
    "Reduction",
    "Spec",
    "bounded",
    "bucket",
    "column_of",
    "columns",
    "computed",
    "ddsketch",
    "deltas",
    "frequent",
    "hyperloglog",
    "members",
    "merge",
    "plan",
    "ranked",
    "rows",
    "sessions",
    "total",
    "turns",
    "units",
    "valued",
]
