"""The operators of the language as Polars expressions.

Every builder takes expressions of known dtypes and yields one that holds for literals as well as for columns.

    integers    computed in 128 bits; what does not fit into 64 is null
    floats      what is not finite (overflow, division by zero) is null
    / and %     by zero is null; `%` has the sign of the divisor
    conditions  two-valued: comparisons are never null, `and` `or` `not` take null for false
    times       integers of microseconds under the same rules
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl

from pipeline.columns import numbers
from pipeline.columns.types import BOOL, DURATION, FLOAT, INT, TIME, Type, dtype

Operation = Callable[[pl.Expr, pl.Expr], pl.Expr]

_PLAIN: dict[str, Operation] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": numbers.divided,
    "%": numbers.remainder,
}


_ORDER: dict[str, Operation] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def literal(value: object, kind: Type) -> pl.Expr:
    """A constant; durations and times are given in microseconds."""
    if value is None:
        return pl.lit(None, dtype=dtype(kind))
    if kind in (DURATION, TIME):
        return pl.lit(value, dtype=pl.Int64()).cast(dtype(kind))
    return pl.lit(value, dtype=dtype(kind))


def constant(expression: pl.Expr, kind: Type) -> object:
    """The value of an expression without columns, as `literal` takes it."""
    shown = expression.cast(pl.Int64()) if kind in (DURATION, TIME) else expression
    found: list[object] = pl.select(shown.alias("value")).to_series().to_list()
    return found[0] if found else None


def truth(condition: pl.Expr) -> pl.Expr:
    """A Boolean as a condition: null is false."""
    return condition.fill_null(value=False)


def finite(value: pl.Expr) -> pl.Expr:
    return pl.when(value.is_finite()).then(value)


def _wide(value: pl.Expr) -> pl.Expr:
    return value.cast(pl.Int64()).cast(pl.Int128())


def _narrow(value: pl.Expr, kind: Type) -> pl.Expr:
    narrow = value.cast(pl.Int64(), strict=False)
    return narrow if kind == INT else narrow.cast(dtype(kind))


def integer(operator: str, left: pl.Expr, right: pl.Expr, kind: Type = INT) -> pl.Expr:
    """`+ - * %` on integers, times and durations; `kind` is what comes out."""
    if operator == "%":
        return _narrow(_wide(left) % _wide(right), kind)
    return _narrow(_PLAIN[operator](_wide(left), _wide(right)), kind)


def real(operator: str, left: pl.Expr, right: pl.Expr) -> pl.Expr:
    """`+ - * / %` on numbers, as floats."""
    return finite(_PLAIN[operator](left.cast(pl.Float64()), right.cast(pl.Float64())))


def scaled(operator: str, duration: pl.Expr, factor: pl.Expr) -> pl.Expr:
    """A duration times or divided by a float, rounded to the microsecond (half to even)."""
    exact = _PLAIN[operator](duration.cast(pl.Int64()).cast(pl.Float64()), factor.cast(pl.Float64()))
    return finite(exact).round(mode="half_to_even").cast(pl.Int64(), strict=False).cast(dtype(DURATION))


def ratio(left: pl.Expr, right: pl.Expr) -> pl.Expr:
    """A duration divided by a duration."""
    return real("/", left.cast(pl.Int64()), right.cast(pl.Int64()))


def negative(value: pl.Expr, kind: Type) -> pl.Expr:
    return -value if kind == FLOAT else _narrow(pl.lit(0, dtype=pl.Int128()) - _wide(value), kind)


def equal(left: pl.Expr, right: pl.Expr) -> pl.Expr:
    if not left.meta.root_names():  # as in `ordered`
        left, right = right, left
    return left.eq_missing(right)


_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def ordered(operator: str, left: pl.Expr, right: pl.Expr) -> pl.Expr:
    if not left.meta.root_names():  # Polars may yield one row for many where the left side is a literal
        left, right, operator = right, left, _MIRRORED[operator]
    return truth(_ORDER[operator](left, right))


def within(value: pl.Expr, low: pl.Expr, high: pl.Expr) -> pl.Expr:
    return ordered(">=", value, low) & ordered("<=", value, high)


def among(value: pl.Expr, items: Sequence[pl.Expr]) -> pl.Expr:
    """Whether a value equals one of these; null equals none."""
    found = pl.lit(False)
    for item in items:
        found = found | (equal(value, item) & value.is_not_null())
    return found


def among_constants(value: pl.Expr, items: Sequence[object], kind: Type) -> pl.Expr:
    """The same for constants that are not null (durations and times in microseconds)."""
    known = pl.lit(list(items), dtype=pl.List(pl.Int64() if kind in (DURATION, TIME) else dtype(kind)))
    if kind in (DURATION, TIME):
        value = value.cast(pl.Int64())
    return truth(value.is_in(known))


def holds(values: pl.Expr, item: pl.Expr) -> pl.Expr:
    """Whether a list has an element; null is in no list."""
    return truth(values.list.contains(item, nulls_equal=False)) & item.is_not_null()


def part(text: pl.Expr, of: pl.Expr) -> pl.Expr:
    """Whether `text` occurs in `of`."""
    return truth(of.str.contains(text, literal=True)) & text.is_not_null()


def matching(text: pl.Expr, pattern: str) -> pl.Expr:
    return truth(text.str.contains(pattern))


def chosen(condition: pl.Expr, then: pl.Expr, otherwise: pl.Expr) -> pl.Expr:
    return pl.when(truth(condition)).then(then).otherwise(otherwise)


def element(values: pl.Expr, index: pl.Expr) -> pl.Expr:
    """An element by position from 0, from the end when negative; null when there is none."""
    return values.list.get(index, null_on_oob=True)


def member(value: pl.Expr, name: str) -> pl.Expr:
    return value.struct.field(name)


def text(value: pl.Expr, kind: Type, strftime: str = "") -> pl.Expr:
    """A value as text in a template: times as RFC 3339 (UTC) unless a format is given, a JSON text as what it says."""
    if kind.kind == "time":
        return value.dt.strftime(strftime.replace("%f", "%6f")) if strftime else _rfc3339(value)
    if kind.kind == "json":
        return pl.when(value.str.starts_with('"')).then(value.str.json_path_match("$")).otherwise(value)
    if kind.kind == "duration":
        return value.dt.total_microseconds().cast(pl.Float64()).truediv(1e6).cast(pl.String()) + "s"
    if kind == BOOL:
        return pl.when(value).then(pl.lit("true")).when(~value).then(pl.lit("false"))
    return value if kind.kind == "string" else value.cast(pl.String())


def _rfc3339(value: pl.Expr) -> pl.Expr:
    """As outputs write times: no trailing zeros, no fraction when it is zero."""
    digits = value.dt.strftime("%6f").str.strip_chars_end("0")
    dot = pl.when(digits != "").then(pl.lit(".")).otherwise(pl.lit(""))
    return pl.concat_str(value.dt.strftime("%Y-%m-%dT%H:%M:%S"), dot, digits, pl.lit("Z"))


def cast(value: pl.Expr, old: Type, new: Type) -> pl.Expr:
    """A value of a type where another is needed: int as float, null as anything."""
    return value if old == new else value.cast(dtype(new))
