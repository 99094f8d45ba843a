"""Sessions: events of a key that follow each other by at most a gap, as mergeable state.

    frame ──pieces──▶ Delta ──together──▶ Delta ──turned──▶ rows of the sessions that are over, and what is left (`turns`)

The state is that of a window over everything, grouped by key and begin (`sessions`): a row a piece. Pieces of a key that are
at most `gap` apart are one; joining them gives all that is of one session one begin, and the folds of the window merge the rest. Which sessions
there are so follows from the set of events alone, whatever their order and however they were cut into batches.

Behind the frames of the folds there is one more, of the sessions that were sent:

    by.0, by.1, …   key, and the begin that the session has now
    identity        the begin that it had when it was sent first (Int64)
    turn            the sending in which that was (Int64): together with the identity, its name for good
    revision        how often it was sent (Int64)
    events          how many it had then (Int64): it has changed since when there are more
    begin, end      what was told of it then"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import polars as pl

from pipeline.columns.types import TIME, dtype
from pipeline.columns.windows.deltas import deltas
from pipeline.columns.windows.merges import Delta, merge, regrouped
from pipeline.columns.windows.plan import Plan
from pipeline.columns.windows.plan import plan as window_plan
from pipeline.columns.windows.reductions import How, Reduction
from pipeline.columns.windows.spec import Argument, Key, Measure, Spec
from pipeline.columns.windows.states import State, parts, seen
from pipeline.columns.windows.values import valued

BEGIN, END = "window_start", "window_end"
"""What a session's events say of it: the times of its first and its last event."""

_PIECE = "@session"
"""The column with the begin of a row's piece."""

_APART = 2**65
"""Farther than any two times (µs) are from each other."""

LAST, EVENTS = "session.end", "session.events"


@dataclass(frozen=True, eq=False)
class Sessions:
    """Sessions ready to run. Lengths in µs. `longest`: sessions are cut at its multiples since 1970. `window`: the plan of the state."""

    window: Plan
    gap: int
    longest: int | None = None

    @property
    def group(self) -> list[str]:
        """Columns of a piece: the key, then its begin."""
        return self.window.folds[0].group

    @property
    def keys(self) -> list[str]:
        return self.group[:-1]

    @property
    def begin(self) -> str:
        return self.group[-1]


class _Extent:
    """The time of the last event of a piece, and how many it has."""

    ranking: ClassVar[bool] = False
    bounded: ClassVar[bool] = False
    plain: ClassVar[bool] = False
    sketches: ClassVar[bool] = False
    reductions: ClassVar[tuple[Reduction, ...] | None] = (Reduction(LAST, How.MAX), Reduction(EVENTS, How.ROWS))

    def keys(self, arguments: tuple[Argument, ...]) -> Mapping[str, pl.Expr]:
        return {}

    def keep(self, arguments: tuple[Argument, ...]) -> pl.Expr | None:
        return None

    def step(self, arguments: tuple[Argument, ...]) -> Mapping[str, pl.Expr]:
        return {state.name: state.step(arguments) for state in self.reductions or ()}

    def merge(self) -> Mapping[str, pl.Expr]:
        return {state.name: state.merge() for state in self.reductions or ()}

    def compact(self, state: pl.DataFrame, group: list[str]) -> pl.DataFrame:
        return state

    def shorten(self, state: pl.DataFrame, group: list[str], most: int) -> pl.DataFrame:
        return state

    def finish(
        self, state: pl.DataFrame, group: list[str], arguments: tuple[Argument, ...], seconds: float
    ) -> pl.DataFrame:
        return valued(state, group, pl.col(LAST).max())


def plan(spec: Spec, gap: int, longest: int | None) -> Sessions:
    """Prepare sessions of the keys `spec.by`, of any length: `spec.size` is 0. Raises ValueError as `windows.plan`."""
    extent = Measure(END, _Extent(), (pl.col(spec.on),), TIME)
    by = (*spec.by, Key((BEGIN,), pl.col(_PIECE), TIME))
    return Sessions(window_plan(replace(spec, by=by, measures=(extent, *spec.measures))), gap, longest)


def pieces(sessions: Sessions, frame: pl.DataFrame) -> dict[int, Delta]:
    """What rows add to the state, as that of the window 0."""
    if frame.is_empty():
        return {}
    spec = sessions.window.spec
    keys = [key.polars.alias(name) for name, key in zip(sessions.keys, spec.by[:-1], strict=True)]
    time = frame.get_column(spec.on).to_physical()
    given = frame.select(*keys, time.alias("from"), time.alias("to")).with_row_index("row")
    begins = _chained(sessions, given).sort("row").get_column("begin").cast(dtype(TIME)).alias(_PIECE)
    found = deltas(sessions.window, frame.with_columns(begins))
    return {start: State([*parts(state), _nothing(seen(parts(state)[0]), sessions)]) for start, state in found.items()}


def together(sessions: Sessions, given: Sequence[Delta]) -> Delta:
    """The state of all rows that these deltas came from. Needs at least one."""
    if len(given) == 1:
        return given[0]
    bare = [State(parts(delta)[:-1]) for delta in given]
    sent = pl.concat([seen(parts(delta)[-1]) for delta in given])
    begins = _begins(sessions, [seen(parts(delta)[0]) for delta in bare])
    if begins is None:
        return State([*parts(merge(sessions.window, bare)), sent])
    moved = [State([_moved(sessions, seen(part), begins) for part in parts(delta)]) for delta in bare]
    return State([*parts(regrouped(sessions.window, moved)), _moved(sessions, sent, begins)])


def last(state: Delta) -> int | None:
    """The earliest time of the last event of a piece (µs)."""
    times = seen(parts(state)[0]).get_column(LAST)
    return None if times.is_empty() else int(times.to_physical().min())  # type: ignore[arg-type]


def _chained(sessions: Sessions, given: pl.DataFrame) -> pl.DataFrame:
    """Stretches of keys (`from`, `to`, µs), with the begin of the session that each is in."""
    ordered = given.sort(*sessions.keys, "from", "to")
    # Window expressions cost more than all of this where there are many keys: the first row of each is found by looking back.
    first = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(1)) for name in sessions.keys)
    first = first | (pl.int_range(pl.len()) == 0)
    # What ended last so far: of the same key, as a later key's rows are all higher.
    ordered = ordered.with_columns((first.cum_sum().cast(pl.Int128) * _APART).alias("key"))
    before = ((pl.col("key") + pl.col("to")).cum_max().shift(1) - pl.col("key")).cast(pl.Int64, strict=False)
    new = first | (pl.col("from") - before > sessions.gap)
    if sessions.longest is not None:
        new |= pl.col("from") // sessions.longest != before // sessions.longest
    return ordered.with_columns(pl.when(new).then("from").forward_fill().alias("begin")).drop("key")


def _begins(sessions: Sessions, given: Sequence[pl.DataFrame]) -> pl.DataFrame | None:
    """The begin of the session that pieces are in, of those where it is not their own; None where there are none."""
    on = sessions.group
    known = pl.concat([frame.select(*on, pl.col(LAST).to_physical().alias("to")) for frame in given])
    chained = _chained(sessions, known.with_columns(pl.col(sessions.begin).to_physical().alias("from")))
    moved = chained.filter(pl.col("begin") != pl.col("from")).unique(on)
    return None if moved.is_empty() else moved.select(*on, pl.col("begin").cast(dtype(TIME)).alias("@begin"))


def _moved(sessions: Sessions, frame: pl.DataFrame, begins: pl.DataFrame) -> pl.DataFrame:
    found = frame.join(begins, on=sessions.group, how="left", nulls_equal=True, maintain_order="left")
    return found.with_columns(pl.coalesce("@begin", sessions.begin).alias(sessions.begin)).drop("@begin")


def _nothing(state: pl.DataFrame, sessions: Sessions) -> pl.DataFrame:
    """No session that was sent, beside the state of the first fold."""
    numbers = dict.fromkeys(("identity", "turn", "revision", "events"), pl.Int64)
    kinds = {name: state.schema[name] for name in sessions.group}
    return pl.DataFrame(schema={**kinds, **numbers, "begin": dtype(TIME), "end": dtype(TIME)})
