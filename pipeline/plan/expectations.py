"""What a test expects of a port, checked against the fields that its events have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from pipeline.columns.types import INT
from pipeline.lang import ast
from pipeline.lang.layout import one_line
from pipeline.lang.spans import Span
from pipeline.plan.events import Json, check_members, value
from pipeline.plan.expressions import condition
from pipeline.plan.graph import Port
from pipeline.plan.scope import Scope
from pipeline.plan.spelling import article


@dataclass(frozen=True)
class Expectation:
    """Of the events of a port. `condition`: true or false for each; `text` is how it is written. `events`: a text is the
    `@raw` of an event, a map has some of its members. `listed` is where the list stands."""

    port: Port
    how: Literal["some", "all", "has", "empty", "equals"]
    condition: pl.Expr | None = None
    text: str = ""
    count: int = 0
    events: tuple[Json, ...] = ()
    listed: Span | None = None


def expectation(step: ast.Expect, port: Port, scope: Scope) -> Expectation | None:
    """The expectation of a step; None where it makes no sense, which is reported. `scope` is at the port."""
    test = None
    text = ""
    if step.condition is not None:
        typed = condition(step.condition, scope)
        if typed is None:
            return None
        test, text = typed.polars.fill_null(value=False), one_line(step.condition.span)
    if step.count is not None:
        known = value(step.count, scope)
        if known is None:
            return None
        if known.type != INT or not isinstance(known.value, int) or known.value < 0:
            help = "write `has 3`, or `is empty` for none"
            scope.findings.error("P302", "`has` takes a number of events", step.count.span, help=help)
            return None
        return Expectation(port, step.how, test, text, known.value)
    if step.events is not None:
        return _exactly(step.events, port, scope)
    return Expectation(port, step.how, test, text)


def _exactly(node: ast.Expression, port: Port, scope: Scope) -> Expectation | None:
    if not isinstance(node, ast.ListOf):
        help = "write `== [{field: value, …}, …]`"
        scope.findings.error("P506", "the events of a node are a list", node.span, help=help)
        return None
    found: list[Json] = []
    for item in node.items:
        known = value(item, scope)
        if known is None:
            continue
        if not isinstance(known.value, (str, dict)):
            message = f"an event is a map of fields, or a text for its `@raw`, and this is {article(known.type)}"
            scope.findings.error("P506", message, item.span)
        elif isinstance(item, ast.MapOf):
            check_members(item, scope.point.columns, scope)
        found.append(known.value)
    return Expectation(port, "equals", events=tuple(found), listed=node.span)
