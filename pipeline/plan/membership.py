"""`in`, `matches` and `contains`: operators whose right side has forms of its own."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from pipeline.columns.patterns import SMALLER, refusal
from pipeline.columns.types import BOOL, NULL, STRING, Type, list_of
from pipeline.lang import ast
from pipeline.plan import lower
from pipeline.plan.inference import Variable
from pipeline.plan.kinds import combined, joined, needs
from pipeline.plan.scope import Scope, Typed
from pipeline.plan.spelling import article

Compile = Callable[[ast.Expression, Scope], Typed | None]


def inside(node: ast.Binary, scope: Scope, compile_: Compile) -> Typed | None:
    """`x in [a, b]`, `x in low..high`, `x in list`."""
    left = compile_(node.left, scope)
    if isinstance(node.right, ast.Range):
        return _in_range(node.right, node, left, scope, compile_)
    if isinstance(node.right, ast.ListOf):
        return _in_items(node.right, left, scope, compile_)
    right = compile_(node.right, scope)
    if left is None or right is None:
        return None
    if right.type == STRING:
        scope.findings.error(
            "P302",
            "`in` looks into lists and ranges, not into texts",
            node.operator_span,
            help="write `text contains part`",
        )
        return None
    return _element(node.right, left, right, node, scope)


def contains(node: ast.Binary, left: Typed, right: Typed, scope: Scope) -> Typed | None:
    """`text contains part`, `list contains element`."""
    if left.type.kind == "list":
        return _element(node.left, right, left, node, scope)
    help = "`contains` looks for a text in a text, or for an element in a list"
    if needs(left, STRING, node.left.span, scope, help) and needs(right, STRING, node.right.span, scope, help):
        built = lower.part(right.polars.cast(pl.String()), left.polars.cast(pl.String()))
        return combined((left, right), built, BOOL)
    return None


def matches(node: ast.Binary, scope: Scope, compile_: Compile) -> Typed | None:
    """`text matches /regex/`."""
    left = compile_(node.left, scope)
    if not isinstance(node.right, ast.Regex):
        scope.findings.error(
            "P313",
            "`matches` takes a regex",
            node.right.span,
            help="write it between slashes: `path matches /^\\/api/`",
        )
        return None
    pattern = regex(node.right, scope)
    if left is None or pattern is None or not needs(left, STRING, node.left.span, scope, "`matches` is for texts"):
        return None
    return combined((left,), lower.matching(left.polars.cast(pl.String()), pattern), BOOL)


def regex(node: ast.Regex, scope: Scope) -> str | None:
    """The pattern with its flags inside, as the regex engine takes it. Reports what that engine cannot do."""
    pattern = f"(?{node.flags}){node.pattern}" if node.flags else node.pattern
    try:
        pl.select(pl.lit("").str.contains(pattern))
    except pl.exceptions.ComputeError as error:
        reason, large = refusal(error)
        scope.findings.error(
            "P312",
            f"this regex cannot be used{': ' if reason else ''}{reason}",
            node.span,
            help=SMALLER if large else "the engine runs in linear time: no look-around and no back-references",
        )
        return None
    return pattern


def _in_range(node: ast.Range, whole: ast.Binary, left: Typed | None, scope: Scope, compile_: Compile) -> Typed | None:
    low, high = compile_(node.low, scope), compile_(node.high, scope)
    if left is None or low is None or high is None:
        return None
    kind: Type | None = left.type
    for end in (low, high):
        kind = joined(kind, end.type, node.span, scope) if kind is not None else None
    if (
        kind is None
        or kind.kind in ("list", "record", "bool", "bytes")
        or (kind.kind == "json" and not isinstance(kind, Variable))
    ):
        scope.findings.error(
            "P302", f"{article(left.type)} is not in a range of {low.type}", whole.operator_span, help=_advice(left)
        )
        return None
    value, start, end_ = (lower.cast(side.polars, side.type, kind) for side in (left, low, high))
    return combined((left, low, high), lower.within(value, start, end_), BOOL)


def _in_items(node: ast.ListOf, left: Typed | None, scope: Scope, compile_: Compile) -> Typed | None:
    items = [compile_(item, scope) for item in node.items]
    known = [item for item in items if item is not None]
    if left is None or len(known) < len(items):
        return None
    kind: Type = left.type
    for item, at in zip(known, node.items, strict=True):
        both = joined(kind, item.type, at.span, scope)
        if both is None:
            scope.findings.error(
                "P302", f"{article(left.type)} is never equal to {article(item.type)}", at.span, help=_advice(left)
            )
            return None
        kind = both
    value = lower.cast(left.polars, left.type, kind)
    if not all(item.constant for item in known) or kind.kind in ("list", "record", "null"):
        cast = [lower.cast(item.polars, item.type, kind) for item in known]
        return combined((left, *known), lower.among(value, cast), BOOL)
    constants = [lower.constant(lower.cast(item.polars, item.type, kind), kind) for item in known]
    built = lower.among_constants(value, [found for found in constants if found is not None], kind)
    return combined((left, *known), built, BOOL)


def _element(at: ast.Expression, item: Typed, values: Typed, node: ast.Binary, scope: Scope) -> Typed | None:
    """Whether `item` is an element of `values`, a list."""
    if isinstance(values.type, Variable):
        wanted = NULL if isinstance(item.type, Variable) else item.type
        if wanted != NULL:
            scope.unknowns.demand(values.type, list_of(wanted), at.span)
        else:
            scope.unknowns.element(values.type, at.span)
        return combined((item, values), pl.lit(None, dtype=pl.Boolean()), BOOL)
    inner = values.type.item if values.type.kind == "list" else None
    kind = joined(inner, item.type, node.span, scope) if inner is not None else None
    if inner is None or kind is None:
        what = (
            f"{article(values.type)} is not a list"
            if inner is None
            else f"{article(item.type)} is not in a {values.type}"
        )
        scope.findings.error("P302", what, at.span, help="write `x in [a, b]`, `x in 1..9`, or the name of a list")
        return None
    whole = lower.cast(values.polars, values.type, list_of(kind))
    if kind == NULL:
        return combined((item, values), lower.literal(value=False, kind=BOOL), BOOL)
    return combined((item, values), lower.holds(whole, lower.cast(item.polars, item.type, kind)), BOOL)


def _advice(left: Typed) -> str:
    return "convert the text with `int(…)`, or type it where it is read" if left.type == STRING else ""
