"""Arithmetic on Int64 and Float64 columns. What has no finite result is null."""

from __future__ import annotations

import math

import polars as pl

_LOWEST = -(2**63)


def finite(x: pl.Expr) -> pl.Expr:
    """Float64; NaN and infinite values are null."""
    number = x.cast(pl.Float64)
    return pl.when(number.is_finite()).then(number)


def absolute(x: pl.Expr) -> pl.Expr:
    """The distance from zero, of x's dtype; null for the one integer that has none in 64 bits."""
    return pl.when(x != _LOWEST).then(x.abs())


def rounded(x: pl.Expr, digits: int = 0) -> pl.Expr:
    """Float64 rounded to decimals, halves away from zero."""
    return finite(x).round(digits, mode="half_away_from_zero")


def root(x: pl.Expr) -> pl.Expr:
    """The square root (Float64); null below zero."""
    return finite(x.cast(pl.Float64).sqrt())


def power(x: pl.Expr, exponent: pl.Expr) -> pl.Expr:
    """x to the power of an exponent (Float64)."""
    return finite(x.cast(pl.Float64).pow(exponent.cast(pl.Float64)))


def divided(left: pl.Expr, right: pl.Expr) -> pl.Expr:
    """The nearest float. Polars multiplies by the inverse of a constant divisor, which is not, and not for a row alone; so the
    divisor is made a column (a null dividend gives null whatever the divisor)."""
    return left / (right + left.is_null().cast(pl.Float64()))


def remainder(left: pl.Expr, right: pl.Expr) -> pl.Expr:
    """The exact remainder of floats, rounded once, with the sign of the divisor; null for a divisor of zero.

    Polars takes a rounded quotient's product away, which has another sign or is larger than the divisor."""
    both = pl.struct(left.cast(pl.Float64).alias("left"), right.cast(pl.Float64).alias("right"))
    return both.map_batches(_remainders, return_dtype=pl.Float64(), is_elementwise=True)


def _remainders(values: pl.Series) -> pl.Series:
    pairs = zip(values.struct.field("left"), values.struct.field("right"), strict=True)
    return pl.Series(values.name, [a % b if b and a is not None else None for a, b in pairs], dtype=pl.Float64)


def logarithm(x: pl.Expr, base: float = math.e) -> pl.Expr:
    """The logarithm of numbers above zero (Float64), exact for powers of the base. Raises TypeError for a base that is not above zero, or is 1."""
    if base <= 0 or base == 1:
        raise TypeError(f"a logarithm has a base above 0 other than 1, not {base:g}")
    positive = pl.when(x > 0).then(x.cast(pl.Float64))
    natural = finite(positive.log())
    if base == math.e:
        return natural
    found = divided(natural, pl.lit(math.log(base)))
    whole = found.round()
    return pl.when(pl.lit(float(base)).pow(whole) == positive).then(whole).otherwise(found)


def clamped(x: pl.Expr, low: pl.Expr, high: pl.Expr) -> pl.Expr:
    """x, but not below `low` nor above `high`, all of one dtype; null when any of them is."""
    inside = pl.when(x < low).then(low).when(x > high).then(high).otherwise(x)
    return pl.when(x.is_not_null() & low.is_not_null() & high.is_not_null()).then(inside)
