"""State of a window to its events, in the long form: one event per metric and key."""

from __future__ import annotations

import polars as pl

from pipeline.columns.types import FLOAT, INT, JSON, STRING, TIME, Type, dtype
from pipeline.columns.windows.groups import columns as wide
from pipeline.columns.windows.groups import groups
from pipeline.columns.windows.merges import Delta
from pipeline.columns.windows.plan import Plan
from pipeline.columns.windows.spec import Measure, Spec
from pipeline.columns.windows.texts import identity_of, object_of, plain

NUMBERS = ("int", "float", "duration")
"""Kinds of values that are `value`; `TEXTS` are `text`; no other kind has a place in the long form."""

TEXTS = ("string", "time", "bool", "json")


def columns(spec: Spec) -> dict[str, Type]:
    """Names and types of the columns that `rows` gives, `key` left out. Raises ValueError when group fields clash.

    In the long form, `value` is int when every number is (durations are seconds, so floats); `text` and `rank` are there
    when a metric needs them. `window_start` and `window_end` are there unless the window is over everything."""
    bounds = {"window_start": TIME, "window_end": TIME} if spec.size else {}
    if spec.by:
        return {**wide(spec), **bounds}
    kinds = {measure.type.kind for measure in spec.measures}
    found: dict[str, Type] = {"metric": STRING, "by": JSON, "value": FLOAT if kinds & {"float", "duration"} else INT}
    if kinds - set(NUMBERS):
        found["text"] = STRING
    if any(measure.ranked for measure in spec.measures):
        found["rank"] = INT
    return {**found, **bounds}


def rows(plan: Plan, start: int, state: Delta) -> pl.DataFrame:
    """The events of the window that starts at `start` (µs): the columns of `columns`, and `key`, String, which tells the
    window's events apart and stays the same when the window is computed again with more rows.

    Metrics come in the order of the program, rankings by rank, groups by their JSON text. A metric without `by` always
    has its one event, also when no row passed its `where` (0 for counts and sums, null for others); a ranking has none."""
    spec = plan.spec
    if spec.by:
        return _bounded(groups(plan, state), start, spec.size)
    kinds = columns(spec)
    # A ranking of nothing has no rows, and looking for them is most of the work of a window with few events.
    told = [at for at, measure in enumerate(spec.measures) if not (measure.ranked and state[plan.place[at]].is_empty())]
    if not told:
        return pl.DataFrame(schema={name: dtype(kind) for name, kind in {**kinds, "key": STRING}.items()})
    return _bounded(
        pl.concat([_metric(spec.measures[at], plan.finish(at, state), kinds) for at in told]), start, spec.size
    )


def _bounded(frame: pl.DataFrame, start: int, size: int) -> pl.DataFrame:
    """With `window_start` and `window_end` before `key`, unless the window is over everything."""
    if size == 0:
        return frame
    time = dtype(TIME)
    return frame.with_columns(
        pl.lit(start, dtype=pl.Int64).cast(time).alias("window_start"),
        pl.lit(start + size, dtype=pl.Int64).cast(time).alias("window_end"),
    ).select(pl.exclude("key"), "key")


def _metric(measure: Measure, values: pl.DataFrame, kinds: dict[str, Type]) -> pl.DataFrame:
    if measure.type.kind == "duration":
        values = _seconds(values)
    group = [(key.name, pl.col(f"by.{at}"), key.type) for at, key in enumerate(measure.by)]
    by = [*group, (measure.ranked[0], pl.col("key"), measure.ranked[1])] if measure.ranked else group
    rank = pl.col("rank").cast(pl.Int64) if measure.ranked else None
    number = measure.type.kind in NUMBERS
    none = pl.lit(None, dtype=pl.String)
    made = {
        "metric": pl.lit(measure.name),
        "by": object_of(by) if by else none,
        "value": (pl.col("value") if number else pl.lit(None)).cast(dtype(kinds["value"])),
        "text": none if number else plain(pl.col("value"), measure.type),
        "rank": pl.lit(None, dtype=pl.Int64) if rank is None else rank,
        "key": identity_of(measure.name, object_of(group) if group else none, rank),
    }
    wanted = [value.alias(name) for name, value in made.items() if name in kinds or name == "key"]
    order = [*([object_of(group)] if group else []), *([] if rank is None else [rank])]
    return (values.sort(order) if order else values).select(wanted)


def _seconds(values: pl.DataFrame) -> pl.DataFrame:
    """Durations to seconds, rounded once: Polars would multiply with the inverse of a million."""
    micros = values.get_column("value").dt.total_microseconds().to_list()
    seconds = [None if length is None else length / 1_000_000 for length in micros]
    return values.with_columns(pl.Series("value", seconds, dtype=pl.Float64))
