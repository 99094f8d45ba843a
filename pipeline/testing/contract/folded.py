"""A fold, as a function from rows to what becomes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import polars as pl

from pipeline.api import Batch, Columns, Fold
from pipeline.testing.contract.cases import AnyPlugin, Case
from pipeline.testing.contract.every import living
from pipeline.testing.contract.filters import IDENTITY
from pipeline.testing.contract.rules import broken
from pipeline.testing.life import EPOCH

NOW = EPOCH
"""What the clock says (µs) in every step; `tick` comes at the time that the fold is due."""


@dataclass(frozen=True)
class Run:
    """What a fold made of rows: the state, the rows that came out, in order, and those that were rejected."""

    state: Any
    out: pl.DataFrame
    rejected: tuple[pl.DataFrame, ...]


class Opened:
    """A fold that is open. Each method checks nothing."""

    def __init__(self, plugin: AnyPlugin, after: Columns) -> None:
        if not isinstance(plugin, Fold):
            raise TypeError(f"{plugin} is no fold")
        self.fold: Fold[Any, Any] = plugin
        self.after = after

    def step(self, state: object, batch: Batch) -> tuple[Any, Batch]:
        after, found = self.fold.step(state, batch, NOW)
        if not isinstance(found, Batch):
            broken(f"`step` gave {type(found).__name__}, not a Batch")
        return after, found

    def run(self, batch: Batch, cuts: Iterable[int] = (), *, stored: bool = False) -> Run:
        """All rows from the empty state on, cut before these; `stored`: the state goes through its bytes before each step."""
        fold, state = self.fold, self.fold.empty()
        parts: list[Batch] = []
        for start, stop in pairwise([0, *cuts, batch.frame.height]):
            if stored:
                state = fold.load(fold.dump(state), fold.state_version)
            state, found = self.step(state, batch.with_frame(batch.frame[start:stop]))
            parts.append(found)
        if stored:
            state = fold.load(fold.dump(state), fold.state_version)
        state, rest = fold.finish(state)
        parts += [] if rest is None else [rest]
        out = pl.concat([part.frame for part in parts], how="vertical")
        return Run(state, out, tuple(frame for part in parts for frame in part.rejected))


def opened(case: Case, work: Callable[[Opened], None]) -> None:
    """Do something with the fold between `open` and `close`."""
    made = case.fresh()
    living(case, made.plugin, lambda: work(Opened(made.plugin, made.after)))


def keys(frames: Iterable[pl.DataFrame]) -> list[tuple[Any, ...]]:
    return [key for frame in frames for key in frame.select(IDENTITY).iter_rows()]


def same(fold: Opened, whole: Run, other: Run, where: str) -> None:
    """Raise BrokenError where two runs differ."""
    if not other.out.equals(whole.out, null_equal=True):
        broken(f"{where}: other rows come out ({other.out.height}, not {whole.out.height}, or with other values)")
    if keys(other.rejected) != keys(whole.rejected):
        broken(f"{where}: other rows are rejected")
    if fold.fold.dump(other.state) != fold.fold.dump(whole.state):
        broken(f"{where}: the state at the end has other bytes")
