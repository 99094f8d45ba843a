"""Expressions: from the syntax tree to typed Polars expressions.

`compile_expression` reports what is wrong and then yields None; None in, None out, so that one mistake is told once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import polars as pl

from pipeline.api import Expr, Guard
from pipeline.columns.types import (
    BOOL,
    DURATION,
    FLOAT,
    INT,
    NULL,
    STRING,
    TIME,
    Type,
    dtype,
    list_of,
)
from pipeline.lang import ast
from pipeline.lang.diagnostics import suggestion
from pipeline.lang.layout import one_line
from pipeline.plan import lower
from pipeline.plan.calls import call
from pipeline.plan.inference import OpenRecord, Variable
from pipeline.plan.kinds import combined, conditional, joined, needs
from pipeline.plan.meaning import meaning
from pipeline.plan.operators import binary, unary
from pipeline.plan.scope import Scope, Typed
from pipeline.plan.spelling import article

_INT64 = range(-(2**63), 2**63)

_FORMS: dict[type, tuple[str, str]] = {
    ast.Regex: ("a regex", "a regex stands right of `matches` or in a function that takes one"),
    ast.Range: ("a range", "a range stands right of `in`: `status in 200..299`"),
    ast.MapOf: ("a map", "maps are for options only: `roll: {age: 1h}`"),
}


def compile_expression(node: ast.Expression, scope: Scope) -> Typed | None:
    """A typed expression, or None when something in it is wrong and has been reported."""
    match node:
        case ast.Integer():
            return _integer(node.value, node, scope)
        case ast.Size():
            return _integer(node.value, node, scope)
        case ast.Float():
            return constant(node.value, FLOAT)
        case ast.Duration():
            return constant(node.value, DURATION)
        case ast.Boolean():
            return constant(node.value, BOOL)
        case ast.Null():
            return constant(None, NULL)
        case ast.String():
            return constant(node.value, STRING)
        case ast.Template():
            return _template(node, scope)
        case ast.Path():
            return scope.name(node)
        case ast.ListOf():
            return _list(node, scope)
        case ast.Unary(operator="-", operand=ast.Integer(value=value)):
            return _integer(-value, node, scope)
        case ast.Unary():
            return unary(node, scope, compile_expression)
        case ast.Binary():
            return binary(node, scope, compile_expression)
        case ast.Conditional():
            return _conditional(node, scope)
        case ast.Index():
            return _index(node, scope)
        case ast.Call():
            return call(node, scope, compile_expression)
        case ast.Regex() | ast.Range() | ast.MapOf():
            what, help = _FORMS[type(node)]
            scope.findings.error("P313", f"{what} is not a value here", node.span, help=help)
            return None


def constant(value: object, kind: Type) -> Typed:
    """A constant as an expression; durations and times in microseconds."""
    return Typed(lower.literal(value, kind), kind, constant=True)


def condition(node: ast.Expression, scope: Scope) -> Typed | None:
    """An expression that must be a condition; null counts as false in what comes out."""
    typed = compile_expression(node, scope)
    if typed is None or not needs(typed, BOOL, node.span, scope, "a condition is true or false"):
        return None
    return replace(typed, polars=lower.truth(typed.polars.cast(pl.Boolean())), type=BOOL)


def expression(typed: Typed, node: ast.Expression, scope: Scope) -> Expr:
    """What plugins get, of a node that was compiled in this scope."""
    means = meaning(node, scope, compile_expression)
    return Expr(typed.polars, typed.type, one_line(node.span), typed.fields, typed.guards, means)


def evaluate(typed: Typed) -> object:
    """The value of a constant: durations and times in microseconds, lists as Python lists."""
    return lower.constant(typed.polars, typed.type)


def _integer(value: int, node: ast.Expression, scope: Scope) -> Typed | None:
    if value in _INT64:
        return constant(value, INT)
    scope.findings.error("P314", "this integer does not fit into 64 bits", node.span, help="write a float, or a text")
    return None


def _template(node: ast.Template, scope: Scope) -> Typed | None:
    if node.plain is not None:
        return constant(node.plain, STRING)
    parts: list[pl.Expr] = []
    holes: list[Typed] = []
    sound = True
    for part in node.parts:
        if isinstance(part, str):
            parts.append(pl.lit(part))
            continue
        typed = scope.name(part.path)
        if typed is None or not printable(typed.type, part, scope):
            sound = False
            continue
        holes.append(typed)
        parts.append(lower.text(typed.polars, typed.type, part.format))
    return combined(holes, pl.concat_str(parts), STRING) if sound else None


def printable(kind: Type, hole: ast.Hole, scope: Scope) -> bool:
    """Whether a value can stand in a template, with this format. Reports it if not."""
    if isinstance(kind, Variable):
        if hole.format:
            scope.unknowns.demand(kind, TIME, hole.span)
        return True
    if hole.format and kind != TIME:
        scope.findings.error(
            "P302",
            f"`{hole.path.dotted}` is {article(kind)}: only times have a format",
            hole.span,
            help="leave the format out, or make it a time with `time(…)`",
        )
        return False
    if kind.kind in ("list", "record", "bytes"):
        scope.findings.error("P302", f"{article(kind)} has no form as text in a template", hole.span)
        return False
    return True


def _list(node: ast.ListOf, scope: Scope) -> Typed | None:
    items = [compile_expression(item, scope) for item in node.items]
    if any(item is None for item in items):
        return None
    known = [item for item in items if item is not None]
    kind: Type | None = NULL
    for item, at in zip(known, node.items, strict=True):
        kind = joined(kind, item.type, at.span, scope) if kind is not None else None
        if kind is None:
            scope.findings.error(
                "P302", "the elements of a list have one type", at.span, f"this is {article(item.type)}"
            )
            return None
    inner = kind or NULL
    columns = [lower.cast(item.polars, item.type, inner) for item in known]
    built = pl.concat_list(columns) if columns else pl.lit([], dtype=pl.List(dtype(inner)))
    return combined(known, built, list_of(inner))


def _conditional(node: ast.Conditional, scope: Scope) -> Typed | None:
    test = condition(node.condition, scope)
    then, otherwise = compile_expression(node.then, scope), compile_expression(node.otherwise, scope)
    if test is None or then is None or otherwise is None:
        return None
    kind = joined(then.type, otherwise.type, node.otherwise.span, scope)
    if kind is None:
        scope.findings.error(
            "P302",
            f"one branch is {article(then.type)}, the other {article(otherwise.type)}",
            node.otherwise.span,
            help="both branches of `if` have one type",
        )
        return None
    one, other = lower.cast(then.polars, then.type, kind), lower.cast(otherwise.polars, otherwise.type, kind)
    if test.constant:  # Polars may yield one row for many where the condition of a choice is a literal
        holds = evaluate(test)
        return replace(then if holds else otherwise, polars=one if holds else other, type=kind, field=None)
    built = lower.chosen(test.polars, one, other)
    guards = (*conditional(then.guards, test.polars), *conditional(otherwise.guards, ~test.polars))
    return replace(combined((test, then, otherwise), built, kind), guards=(*test.guards, *guards))


def _index(node: ast.Index, scope: Scope) -> Typed | None:
    value = compile_expression(node.value, scope)
    index = compile_expression(node.index, scope)
    if value is None or index is None:
        return None
    if index.type.kind == "string":
        return _member(node, value, index, scope)
    if isinstance(value.type, Variable):
        value = replace(value, type=list_of(scope.unknowns.element(value.type, node.value.span)))
    if value.type.kind != "list" or value.type.item is None:
        scope.findings.error("P302", f"{article(value.type)} has no elements", node.value.span, help="lists have")
        return None
    if not needs(index, INT, node.index.span, scope, "elements are counted from 0"):
        return None
    return combined((value, index), lower.element(value.polars, index.polars.cast(pl.Int64())), value.type.item)


def _member(node: ast.Index, value: Typed, index: Typed, scope: Scope) -> Typed | None:
    """`record['name']`: the name must be known."""
    name = evaluate(index) if index.constant else None
    if not isinstance(name, str):
        scope.findings.error("P306", "the name of a member must be a constant", node.index.span)
        return None
    kind = value.type.field(name)
    if kind is None and isinstance(value.type, OpenRecord) and value.type.places:
        kind = scope.unknowns.member(value.type.places, name)
    elif isinstance(value.type, Variable) and scope.unknowns.places(value.type):
        kind = scope.unknowns.member(scope.unknowns.places(value.type), name)
    if kind is None:
        known = [member for member, _ in value.type.fields]
        message = f"no member `{name}`" if value.type.kind == "record" else f"{article(value.type)} has no members"
        scope.findings.error("P301", message, node.index.span, help=suggestion(name, known))
        return None
    fields = frozenset((*path, name) for path in value.fields) if value.field is not None else value.fields
    return Typed(lower.member(value.polars, name), kind, fields, _guards((value, index)), constant=value.constant)


def _guards(parts: Iterable[Typed]) -> tuple[Guard, ...]:
    return tuple(guard for part in parts for guard in part.guards)
