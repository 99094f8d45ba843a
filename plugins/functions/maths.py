"""Arithmetic. What has no finite result, such as a root of a negative number, is null."""

from __future__ import annotations

import polars as pl

from pipeline import api
from pipeline.api import numbers

Types = tuple[api.Type | None, ...]

_NUMBER = ("int", "float")
_X = api.Parameter("x", "The number.", _NUMBER)
_COMPARED = ("int", "float", "string", "time", "duration")


def _common(types: Types) -> api.Type:
    """The type that holds all arguments: the same for all, or float for integers and floats."""
    kinds = {kind for kind in types if kind is not None and kind != api.NULL}
    if kinds <= {api.INT, api.FLOAT}:
        return api.FLOAT if api.FLOAT in kinds else api.INT
    if len(kinds) > 1:
        raise TypeError(f"its arguments have one type, not {' and '.join(sorted(str(kind) for kind in kinds))}")
    return kinds.pop()


def _same(types: Types) -> api.Type:
    return types[0] or api.INT


def _cast(values: tuple[pl.Expr, ...], types: Types) -> list[pl.Expr]:
    wanted = api.dtype(_common(types))
    return [value.cast(wanted) for value in values]


def _least(*values: pl.Expr, types: Types) -> pl.Expr:
    return pl.min_horizontal(_cast(values, types))


def _greatest(*values: pl.Expr, types: Types) -> pl.Expr:
    return pl.max_horizontal(_cast(values, types))


def _clamp(x: pl.Expr, low: pl.Expr, high: pl.Expr, *, types: Types) -> pl.Expr:
    return numbers.clamped(*_cast((x, low, high), types))


def _round(x: pl.Expr, digits: int, *, types: Types) -> pl.Expr:
    if not 0 <= digits <= 15:
        raise TypeError(f"a number is rounded to 0 to 15 digits, not {digits}")
    return x if types[0] == api.INT else numbers.rounded(x, digits)


def _floor(x: pl.Expr, *, types: Types) -> pl.Expr:
    return x if types[0] == api.INT else x.floor()


def _ceil(x: pl.Expr, *, types: Types) -> pl.Expr:
    return x if types[0] == api.INT else x.ceil()


def _exp(x: pl.Expr) -> pl.Expr:
    return numbers.finite(x.cast(pl.Float64).exp())


def _log(x: pl.Expr, base: float | None) -> pl.Expr:
    return numbers.logarithm(x) if base is None else numbers.logarithm(x, base)


def _log10(x: pl.Expr) -> pl.Expr:
    return numbers.logarithm(x, 10)


def _log2(x: pl.Expr) -> pl.Expr:
    return numbers.logarithm(x, 2)


def _trunc(x: pl.Expr, *, types: Types) -> pl.Expr:
    return x if types[0] == api.INT else pl.when(x < 0).then(x.ceil()).otherwise(x.floor())


def _sign(x: pl.Expr) -> pl.Expr:
    return x.sign().cast(pl.Int64, strict=False)


def _is_nan(x: pl.Expr) -> pl.Expr:
    return x.cast(pl.Float64).is_nan().fill_null(value=False)


abs_ = api.Function(
    name="abs",
    doc="The distance from zero, of a number or a duration.",
    parameters=(api.Parameter("x", "The number or duration.", (*_NUMBER, "duration")),),
    returns=_same,
    build=numbers.absolute,
    examples=(api.Example("abs(-3)", 3), api.Example("abs(-1.5)", 1.5), api.Example("float(abs(-90s))", 90.0)),
)

round_ = api.Function(
    name="round",
    doc="The number rounded to a number of decimals, halves away from zero. It keeps its type. Floats are binary: one that is "
    "written as a half, such as 1.005, is a little less or more than it, and may be rounded either way.",
    parameters=(
        _X,
        api.Parameter("digits", "How many decimals stay, 0 to 15.", ("int",), constant=True, default=0, required=False),
    ),
    returns=_same,
    build=_round,
    examples=(
        api.Example("round(2.5)", 3.0),
        api.Example("round(3.14159, 2)", 3.14),
        api.Example("round(1.005, 2)", 1.0),
        api.Example("round(7)", 7),
    ),
    typed=True,
)

floor = api.Function(
    name="floor",
    doc="The number rounded down. It keeps its type; `int(floor(x))` is an integer.",
    parameters=(_X,),
    returns=_same,
    build=_floor,
    examples=(api.Example("floor(2.7)", 2.0), api.Example("floor(-2.1)", -3.0)),
    typed=True,
)

ceil = api.Function(
    name="ceil",
    doc="The number rounded up. It keeps its type; `int(ceil(x))` is an integer.",
    parameters=(_X,),
    returns=_same,
    build=_ceil,
    examples=(api.Example("ceil(2.1)", 3.0), api.Example("ceil(5)", 5)),
    typed=True,
)

trunc = api.Function(
    name="trunc",
    doc="The number without its decimals, toward zero. It keeps its type; `int(x)` does the same and gives an integer.",
    parameters=(_X,),
    returns=_same,
    build=_trunc,
    examples=(api.Example("trunc(2.7)", 2.0), api.Example("trunc(-2.7)", -2.0)),
    typed=True,
)

least = api.Function(
    name="least",
    doc="The smallest of its arguments, which are all numbers, texts, times or durations. Nulls are skipped.",
    parameters=(
        api.Parameter("x", "A value.", _COMPARED),
        api.Parameter("more", "More values.", _COMPARED, required=False),
    ),
    returns=_common,
    build=_least,
    examples=(api.Example("least(3, 1, 2)", 1), api.Example("least(2, 1.5)", 1.5), api.Example("least(2, null)", 2)),
    variadic=True,
    typed=True,
)

greatest = api.Function(
    name="greatest",
    doc="The largest of its arguments, which are all numbers, texts, times or durations. Nulls are skipped.",
    parameters=least.parameters,
    returns=_common,
    build=_greatest,
    examples=(api.Example("greatest(3, 1, 2)", 3), api.Example("greatest('a', 'b')", "b")),
    variadic=True,
    typed=True,
)

clamp = api.Function(
    name="clamp",
    doc="The number, but not below `low` nor above `high`.",
    parameters=(
        _X,
        api.Parameter("low", "The smallest result.", _NUMBER),
        api.Parameter("high", "The largest result.", _NUMBER),
    ),
    returns=_common,
    build=_clamp,
    examples=(api.Example("clamp(120, 0, 100)", 100), api.Example("clamp(-0.5, 0, 1)", 0.0)),
    typed=True,
)

sqrt = api.Function(
    name="sqrt",
    doc="The square root; null of a negative number.",
    parameters=(_X,),
    returns=api.FLOAT,
    build=numbers.root,
    examples=(api.Example("sqrt(9)", 3.0), api.Example("sqrt(-1)", None)),
)

pow_ = api.Function(
    name="pow",
    doc="A number to the power of another, as a float.",
    parameters=(_X, api.Parameter("exponent", "The exponent.", _NUMBER)),
    returns=api.FLOAT,
    build=numbers.power,
    examples=(
        api.Example("pow(2, 10)", 1024.0),
        api.Example("pow(2, 0.5)", 1.4142135623730951),
        api.Example("pow(10, 400)", None),
    ),
)

exp = api.Function(
    name="exp",
    doc="e to the power of a number.",
    parameters=(_X,),
    returns=api.FLOAT,
    build=_exp,
    examples=(api.Example("exp(0)", 1.0), api.Example("exp(1000)", None)),
)

log = api.Function(
    name="log",
    doc="The logarithm, natural or to a base; null of what is not above zero.",
    parameters=(
        _X,
        api.Parameter("base", "The base; e unless given.", ("float", "int"), constant=True, required=False),
    ),
    returns=api.FLOAT,
    build=_log,
    examples=(api.Example("log(1)", 0.0), api.Example("log(8, 2)", 3.0), api.Example("log(0)", None)),
)

log10 = api.Function(
    name="log10",
    doc="The logarithm to the base 10; null of what is not above zero.",
    parameters=(_X,),
    returns=api.FLOAT,
    build=_log10,
    examples=(api.Example("log10(1000)", 3.0),),
)

log2 = api.Function(
    name="log2",
    doc="The logarithm to the base 2; null of what is not above zero.",
    parameters=(_X,),
    returns=api.FLOAT,
    build=_log2,
    examples=(api.Example("log2(1024)", 10.0),),
)

sign = api.Function(
    name="sign",
    doc="-1, 0 or 1, as the number is negative, zero or positive.",
    parameters=(_X,),
    returns=api.INT,
    build=_sign,
    examples=(api.Example("sign(-2.5)", -1), api.Example("sign(0)", 0)),
)

is_nan = api.Function(
    name="is_nan",
    doc="Whether a float is NaN, as Parquet and other sources may hold it. False for null.",
    parameters=(_X,),
    returns=api.BOOL,
    build=_is_nan,
    examples=(api.Example("is_nan(1.5)", False), api.Example("is_nan(null)", result=False)),
)
