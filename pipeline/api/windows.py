"""Windows for plugins: the kernels of `pipeline.columns.windows`."""

from __future__ import annotations

from pipeline.columns.windows import Delta, Key, Measure, Plan, Spec, columns, deltas, merge, plan, rows
from pipeline.columns.windows.exact import bucket, total, units
from pipeline.columns.windows.rows import NUMBERS, TEXTS
from pipeline.columns.windows.values import column_of, computed, ranked, valued

__all__ = [
    "NUMBERS",
    "TEXTS",
    "Delta",
    "Key",
    "Measure",
    "Plan",
    "Spec",
    "bucket",
    "column_of",
    "columns",
    "computed",
    "deltas",
    "merge",
    "plan",
    "ranked",
    "rows",
    "total",
    "units",
    "valued",
]
