"""State of a window to its events, in the long form: one event per metric and key."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pipeline.columns.native import kernels
from pipeline.columns.types import BOOL, FLOAT, INT, JSON, STRING, TIME, Type, dtype
from pipeline.columns.windows.groups import columns as wide
from pipeline.columns.windows.groups import groups
from pipeline.columns.windows.merges import Delta
from pipeline.columns.windows.plan import Plan
from pipeline.columns.windows.spec import Measure, Spec
from pipeline.columns.windows.states import parts
from pipeline.columns.windows.texts import identity, objects, plain

NUMBERS = ("int", "float", "duration")
"""Kinds of values that are `value`; `TEXTS` are `text`; no other kind has a place in the long form."""

BOUNDS = ("window_start", "window_end")

PARTIAL = "partial"

TEXTS = ("string", "time", "bool", "json")


def columns(spec: Spec) -> dict[str, Type]:
    """Names and types of the columns that `rows` gives, `key` left out. Raises ValueError when group fields clash.

    In the long form, `value` is int when every number is (durations are seconds, so floats); `text`, `rank` and
    `error` are there when a metric needs them. `window_start` and `window_end` are there unless the window is over everything."""
    bounds = {"window_start": TIME, "window_end": TIME} if spec.size else {}
    if spec.by:
        return {**wide(spec), **bounds}
    kinds = {measure.type.kind for measure in spec.measures}
    found: dict[str, Type] = {"metric": STRING, "by": JSON, "value": FLOAT if kinds & {"float", "duration"} else INT}
    if kinds - set(NUMBERS):
        found["text"] = STRING
    if any(measure.ranked for measure in spec.measures):
        found["rank"] = INT
    bounded = {measure.type.kind for measure in spec.measures if measure.aggregate.bounded}
    if bounded:
        found["error"] = FLOAT if "float" in bounded else INT
    return {**found, **bounds}


def rows(plan: Plan, start: int, state: Delta) -> pl.DataFrame:
    """The events of the window that starts at `start` (µs): the columns of `columns`, and `key`, String, which tells the
    window's events apart and stays the same when the window is computed again with more rows.

    Metrics come in the order of the program, rankings by rank, groups by their JSON text. A metric without `by` always
    has its one event, also when no row passed its `where` (0 for counts and sums, null for others); a ranking has none.

    Where a ranking was shortened, there is also a Boolean column `partial`, true where that is so."""
    spec = plan.spec
    if spec.by:
        return _bounded(groups(plan, state), start, spec.size)
    kinds = columns(spec)
    made: dict[str, list[object]] = {name: [] for name in (*kinds, "key", PARTIAL) if name not in BOUNDS}
    for at, measure in enumerate(spec.measures):
        found = _at_once(plan, at, state)
        if found is None and not (measure.ranked and state[plan.place[at]].is_empty()):
            # A ranking of nothing has no rows, and looking for them is most of the work of a window with few events.
            found = _metric(measure, plan.finish(at, state))
        for name, values in (found or {}).items():
            if name in made:
                made[name] += values
    time = dtype(TIME)
    bounds = {
        name: pl.Series([at], dtype=pl.Int64).cast(time).new_from_index(0, len(made["key"]))
        for name, at in zip(BOUNDS, (start, start + spec.size), strict=True)
        if name in kinds
    }
    types = {**kinds, "key": STRING, **({PARTIAL: BOOL} if any(made[PARTIAL]) else {})}
    return pl.DataFrame(
        [
            bounds[name].alias(name) if name in bounds else pl.Series(name, made[name], dtype=dtype(kind), strict=True)
            for name, kind in types.items()
        ]
    )


def _bounded(frame: pl.DataFrame, start: int, size: int) -> pl.DataFrame:
    """With `window_start` and `window_end` before `key`, unless the window is over everything."""
    if size == 0:
        return frame
    time = dtype(TIME)
    return frame.with_columns(
        pl.lit(start, dtype=pl.Int64).cast(time).alias("window_start"),
        pl.lit(start + size, dtype=pl.Int64).cast(time).alias("window_end"),
    ).select(pl.exclude("key", PARTIAL), "key", *([PARTIAL] if PARTIAL in frame.columns else []))


def _at_once(plan: Plan, index: int, state: Delta) -> dict[str, Sequence[object]] | None:
    """What `_metric` gives, by the kernel: for a metric whose value is one of the numbers that are kept. None for others, and
    where there is no state, of which some have a value nevertheless."""
    part = parts(state)[plan.place[index]]
    how = plan.direct[index]
    if kernels is None or how is None or isinstance(part, pl.DataFrame):
        return None
    events = kernels.window_facts(part, *how)
    if events is None or not (events[0] or plan.spec.measures[index].ranked or plan.spec.measures[index].by):
        return None
    by, value, rank, key = events
    nothing = [None] * len(by)
    name = [plan.spec.measures[index].name] * len(by)
    told: dict[str, Sequence[object]] = {"metric": name, "by": by, "value": value, "rank": rank, "key": key}
    return {**told, "text": nothing, "error": nothing, PARTIAL: nothing}


def _metric(measure: Measure, values: pl.DataFrame) -> dict[str, Sequence[object]]:
    """The columns of a measure's events, in order. Plain Python: there are few, and a query costs more than all of them."""
    height = values.height
    group = objects([(key.name, values.get_column(f"by.{at}"), key.type) for at, key in enumerate(measure.by)], height)
    ranked = measure.ranked
    by, ranks = group, [None] * height
    if ranked:
        members = [(key.name, values.get_column(f"by.{at}"), key.type) for at, key in enumerate(measure.by)]
        by = objects([*members, (ranked[0], values.get_column("key"), ranked[1])], height)
        ranks = values.get_column("rank").to_list()
    found = values.get_column("value")
    number = measure.type.kind in NUMBERS
    errors = values.get_column("error").to_list() if measure.aggregate.bounded else [None] * height
    short = values.get_column(PARTIAL).to_list() if PARTIAL in values.columns else [None] * height
    order = sorted(range(height), key=lambda at: (group[at] or "", ranks[at] or 0))
    numbers, texts = (
        (_numbers(found, measure.type), [None] * height) if number else ([None] * height, plain(found, measure.type))
    )
    return {
        "metric": [measure.name] * height,
        "by": [by[at] for at in order],
        "value": [numbers[at] for at in order],
        "text": [texts[at] for at in order],
        "rank": [ranks[at] for at in order],
        "error": [errors[at] for at in order],
        "key": [identity(measure.name, group[at], ranks[at]) for at in order],
        PARTIAL: [short[at] for at in order],
    }


def _numbers(values: pl.Series, kind: Type) -> list[int | float | None]:
    """Durations are seconds, rounded once: Polars would multiply with the inverse of a million."""
    if kind.kind != "duration":
        return values.to_list()
    return [None if length is None else length / 1_000_000 for length in values.dt.total_microseconds().to_list()]
