"""Several upstreams as one: columns joined by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.api import Columns
from pipeline.columns.types import Type
from pipeline.lang import ast
from pipeline.lang.diagnostics import Label
from pipeline.plan.inference import BROKEN, Broken, Variable
from pipeline.plan.kinds import joined
from pipeline.plan.scope import Point, Scope
from pipeline.plan.spelling import article


@dataclass(frozen=True)
class Arriving:
    """One upstream, as written, and what comes from it."""

    ref: ast.Ref
    point: Point


def join(arriving: Sequence[Arriving], scope: Scope) -> Point:
    """What arrives from all upstreams. A field has one type: int and float give float, other conflicts are reported (P309).

    A field that one upstream names and another only carries among unnamed members is demanded of that one too."""
    if len(arriving) == 1:
        return arriving[0].point
    fields: dict[str, Type] = {}
    owners: dict[str, ast.Ref] = {}
    for name in dict.fromkeys(name for one in arriving for name in one.point.columns.fields):
        for one in arriving:
            kind = _kind(name, one, scope)
            if kind is None:
                continue
            if name not in fields:
                fields[name], owners[name] = kind, one.ref
                continue
            both = joined(fields[name], kind, one.ref.span, scope)
            if both is None:
                _conflict(name, owners[name], fields[name], one.ref, kind, scope)
                fields[name] = BROKEN
            else:
                fields[name] = both
    places = dict.fromkeys(place for one in arriving for place in one.point.open)
    return Point(
        Columns(fields, any(one.point.columns.open for one in arriving)),
        tuple(places),
        windowed=any(one.point.windowed for one in arriving),
        broken=any(one.point.broken for one in arriving),
    )


def _kind(name: str, one: Arriving, scope: Scope) -> Type | None:
    kind = one.point.columns.fields.get(name)
    if kind is None and one.point.columns.open and one.point.open and not name.startswith("@"):
        member: Variable = scope.unknowns.member(one.point.open, name)
        return member
    return kind


def _conflict(name: str, first: ast.Ref, one: Type, second: ast.Ref, other: Type, scope: Scope) -> None:
    if isinstance(one, Broken) or isinstance(other, Broken):
        return
    scope.findings.error(
        "P309",
        f"`{name}` is {article(one)} in `{first.dotted}` and {article(other)} in `{second.dotted}`",
        second.span,
        labels=(Label(first.span, f"{article(one)} here"),),
        help=f"convert one of them, or keep the field out of it: remove({name})",
    )
