"""Bits of integers, as flags and masks have them. Negative integers are in two's complement, 64 bits."""

from __future__ import annotations

import polars as pl

from pipeline import api

_X = api.Parameter("x", "The integer.", ("int",))
_Y = api.Parameter("y", "The other integer.", ("int",))


def _and(x: pl.Expr, y: pl.Expr) -> pl.Expr:
    return x & y


def _or(x: pl.Expr, y: pl.Expr) -> pl.Expr:
    return x | y


def _xor(x: pl.Expr, y: pl.Expr) -> pl.Expr:
    return x ^ y


bit_and = api.Function(
    name="bit_and",
    doc="The bits that two integers both have.",
    parameters=(_X, _Y),
    returns=api.INT,
    build=_and,
    examples=(api.Example("bit_and(18, 2)", 2), api.Example("bit_and(-1, 7)", 7)),
)

bit_or = api.Function(
    name="bit_or",
    doc="The bits that at least one of two integers has.",
    parameters=(_X, _Y),
    returns=api.INT,
    build=_or,
    examples=(api.Example("bit_or(18, 1)", 19),),
)

bit_xor = api.Function(
    name="bit_xor",
    doc="The bits that one of two integers has and the other has not.",
    parameters=(_X, _Y),
    returns=api.INT,
    build=_xor,
    examples=(api.Example("bit_xor(18, 3)", 17),),
)
