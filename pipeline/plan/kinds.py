"""Rules about types that several kinds of expressions share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import polars as pl

from pipeline.api import Guard
from pipeline.columns.types import FLOAT, INT, NULL, Type, list_of, record
from pipeline.lang.spans import Span
from pipeline.plan import lower
from pipeline.plan.inference import BROKEN, Broken, Variable
from pipeline.plan.scope import Scope, Typed
from pipeline.plan.spelling import article


def combined(parts: Iterable[Typed], polars: pl.Expr, kind: Type) -> Typed:
    """An expression made of others: it reads what they read and demands what they demand."""
    known = tuple(parts)
    constant = all(part.constant for part in known)
    return Typed(
        folded(polars, kind) if constant else polars,
        kind,
        frozenset(path for part in known for path in part.fields),
        tuple(guard for part in known for guard in part.guards),
        constant=constant,
    )


def folded(polars: pl.Expr, kind: Type) -> pl.Expr:
    """A constant expression as a literal: Polars broadcasts literals, but not every expression of literals."""
    if kind.kind in ("record", "json", "null", "bytes"):
        return polars
    try:
        return lower.literal(lower.constant(polars, kind), kind)
    except pl.exceptions.PolarsError:
        return polars


def conditional(guards: Iterable[Guard], when: pl.Expr) -> tuple[Guard, ...]:
    """Guards of a part that is only evaluated where `when` is true."""
    return tuple(replace(guard, holds=~when | guard.holds) for guard in guards)


def needs(typed: Typed, kind: Type, span: Span, scope: Scope, why: str = "") -> bool:
    """Whether an expression has a type (int where float is needed, null anywhere). Demands it of an unknown one, reports
    a wrong one."""
    if isinstance(typed.type, Variable):
        scope.unknowns.demand(typed.type, kind, span)
        return True
    if typed.type in (kind, NULL) or (kind == FLOAT and typed.type == INT):
        return True
    scope.findings.error("P302", f"this is {article(typed.type)}, not {article(kind)}", span, help=why)
    return False


def joined(one: Type, other: Type, span: Span, scope: Scope | None) -> Type | None:
    """The type that holds values of both, or None. Unknown ones become the same."""
    if one == other or other == NULL:
        return one
    if one == NULL:
        return other
    if isinstance(one, Broken) or isinstance(other, Broken):
        return BROKEN
    for unknown, known in ((one, other), (other, one)):
        if isinstance(unknown, Variable) and scope is not None:
            scope.unknowns.demand(unknown, known, span)
            return known
    if one.number and other.number:
        return FLOAT
    if one.kind == other.kind == "list":
        inner = joined(one.item or NULL, other.item or NULL, span, scope)
        return None if inner is None else list_of(inner)
    if one.kind == other.kind == "record":
        return _records(one, other, span, scope)
    return None


def _records(one: Type, other: Type, span: Span, scope: Scope | None) -> Type | None:
    fields: dict[str, Type] = dict(one.fields)
    for name, kind in other.fields:
        both = joined(fields.get(name, NULL), kind, span, scope)
        if both is None:
            return None
        fields[name] = both
    return record(fields, open=one.open or other.open)
