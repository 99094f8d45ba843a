"""Which rows an event of a window is made of: the same expressions as those that make it, asked the other way round."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from pipeline.columns.windows.plan import Plan
from pipeline.columns.windows.spec import Measure, Spec
from pipeline.columns.windows.texts import object_of, objects


def members(plan: Plan, frame: pl.DataFrame, start: int, event: Mapping[str, object]) -> pl.DataFrame:
    """The rows of a batch that count in one event of the window that starts at `start` (µs): those of its time and group, and
    in the long form those that pass the metric's `where` and have the value that it needs. `event` is a row of `rows`."""
    spec = plan.spec
    inside = _inside(frame, start, spec)
    if spec.by:
        text = object_of([(key.name, key.polars, key.type) for key in spec.by])
        return inside.filter(text == pl.lit(event["key"]))
    measure = next(measure for measure in spec.measures if measure.name == event["metric"])
    for condition in (measure.where, measure.aggregate.keep(measure.arguments)):
        if condition is not None:
            inside = inside.filter(condition)
    if event["by"] is None:
        return inside
    return inside.filter(pl.Series([group == event["by"] for group in _groups(measure, inside)], dtype=pl.Boolean))


def _inside(frame: pl.DataFrame, start: int, spec: Spec) -> pl.DataFrame:
    if spec.size == 0:
        return frame
    time = frame.get_column(spec.on).dt.timestamp("us")
    return frame.filter((time >= start) & (time < start + spec.size))


def _groups(measure: Measure, frame: pl.DataFrame) -> list[str | None]:
    """The `by` of the event that each row is for."""
    keys = [(key.name, key.polars, key.type) for key in measure.by]
    if measure.ranked:
        name, kind = measure.ranked
        keys.append((name, next(given for given in measure.arguments if isinstance(given, pl.Expr)), kind))
    values = frame.with_columns(value.alias(f"by.{at}") for at, (_, value, _) in enumerate(keys))
    return objects([(name, values[f"by.{at}"], kind) for at, (name, _, kind) in enumerate(keys)], frame.height)
