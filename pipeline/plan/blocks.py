"""Blocks `{ name = expression … }` to what a plugin takes: assignments, renames, cases of a route, metrics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar, get_args

from pipeline.api import Aggregate, Assign, Assignments, Case, Cases, Expr, Metric, Metrics, Rename, Renames
from pipeline.columns.types import METADATA, TIME
from pipeline.errors import PipeError
from pipeline.lang import ast
from pipeline.lang.diagnostics import Label, suggestion
from pipeline.lang.layout import one_line
from pipeline.plan import foreign
from pipeline.plan.calls import fit, match_arguments
from pipeline.plan.expressions import compile_expression, condition, expression
from pipeline.plan.inference import BROKEN, Variable
from pipeline.plan.kinds import needs
from pipeline.plan.scope import Scope

Block = Assignments | Renames | Cases | Metrics

EntryT = TypeVar("EntryT")


def is_block(annotation: object) -> bool:
    return _kind(annotation) is not None


def block_value(block: ast.Block, annotation: object, scope: Scope) -> Block | None:
    """The entries as the option wants them; None when something is wrong and has been reported."""
    kind = _kind(annotation)
    if kind is Assignments:
        found = _all(block, scope, _Assigning(scope).entry)
        return None if found is None else Assignments(found)
    if kind is Renames:
        renames = _all(block, scope, lambda entry: _rename(entry, scope))
        return None if renames is None else Renames(renames)
    if kind is Cases:
        cases = _all(block, scope, lambda entry: _case(entry, scope))
        return None if cases is None else Cases(cases)
    metrics = _all(block, scope, lambda entry: metric(entry, scope), clauses=True)
    return None if metrics is None else Metrics(metrics)


def _kind(annotation: object) -> type[Block] | None:
    kinds: tuple[type[Block], ...] = (Assignments, Renames, Cases, Metrics)
    return next((kind for kind in kinds if kind in (annotation, *get_args(annotation))), None)


def _all(
    block: ast.Block, scope: Scope, convert: Callable[[ast.Entry], EntryT | None], *, clauses: bool = False
) -> tuple[EntryT, ...] | None:
    """Every entry, converted; names are unique in blocks that define things."""
    found: list[EntryT | None] = []
    seen: dict[str, ast.Entry] = {}
    for entry in block.entries:
        if not clauses and (entry.by or entry.where is not None):
            at = entry.by[0].span if entry.by else entry.where.span if entry.where is not None else entry.span
            scope.findings.error("P212", "`by` and `where` are for the metrics of a window", at)
            found.append(None)
        first = seen.setdefault(entry.target.dotted, entry)
        if first is not entry and not _reassignable(convert):
            labels = (Label(first.target.span, "here first"),)
            scope.findings.error("P102", f"`{entry.target.dotted}` is defined twice", entry.target.span, labels=labels)
            found.append(None)
        found.append(convert(entry))
    if not block.entries:
        scope.findings.error("P212", "this block is empty", block.span)
        return None
    sound = [entry for entry in found if entry is not None]
    return tuple(sound) if len(sound) == len(found) else None


def _reassignable(convert: Callable[[ast.Entry], object]) -> bool:
    return isinstance(getattr(convert, "__self__", None), _Assigning)


class _Assigning:
    """Assignments in order: each sees the fields that the ones before it made."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def entry(self, entry: ast.Entry) -> Assign | None:
        scope = self._scope
        typed = compile_expression(entry.value, scope)
        target = _target(entry.target, scope)
        path = tuple(part.text for part in entry.target.parts)
        if target == ("@timestamp",) and typed is not None:
            why = "`@timestamp` is a time: `time(field, format)` makes one"
            typed = typed if needs(typed, TIME, entry.value.span, scope, why) else None
        if target is None:
            return None
        _take_out(path, scope)
        kind = typed.type if typed is not None else BROKEN
        self._scope = replace(scope, point=replace(scope.point, columns=scope.point.columns.with_field(path, kind)))
        return None if typed is None else Assign(target, expression(typed, entry.value, scope))


def _take_out(path: tuple[str, ...], scope: Scope) -> None:
    """A field that is assigned must not stay among the members that nobody named."""
    if not path[0].startswith("@") and scope.point.columns.get(path) is None:
        scope.type_of(path)


def _target(path: ast.Path, scope: Scope) -> tuple[str, ...] | None:
    parts = tuple(part.text for part in path.parts)
    first = parts[0]
    if not first.startswith("@") or parts == ("@timestamp",):
        return parts
    if first == "@raw":
        help = "`@raw` is the record as it was read: put the changed text into a field of its own"
    elif first not in METADATA:
        help = suggestion(first, METADATA) or "names of fields do not begin with `@`"
    else:
        help = "of the metadata, only `@timestamp` can be set"
    scope.findings.error("P311", f"`{path.dotted}` cannot be set", path.span, help=help)
    return None


def _rename(entry: ast.Entry, scope: Scope) -> Rename | None:
    target = _target(entry.target, scope)
    if target == ("@timestamp",):
        scope.findings.error(
            "P311", "`@timestamp` cannot be a new name", entry.target.span, help="write `set { @timestamp = field }`"
        )
        return None
    if not isinstance(entry.value, ast.Path):
        scope.findings.error(
            "P212", "the right side of a rename is a field", entry.value.span, help="`new = old`; `set` computes values"
        )
        return None
    if target is not None and _turned_round(entry.target, entry.value, scope):
        help = f"a rename is `new = old`: write `{entry.value.dotted} = {entry.target.dotted}`"
        scope.findings.error("P301", f"unknown field `{entry.value.dotted}`", entry.value.span, help=help)
        return None
    field = scope.field(entry.value)
    if target is not None:
        _take_out(target, scope)
    return None if target is None or field is None else Rename(target, field)


def _turned_round(new: ast.Path, old: ast.Path, scope: Scope) -> bool:
    """Whether the new name is a field, and the old one neither is one nor looks like one."""

    def known(path: ast.Path) -> bool:
        return scope.type_of(tuple(part.text for part in path.parts)) is not None

    return not known(old) and known(new) and not suggestion(old.dotted, scope.point.columns.fields)


def _case(entry: ast.Entry, scope: Scope) -> Case | None:
    typed = condition(entry.value, scope)
    if len(entry.target.parts) != 1:
        scope.findings.error("P212", "the name of a port has no dots", entry.target.span)
        return None
    name = entry.target.dotted
    if name in ("else", "rejected"):
        scope.findings.error("P212", f"every route has a port `{name}` already", entry.target.span)
        return None
    return None if typed is None else Case(name, expression(typed, entry.value, scope))


def metric(entry: ast.Entry, scope: Scope) -> Metric | None:
    """`name = aggregate(arguments) by … where …`."""
    by = [scope.field(path) for path in entry.by]
    where = condition(entry.where, scope) if entry.where is not None else None
    made = aggregate_call(entry.value, scope)
    name = entry.target.dotted
    if made is None or (where is None and entry.where is not None) or any(field is None for field in by):
        return None
    aggregate, arguments = made
    condition_ = expression(where, entry.where, scope) if where is not None and entry.where is not None else None
    keys = tuple(field for field in by if field is not None)
    return Metric(name, aggregate, arguments, keys, condition_, one_line(entry.span))


def aggregate_call(node: ast.Expression, scope: Scope) -> tuple[Aggregate, tuple[Expr | int | float | str, ...]] | None:
    """An aggregate with its arguments."""
    if not isinstance(node, ast.Call) or node.name.text not in scope.catalog.names("aggregates"):
        if isinstance(node, ast.Call):
            name = node.name.text
            help = foreign.aggregate(name) or suggestion(name, scope.catalog.names("aggregates"))
            help = help or f"aggregates are {', '.join(scope.catalog.names('aggregates'))}"
            scope.findings.error("P213", f"unknown aggregate `{name}`", node.name.span, help=help)
        else:
            scope.findings.error(
                "P213",
                "a metric is one aggregate",
                node.span,
                help="`name = count()`; compute with metrics in a `set` after the window",
            )
        return None
    try:
        aggregate = scope.catalog.aggregate(node.name.text)
    except PipeError as error:
        scope.findings.error("P202", error.message, node.name.span, help=error.help)
        return None
    matched = match_arguments(node, aggregate.parameters, scope, f"`{aggregate.name}`")
    if matched is None:
        return None
    given = [fit(parameter, value, scope, compile_expression, aggregate.name) for parameter, value in matched]
    known = [argument for argument in given if argument is not None]
    if len(known) < len(given):
        return None
    try:
        aggregate.returns(tuple(argument.type for argument in known))
    except TypeError as error:
        if not any(isinstance(argument.type, Variable) for argument in known):
            scope.findings.error("P305", f"`{aggregate.name}`: {error}", node.span)
            return None
    arguments: list[Expr | int | float | str] = []
    for argument, (_, at) in zip(known, matched, strict=True):
        if argument.typed is not None and at is not None:
            arguments.append(expression(argument.typed, at.value, scope))
        elif isinstance(argument.value, (int, float, str)):
            arguments.append(argument.value)
    return aggregate, tuple(arguments)
