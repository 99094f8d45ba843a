"""Windows: mergeable folds of rows over event time, as group-bys on columns.

    frame ──deltas──▶ {start: Delta} ──merge──▶ Delta ──rows──▶ events of a closed window

    spec.py     what a window computes: keys, measures
    folds.py    a fold is one group-by and one state frame
    plan.py     measures → folds, state → values
    reductions.py  what most states are made of
    panes.py    which window a time belongs to; panes of sliding windows
    deltas.py   rows → state: by native.py (all folds in one pass) or twin.py (Polars)
    states.py   a state: frames that Polars sees only where somebody looks at them
    merges.py   states → state
    bounds.py   a state with too many groups → one of bounded size
    rows.py     state → one event per metric and key
    members.py  an event → the rows that it is made of
    groups.py   state → one event per group, metrics as columns (`window(…) by k { … }`)
    sessions.py sessions of keys, instead of windows of time
    turns.py    sessions to events
    texts.py    JSON and plain texts of values
    owned.py    frames that hold only their own bytes
    exact.py    sums of floats without error

Everything here is a pure function of its arguments: no clock, no I/O, no state that outlives a call.
"""

from pipeline.columns.windows.deltas import deltas
from pipeline.columns.windows.folds import Fold
from pipeline.columns.windows.members import members
from pipeline.columns.windows.merges import Delta, merge
from pipeline.columns.windows.plan import Plan, plan
from pipeline.columns.windows.rows import columns, rows
from pipeline.columns.windows.spec import Aggregation, Key, Measure, Spec

__all__ = [
    "Aggregation",
    "Delta",
    "Fold",
    "Key",
    "Measure",
    "Plan",
    "Spec",
    "columns",
    "deltas",
    "members",
    "merge",
    "plan",
    "rows",
]
