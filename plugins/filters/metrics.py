"""Metrics of windows and sessions: checked, and as the kernels take them."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pipeline import api
from pipeline.api import windows

GROUPS = ("string", "int", "float", "bool", "time", "duration", "json", "null")


def measure(metric: api.Metric, *, wide: bool, length: bool) -> windows.Measure:
    """What the kernels need of a metric. `wide`: its value is a field of its own; `length`: what it is of has one. Raises OptionError."""
    types = tuple(argument.type if isinstance(argument, api.Expr) else None for argument in metric.arguments)
    aggregate = metric.aggregate
    try:
        kind = aggregate.returns(types)
    except TypeError as error:
        raise api.OptionError(f"{metric.name}: {error}", "block") from error
    if not wide and kind.kind not in (*windows.NUMBERS, *windows.TEXTS):
        raise api.OptionError(
            f"{metric.name}: an event cannot hold a {kind} as its value", "block", "take a member of it"
        )
    if aggregate.name == "rate" and not length:
        raise api.OptionError(f"{metric.name}: rate() needs a window with a length", "block", "such as window(10s)")
    return windows.Measure(
        name=metric.name,
        aggregate=aggregate.bind(types, metric.arguments),
        arguments=tuple(
            argument.polars if isinstance(argument, api.Expr) else argument for argument in metric.arguments
        ),
        type=kind,
        by=keys(metric.by, "block"),
        where=None if metric.where is None else metric.where.polars,
        ranked=_ranked(metric) if aggregate.ranking else None,
    )


def _ranked(metric: api.Metric) -> tuple[str, api.Type]:
    """What a ranking ranks: its first argument that is not a constant, named by its path or its source text."""
    value = next(argument for argument in metric.arguments if isinstance(argument, api.Expr))
    for path in value.fields:
        if value.polars.meta.eq(api.Field(path, value.type).polars):
            return ".".join(path), value.type
    return value.text, value.type


def keys(fields: tuple[api.Field, ...], option: str) -> tuple[windows.Key, ...]:
    """What the kernels need of group fields. Raises OptionError."""
    for field in fields:
        if field.type.kind not in GROUPS:
            raise api.OptionError(
                f"{field.name} is {field.type} and cannot be a group", option, "group by a member or a text"
            )
        if sum(field.name == other.name for other in fields) > 1:
            raise api.OptionError(f"{field.name} is there twice", option, "name each field once")
    return tuple(windows.Key(field.path, _group(field), field.type) for field in fields)


def _group(field: api.Field) -> pl.Expr:
    # JSON's null is null: as two groups they would look the same.
    return field.polars.replace("null", None) if field.type.kind == "json" else field.polars


def meaning(metrics: api.Metrics) -> list[object]:
    """What gives the state of these metrics its meaning, for a fingerprint."""
    return [
        [
            metric.name,
            metric.aggregate.name,
            metric.aggregate.state_version,
            [_canonical(argument) for argument in metric.arguments],
            [[field.path, str(field.type)] for field in metric.by],
            None if metric.where is None else metric.where.meaning,
        ]
        for metric in metrics
    ]


def timed(metrics: api.Metrics, batch: api.Batch, on: str) -> api.Batch:
    """Without the rows that nothing can take: those without a time, and with values that the metrics cannot do without."""
    for metric in metrics:
        for expression in (*metric.arguments, metric.where):
            if isinstance(expression, api.Expr):
                batch = expression.require(batch)
    if on != "@timestamp":
        batch = batch.reject(batch.frame.get_column(on).is_null(), "no_time", field=on)
    return batch


def clock(on: api.Field | None) -> None:
    """Check the option `on`. Raises OptionError."""
    if on is not None and on.type.kind != "time":
        raise api.OptionError(
            f"{on.name} is {on.type}, not a time", "on", "parse it first: set { t = time(field, format) }"
        )
    if on is not None and len(on.path) > 1:
        raise api.OptionError(f"{on.name} is inside a record", "on", f"copy it first: set {{ t = {on.name} }}")


def names(metrics: api.Metrics, by: tuple[api.Field, ...], what: str, reserved: Sequence[str]) -> None:
    """Check the names of metrics and group fields of `what`. Raises OptionError."""
    given = [metric.name for metric in metrics]
    for name in given:
        if given.count(name) > 1:
            raise api.OptionError(f"there are two metrics {name}", "block", "give each metric its own name")
    groups = [field.path[0].removeprefix("@") for field in by]
    for name in groups:
        if name in reserved:
            raise api.OptionError(
                f"a group field cannot be called {name}", "by", f"copy it first: set {{ my_{name} = … }}"
            )
    for metric in metrics if by else ():
        if metric.name in reserved or metric.name in groups:
            raise api.OptionError(f"a metric cannot be called {metric.name}", "block", "another column has this name")
        if metric.by:
            raise api.OptionError(
                f"{metric.name} has a `by` and the {what} has one",
                "block",
                f"the {what}'s `by` holds for all its metrics",
            )


def _canonical(argument: api.Expr | float | str) -> list[str]:
    return [argument.meaning, str(argument.type)] if isinstance(argument, api.Expr) else [repr(argument), "constant"]
