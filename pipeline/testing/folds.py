"""A fold without an agent: rows in, rows out, and what the engine relies on is checked on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import polars as pl

from pipeline.api import Batch, Fold


class Folded:
    """One state of a fold, as the engine would keep it: between any two calls it goes through `dump` and `load`, as over a crash.

    Every method gives the rows that come out. Raises AssertionError where the fold changes a state that it was given, does not
    load what it dumped, or counts wrongly what it holds."""

    def __init__(self, fold: Fold[Any, Any]) -> None:
        self.fold = fold
        self.state = fold.empty()
        self.rejected: list[pl.DataFrame] = []
        """Rows that it could not process."""

    def step(self, batch: Batch, now: int = 0) -> pl.DataFrame:
        """Give it a batch."""
        found = self._do(lambda state: self.fold.step(state, batch, now))
        if found is None:
            raise AssertionError("step must give a batch")
        return found

    def steps(self, batch: Batch, cuts: Iterable[int], now: int = 0) -> pl.DataFrame:
        """Give it a batch in several, cut before these rows."""
        places = [0, *sorted(cuts), batch.frame.height]
        frames = [batch.frame[start:stop] for start, stop in pairwise(places)]
        return pl.concat([self.step(batch.with_frame(frame), now) for frame in frames if frame.height])

    def tick(self, now: int) -> pl.DataFrame | None:
        """Let it be `now`. None where the fold is not due, or has nothing to give."""
        due = self.fold.due(self.state)
        if due is None or due > now:
            return None
        found = self._do(lambda state: self.fold.tick(state, now))
        later = self.fold.due(self.state)
        _hold(later is None or later > now, "a fold that has ticked is due later, or never")
        return found

    def finish(self) -> pl.DataFrame | None:
        """End the input. None where the fold has nothing to give."""
        found = self._do(self.fold.finish)
        _hold(self.fold.held(self.state) == 0, "finish must let go of all that is held")
        return found

    def _do(self, work: Callable[[Any], tuple[Any, Batch | None]]) -> pl.DataFrame | None:
        dumped = self.fold.dump(self.state)
        given = self.fold.load(dumped, self.fold.state_version)
        _hold(self.fold.dump(given) == dumped, "load must give the state of dump")
        _hold(self.fold.held(given) == self.fold.held(self.state), "load must give what was held")
        self.state, batch = work(given)
        _hold(self.fold.dump(given) == dumped, "a state that is given must stay as it is")
        if batch is None:
            return None
        self.rejected += batch.rejected
        return batch.frame


def _hold(true: bool, told: str) -> None:
    if not true:
        raise AssertionError(told)
