"""Rules for windows: those that hold without rows of their own kind."""

from __future__ import annotations

from typing import cast

from pipeline.api import Batch, Delta, Options, Window
from pipeline.testing.contract.cases import Case
from pipeline.testing.contract.every import EVERY, cancel, loop
from pipeline.testing.contract.rules import Rule, broken, rule


def _of(case: Case) -> Window[Options]:
    return cast("Window[Options]", case.fresh().plugin)


@rule(
    "merge",
    "States may be merged in any order, and go through `dump` and `load` on the way.",
    "`merge` is commutative and associative, and `load(dump(state))` is the state.",
)
def merge(case: Case) -> None:
    window = _of(case)
    batch = case.data.get("real rows", case.data["odd values"])
    half = batch.frame.height // 2
    parts = [_by_start(window, batch.with_frame(frame)) for frame in (batch.frame[:half], batch.frame[half:])]
    for start, whole in _by_start(window, batch).items():
        some = [part[start] for part in parts if start in part]
        expected = window.rows(start, whole).sort("key")
        for states in (some, some[::-1], [window.load(window.dump(state)) for state in some]):
            if not window.rows(start, window.merge(states)).sort("key").equals(expected, null_equal=True):
                broken(f"the window of {start}, from {len(some)} states, has other rows than from one")


def _by_start(window: Window[Options], batch: Batch) -> dict[int, Delta]:
    return dict(window.deltas(batch)[1])


WINDOW: tuple[Rule[Case], ...] = (*EVERY, loop, cancel, merge)
