"""State of a window to its events, in the wide form: one event per group, the metrics as columns."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pipeline.columns.types import INT, Type, list_of, record
from pipeline.columns.windows.merges import Delta
from pipeline.columns.windows.plan import Plan
from pipeline.columns.windows.spec import Key, Spec
from pipeline.columns.windows.texts import object_of


def columns(spec: Spec) -> dict[str, Type]:
    """Names and types of the columns that `groups` gives, `key` left out: the group fields (`geo.country` is a member of
    the record `geo`, `@path` is `path`), then the metrics. A ranking is a list of records `key`, `count` (and `error`), best first.
    Raises ValueError when one group field is inside another, or there twice."""
    fields = {name: _type(node) for name, node in _tree(spec.by).items()}
    metrics = {
        measure.name: _ranking(measure.ranked[1], bounded=measure.aggregate.bounded) if measure.ranked else measure.type
        for measure in spec.measures
    }
    return {**fields, **metrics}


def _ranking(key: Type, *, bounded: bool) -> Type:
    return list_of(record({"key": key, "count": INT, **({"error": INT} if bounded else {})}))


def groups(plan: Plan, state: Delta) -> pl.DataFrame:
    """One event per group that has a row in the window, in order of `key`, the group's JSON text. A metric whose `where` no
    row of the group passed has the value of no rows: 0 for counts and sums, null for others, an empty list for rankings. Where a ranking was shortened,
    there is a column `partial`."""
    spec = plan.spec
    on = plan.folds[0].group
    frame = state[0].select(on)
    short: list[str] = []
    for index, measure in enumerate(spec.measures):
        values = plan.finish(index, state)
        flag = []
        if measure.ranked:
            if "partial" in values.columns:
                flag = [pl.col("partial").alias(f"short.{index}")]
                short.append(f"short.{index}")
            values = _lists(values, on)
            nothing = pl.lit([], dtype=values.schema["value"])
        else:
            neutral = plan.neutral(index, state).get_column("value")
            nothing = pl.lit(neutral.item(0), dtype=neutral.dtype)
        # A value that is null because rows were there (an overflow) stays null: only absent groups are filled.
        there = f"there.{index}"
        values = values.select(*on, pl.col("value").alias(f"value.{index}"), pl.lit(value=True).alias(there), *flag)
        frame = frame.join(values, on=on, how="left", nulls_equal=True, maintain_order="left").with_columns(
            pl.when(pl.col(there)).then(pl.col(f"value.{index}")).otherwise(nothing).alias(f"value.{index}")
        )
    metrics = [pl.col(f"value.{index}").alias(measure.name) for index, measure in enumerate(spec.measures)]
    partial = [pl.when(pl.any_horizontal(short)).then(pl.lit(value=True)).alias("partial")] if short else []
    return frame.select(*fields(spec), *metrics, label(spec.by, on).alias("key"), *partial).sort("key")


def fields(spec: Spec) -> list[pl.Expr]:
    """The group fields, of a state's columns."""
    return [_read(node).alias(name) for name, node in _tree(spec.by).items()]


def label(by: Sequence[Key], names: Sequence[str]) -> pl.Expr:
    """The JSON text of a group whose keys are these columns."""
    return object_of([(key.name, pl.col(name), key.type) for name, key in zip(names, by, strict=True)])


def _lists(values: pl.DataFrame, on: list[str]) -> pl.DataFrame:
    error = [pl.col("error")] if "error" in values.columns else []
    pair = pl.struct(pl.col("key"), pl.col("value").cast(pl.Int64).alias("count"), *error)
    partial = [pl.col("partial").any()] if "partial" in values.columns else []
    return values.group_by(on).agg(pair.sort_by("rank").alias("value"), *partial)


Tree = dict[str, "Tree | tuple[int, Key]"]
"""The group fields by path: a leaf is a key with its index."""


def _tree(by: tuple[Key, ...]) -> Tree:
    root: Tree = {}
    for index, key in enumerate(by):
        node = root
        *parents, last = (part.removeprefix("@") for part in key.path)
        for part in parents:
            below = node.setdefault(part, {})
            if not isinstance(below, dict):
                raise ValueError(f"{key.name} is inside {below[1].name}")  # noqa: TRY004 — the data is wrong, not its type
            node = below
        if last in node:
            raise ValueError(f"{key.name} is there twice")
        node[last] = (index, key)
    return root


def _type(node: Tree | tuple[int, Key]) -> Type:
    if isinstance(node, tuple):
        return node[1].type
    return record({name: _type(below) for name, below in node.items()})


def _read(node: Tree | tuple[int, Key]) -> pl.Expr:
    if isinstance(node, tuple):
        return pl.col(f"by.{node[0]}")
    return pl.struct(_read(below).alias(name) for name, below in node.items())
