"""Quantiles in bounded memory: DDSketch as rows.

A state has a row a value with how often it was `seen`; in a group that had more than `limit` different values, the finite ones
are replaced by `bucket`s with logarithmic bounds: bucket i is (γ^(i-1), γ^i] with γ = (1 + ERROR) / (1 - ERROR), whose middle
2γ^i / (γ + 1) is at most ERROR away from all of it, relatively (Masson, Rim & Lee, "DDSketch", VLDB 2019). Counts of a
bucket add up, so states merge in any order; and a group is turned into buckets when its values exceed the limit, whichever
merge sees that, so the outcome is a function of the values alone."""

from __future__ import annotations

import math

import polars as pl

ERROR = 0.01

_GAMMA = (1 + ERROR) / (1 - ERROR)
_REACH = ERROR / (1 - ERROR) + 1e-9
"""The same of the middle of a bucket, and what the rounding of a logarithm may move its bounds."""

_OFFSET = 40_000
"""Makes the numbers of all buckets positive (the least double is in bucket -37,219), so that the sign can be the value's."""

BUCKET = pl.Int32()


def shrunk(state: pl.DataFrame, group: list[str], limit: int) -> pl.DataFrame:
    """Groups of more than `limit` different values as buckets. Null, NaN and infinities stay as they are."""
    if state.get_column("bucket").null_count() == state.height <= limit:
        return state
    many = (pl.col("value").count() > limit) | (pl.col("bucket").count() > 0)
    turns = many.over(group) if group else many
    number = pl.col("value").cast(pl.Float64)
    bucket = pl.coalesce("bucket", pl.when(turns & number.is_finite()).then(_bucket(number)))
    placed = state.with_columns(bucket.alias("bucket"))
    value = pl.when(pl.col("bucket").is_null()).then(pl.col("value"))
    return (
        placed.with_columns(value.alias("value"))
        .group_by([*group, "value", "bucket"])
        .agg(pl.col("seen").sum())
        .select(state.columns)
    )


def numbers() -> pl.Expr:
    """The value of each row, Float64: its own, or the middle of its bucket."""
    bucket = pl.col("bucket")
    power = (bucket.abs().cast(pl.Float64) - _OFFSET) * math.log(_GAMMA)
    # Halved before and doubled after: the middle of the last bucket is a double, the power may not be.
    middle = (power - math.log((_GAMMA + 1) / 2)).exp() * bucket.sign()
    return (
        pl.when(bucket.is_null()).then(pl.col("value").cast(pl.Float64)).when(bucket == 0).then(0.0).otherwise(middle)
    )


def errors() -> pl.Expr:
    """How far each of `numbers` may be from the values that it stands for; 0 for a value of its own."""
    return pl.when(pl.col("bucket").is_null()).then(0.0).otherwise(numbers().abs() * _REACH)


def _bucket(value: pl.Expr) -> pl.Expr:
    place = (value.abs().log() / math.log(_GAMMA)).ceil() + _OFFSET
    return pl.when(value == 0).then(0).otherwise(place * value.sign()).cast(BUCKET)
