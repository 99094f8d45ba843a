"""Sums of floats without error, whatever the order: a superaccumulator in two columns.

A finite double is `m · 2^(e - 1075)` with an integer |m| < 2^53 and 1 ≤ e ≤ 2046 (IEEE 754, subnormals have e = 1). Values
whose e falls into the same `bucket` of 32 exponents are added as integers, `units` of 2^(32·bucket - 1075): at most 2^84
each, so 2^42 of them fit an Int128. At most 64 buckets per group are state; `total` joins them exactly. The idea is
Kulisch's long accumulator (Kulisch & Miranker, "Computer Arithmetic in Theory and Practice", 1981), kept sparse."""

from __future__ import annotations

import math
from collections.abc import Sequence

import polars as pl

_WIDTH = 32
_NAN, _INFINITY, _MINUS_INFINITY = 64, 65, 66
_FRACTION = 1 << 52
_SCALE = 1075


def bucket(value: pl.Expr) -> pl.Expr:
    """The bucket of each Float64, UInt8: 0 to 63, three more for NaN and the infinities, null for null."""
    bits = value.reinterpret(dtype=pl.UInt64)
    return (
        pl.when(value.is_nan())
        .then(_NAN)
        .when(value.is_infinite())
        .then(pl.when(value > 0).then(_INFINITY).otherwise(_MINUS_INFINITY))
        .when(value.is_not_null())
        .then(_exponent(bits) // _WIDTH)
        .cast(pl.UInt8)
    )


def units(value: pl.Expr) -> pl.Expr:
    """Each Float64 as an integer multiple of its bucket's unit, Int128; 0 for values that are not finite, null for null."""
    bits = value.reinterpret(dtype=pl.UInt64)
    fraction = bits % _FRACTION
    mantissa = pl.when(_biased(bits) == 0).then(fraction).otherwise(fraction + _FRACTION).cast(pl.Int64)
    signed = pl.when(value < 0).then(-mantissa).otherwise(mantissa).cast(pl.Int128)
    scale = pl.lit(2, dtype=pl.Int128).pow((_exponent(bits) % _WIDTH).cast(pl.UInt32))
    return pl.when(value.is_finite()).then(signed * scale).when(value.is_not_null()).then(0)


def total(buckets: Sequence[int | None], amounts: Sequence[int | None], count: int = 1) -> float:
    """The sum of `amounts` of the buckets' units, divided by `count` (not 0), rounded once, to even. Too large is infinite;
    NaN, or both infinities, make NaN; nothing at all is 0.0."""
    exact, seen = 0, set[int]()
    for at, amount in zip(buckets, amounts, strict=True):
        if at is None or amount is None:
            continue
        if at >= _NAN:
            seen.add(at)
        else:
            exact += amount << (_WIDTH * at)
    if _NAN in seen or {_INFINITY, _MINUS_INFINITY} <= seen:
        return math.nan
    if seen:
        return math.inf if _INFINITY in seen else -math.inf
    try:
        return exact / (count << _SCALE)
    except OverflowError:
        return math.inf if exact > 0 else -math.inf


def _biased(bits: pl.Expr) -> pl.Expr:
    return bits // _FRACTION % 2048


def _exponent(bits: pl.Expr) -> pl.Expr:
    return pl.max_horizontal(_biased(bits), pl.lit(1, dtype=pl.UInt64))
