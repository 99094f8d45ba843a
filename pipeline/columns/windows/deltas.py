"""Rows to state, for all windows of a batch at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from pipeline.columns.native import kernels
from pipeline.columns.windows import twin
from pipeline.columns.windows.merges import Delta, merge
from pipeline.columns.windows.panes import windows_of
from pipeline.columns.windows.plan import Plan
from pipeline.columns.windows.states import Part, State


def deltas(plan: Plan, frame: pl.DataFrame) -> dict[int, Delta]:
    """What the rows of `frame` add to each window, by window start (µs), in order of start.

    A window is in the answer when it has a row, even if no measure counts it. The state owns its memory: nothing of
    `frame` stays alive through it."""
    if frame.height == 0:
        return {}
    panes: dict[int, Delta] = {
        start: State(fold.compacted(state) for fold, state in zip(plan.folds, states, strict=True))
        for start, states in _panes(plan, frame).items()
    }
    if plan.spec.slide is None:
        return dict(sorted(panes.items()))
    made: dict[tuple[int, ...], Delta] = {}
    answer = {}
    for start, inside in windows_of(list(panes), plan.spec).items():
        if inside not in made:
            made[inside] = merge(plan, [panes[pane] for pane in inside])
        answer[start] = made[inside]
    return answer


def _panes(plan: Plan, frame: pl.DataFrame) -> Mapping[int, Sequence[Part]]:
    """The state of each pane."""
    if kernels is None:
        return twin.states(plan, plan.folds, frame)
    found = plan.program.states(kernels, frame)
    left = [at for at in range(len(plan.folds)) if at not in next(iter(found.values()))]
    if left:
        for start, states in twin.states(plan, [plan.folds[at] for at in left], frame).items():
            found[start].update(zip(left, states, strict=True))
    return {start: [states[at] for at in range(len(plan.folds))] for start, states in found.items()}
