"""Types of operators, and which builder of `lower` each one is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import polars as pl

from pipeline.columns.types import BOOL, DURATION, FLOAT, INT, NULL, STRING, TIME, Type
from pipeline.lang import ast
from pipeline.plan import lower
from pipeline.plan.inference import Variable
from pipeline.plan.kinds import combined, conditional, joined, needs
from pipeline.plan.membership import contains, inside, matches
from pipeline.plan.scope import Scope, Typed
from pipeline.plan.spelling import article

Compile = Callable[[ast.Expression, Scope], Typed | None]

_COMPARED = ("int", "float", "string", "time", "duration")

_TIMES: dict[tuple[str, str, str], Type] = {
    ("time", "-", "time"): DURATION,
    ("time", "-", "duration"): TIME,
    ("time", "+", "duration"): TIME,
    ("duration", "+", "time"): TIME,
    ("duration", "+", "duration"): DURATION,
    ("duration", "-", "duration"): DURATION,
    ("duration", "%", "duration"): DURATION,
    ("duration", "*", "int"): DURATION,
    ("int", "*", "duration"): DURATION,
}
"""Operations on times that are exact in integers of microseconds."""

_VERBS = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "%": "divide"}


def unary(node: ast.Unary, scope: Scope, compile_: Compile) -> Typed | None:
    operand = compile_(node.operand, scope)
    if operand is None:
        return None
    if node.operator == "not":
        if not needs(operand, BOOL, node.operand.span, scope, "`not` inverts a condition"):
            return None
        return combined((operand,), ~lower.truth(operand.polars.cast(pl.Boolean())), BOOL)
    operand = _number(operand, node.operand, scope)
    if operand.type.kind not in ("int", "float", "duration", "null"):
        scope.findings.error("P302", f"{article(operand.type)} has no negative", node.span)
        return None
    kind = INT if operand.type == NULL else operand.type
    return combined((operand,), lower.negative(lower.cast(operand.polars, operand.type, kind), kind), kind)


def binary(node: ast.Binary, scope: Scope, compile_: Compile) -> Typed | None:
    match node.operator:
        case "in" | "not in":
            found = inside(node, scope, compile_)
            return found if found is None or node.operator == "in" else replace(found, polars=~found.polars)
        case "matches":
            return matches(node, scope, compile_)
    left, right = compile_(node.left, scope), compile_(node.right, scope)
    if node.operator in ("and", "or"):
        return _logic(node, left, right, scope)
    if left is None or right is None:
        return None
    match node.operator:
        case "==" | "!=":
            return _equality(node, left, right, scope)
        case "<" | "<=" | ">" | ">=":
            return _order(node, left, right, scope)
        case "contains":
            return contains(node, left, right, scope)
        case "??":
            return _otherwise(node, left, right, scope)
        case _:
            return _arithmetic(node, left, right, scope)


def _logic(node: ast.Binary, left: Typed | None, right: Typed | None, scope: Scope) -> Typed | None:
    fits = [
        side is not None and needs(side, BOOL, at.span, scope, f"`{node.operator}` joins conditions")
        for side, at in ((left, node.left), (right, node.right))
    ]
    if left is None or right is None or not all(fits):
        return None
    one, two = (lower.truth(side.polars.cast(pl.Boolean())) for side in (left, right))
    guards = (*left.guards, *conditional(right.guards, one if node.operator == "and" else ~one))
    built = one & two if node.operator == "and" else one | two
    return replace(combined((left, right), built, BOOL), guards=guards)


def _equality(node: ast.Binary, left: Typed, right: Typed, scope: Scope) -> Typed | None:
    kind = joined(left.type, right.type, node.span, scope)
    if kind is None:
        scope.findings.error(
            "P302",
            f"{article(left.type)} is never equal to {article(right.type)}",
            node.operator_span,
            help=_conversion(left, right),
        )
        return None
    equal = lower.equal(lower.cast(left.polars, left.type, kind), lower.cast(right.polars, right.type, kind))
    return combined((left, right), equal if node.operator == "==" else ~equal, BOOL)


def _order(node: ast.Binary, left: Typed, right: Typed, scope: Scope) -> Typed | None:
    kind = joined(left.type, right.type, node.span, scope)
    if kind is None or (kind.kind not in _COMPARED and kind != NULL and not isinstance(kind, Variable)):
        scope.findings.error(
            "P302",
            f"{article(left.type)} cannot be compared with {article(right.type)}",
            node.operator_span,
            help=_conversion(left, right),
        )
        return None
    built = lower.ordered(
        node.operator, lower.cast(left.polars, left.type, kind), lower.cast(right.polars, right.type, kind)
    )
    return combined((left, right), built, BOOL)


def _otherwise(node: ast.Binary, left: Typed, right: Typed, scope: Scope) -> Typed | None:
    kind = joined(left.type, right.type, node.right.span, scope)
    if kind is None:
        scope.findings.error(
            "P302",
            f"`??` would give {article(left.type)} or {article(right.type)}",
            node.operator_span,
            help="both sides of `??` have one type",
        )
        return None
    first = lower.cast(left.polars, left.type, kind)
    second = lower.cast(right.polars, right.type, kind)
    if left.constant:
        absent = lower.constant(left.polars.is_null(), BOOL)
        return replace(right if absent else left, polars=second if absent else first, type=kind, field=None)
    built = pl.when(first.is_not_null()).then(first).otherwise(second)  # `pl.coalesce` may yield one row for many
    guards = (*left.guards, *conditional(right.guards, left.polars.is_null()))
    return replace(combined((left, right), built, kind), guards=guards)


def _arithmetic(node: ast.Binary, left: Typed, right: Typed, scope: Scope) -> Typed | None:
    left, right = _paired(node, left, right, scope)
    kinds = (left.type.kind, right.type.kind)
    both = (left, right)
    if "null" in kinds and kinds != ("string", "null") and kinds != ("null", "string"):
        kind = next((kind for kind in (left.type, right.type) if kind != NULL), INT)
        return combined(both, lower.literal(None, FLOAT if node.operator == "/" and kind == INT else kind), kind)
    if node.operator == "+" and set(kinds) <= {"string", "null"}:
        return combined(both, left.polars.cast(pl.String()) + right.polars.cast(pl.String()), STRING)
    exact = _TIMES.get((kinds[0], node.operator, kinds[1]))
    if exact is not None:
        return combined(both, lower.integer(node.operator, left.polars, right.polars, exact), exact)
    if kinds == ("duration", "duration") and node.operator == "/":
        return combined(both, lower.ratio(left.polars, right.polars), FLOAT)
    if kinds[0] == "duration" and right.type.number and node.operator in "*/":
        return combined(both, lower.scaled(node.operator, left.polars, right.polars), DURATION)
    if kinds == ("float", "duration") and node.operator == "*":
        return combined(both, lower.scaled("*", right.polars, left.polars), DURATION)
    if left.type.number and right.type.number:
        if node.operator == "/" or FLOAT in (left.type, right.type):
            return combined(both, lower.real(node.operator, left.polars, right.polars), FLOAT)
        return combined(both, lower.integer(node.operator, left.polars, right.polars), INT)
    scope.findings.error(
        "P302",
        f"cannot {_VERBS[node.operator]} {article(left.type)} and {article(right.type)}",
        node.operator_span,
        help=_conversion(left, right) or _plus(left, right),
    )
    return None


def _paired(node: ast.Binary, left: Typed, right: Typed, scope: Scope) -> tuple[Typed, Typed]:
    """Operands of arithmetic with unknown types decided by the other side: a number by a number, a text by a text."""
    if isinstance(left.type, Variable) and isinstance(right.type, Variable):
        scope.unknowns.demand(left.type, right.type, node.span)
        if node.operator != "+":
            return _number(left, node.left, scope), _number(right, node.right, scope)
        return left, right
    if isinstance(left.type, Variable):
        return _like(left, right.type, node.left, node.operator, scope), right
    if isinstance(right.type, Variable):
        return left, _like(right, left.type, node.right, node.operator, scope)
    return left, right


def _like(typed: Typed, other: Type, node: ast.Expression, operator: str, scope: Scope) -> Typed:
    if not isinstance(typed.type, Variable):
        return typed
    if other.number and operator == "/":
        return _number(typed, node, scope)
    if other.kind in ("int", "float", "time", "duration") or (other == STRING and operator == "+"):
        kind = (
            FLOAT
            if other == DURATION and operator in "*/"
            else DURATION
            if other == TIME and operator == "+"
            else other
        )
        scope.unknowns.demand(typed.type, kind, node.span)
        return replace(typed, type=kind)
    return typed


def _number(typed: Typed, node: ast.Expression, scope: Scope) -> Typed:
    """An operand of which only that it is a number is known."""
    if not isinstance(typed.type, Variable):
        return typed
    scope.unknowns.demand(typed.type, None, node.span)
    return replace(typed, type=FLOAT)


def _conversion(left: Typed, right: Typed) -> str:
    """Advice where a text meets something else, or JSON of no known type."""
    kinds = {left.type.kind, right.type.kind}
    other = next(iter(kinds - {"string"}), "string")
    if "json" in kinds:
        return "state the type of the JSON value with `schema: {…}` where it is read"
    if "string" in kinds and other in ("int", "float", "bool", "time", "duration"):
        return f"convert the text with `{other}(…)`, or type it where it is read"
    if "duration" in kinds and kinds & {"int", "float"}:
        return "write a duration with its unit: `10s`, `5m`, `1h`"
    return ""


def _plus(left: Typed, right: Typed) -> str:
    return 'texts are joined with a template: "{a}{b}"' if STRING in (left.type, right.type) else ""
