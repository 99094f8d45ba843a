"""A chain of filters: plugins made, columns followed, the window found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from pipeline.api import (
    Assignments,
    Cases,
    Columns,
    Expr,
    Field,
    Filter,
    Fold,
    Metric,
    Metrics,
    OptionError,
    Options,
    Plugin,
    Renames,
    Window,
)
from pipeline.columns.types import JSON, Type
from pipeline.errors import PipeError
from pipeline.lang import ast
from pipeline.lang.diagnostics import suggestion
from pipeline.lang.layout import one_line
from pipeline.lang.spans import Span
from pipeline.plan import foreign
from pipeline.plan.blocks import aggregate_call
from pipeline.plan.folds import identified
from pipeline.plan.graph import AnyFilter, AnyFold, AnyWindow, Step
from pipeline.plan.inference import BROKEN, Broken, Demands, Origin, Place, named, opened, plain
from pipeline.plan.options import Filled, construct, fill, refused
from pipeline.plan.scope import Point, Scope
from pipeline.plan.trial import settle


@dataclass(frozen=True)
class Chain:
    """A checked chain. `steps` lacks those with errors; `ports` are those of a final route."""

    steps: tuple[Step, ...]
    point: Point
    ports: tuple[str, ...] = ()
    sound: bool = True

    @property
    def before(self) -> tuple[Step, ...]:
        at = self._at()
        return self.steps if at is None else self.steps[:at]

    @property
    def window(self) -> Step | None:
        at = self._at()
        return None if at is None else self.steps[at]

    @property
    def after(self) -> tuple[Step, ...]:
        at = self._at()
        return () if at is None else self.steps[at + 1 :]

    def _at(self) -> int | None:
        return next((at for at, step in enumerate(self.steps) if isinstance(step.plugin, Window)), None)


def check_chain(stage: str, calls: Sequence[ast.Call], point: Point, scope: Scope, demands: Demands) -> Chain:
    """Check the filters of a stage in order. `demands` are the decided types of open records (empty at first)."""
    steps: list[Step] = []
    ports: tuple[str, ...] = ()
    sound = True
    incoming = plain(point.columns)
    for at, call in enumerate(calls):
        if ports:
            scope.findings.error(
                "P107",
                "a `route` is the last filter of its chain",
                call.name.span,
                help="read its ports in another transform",
            )
            sound = False
        here = scope.at(point)
        origin = Origin(stage, at)
        made = _step(call, origin, here, demands.get(origin, {}), last=at == len(calls) - 1)
        if made is None:
            point, sound = _after_error(call, point, here), False
            continue
        step, point = made
        steps.append(step)
        if isinstance(step.plugin, Filter):
            ports = step.plugin.ports
    return Chain(identified(steps, incoming), point, ports, sound)


def _step(
    call: ast.Call, origin: Origin, scope: Scope, demanded: Mapping[tuple[str, ...], Type], *, last: bool
) -> tuple[Step, Point] | None:
    found = _made(call, scope, last=last)
    if found is None:
        return None
    plugin, filled = found
    if isinstance(plugin, Window) and scope.point.windowed:
        scope.findings.error(
            "P106",
            "a window after a window is not supported",
            call.name.span,
            help="compute both facts in windows over the same events",
        )
        return None
    return placed(plugin, call, filled, origin, scope, demanded)


def placed(
    plugin: AnyFilter | AnyFold | AnyWindow,
    call: ast.Call,
    filled: Filled,
    origin: Origin,
    scope: Scope,
    demanded: Mapping[tuple[str, ...], Type],
) -> tuple[Step, Point] | None:
    """A plugin as a step at a point, and the point after it. `demanded`: what is decided of the members that it opens."""
    columns = scope.point.columns
    for path, variable in scope.named.items():
        if path[0] not in columns.fields:
            columns = named(columns, path, variable, scope.point.open)
    if scope.named or scope.unknowns.any:
        plugin, columns = settle(plugin, columns, filled.fields, scope)
    after = _schema(plugin, columns, call, filled, scope)
    if after is None:
        return None
    opens = isinstance(plugin, Filter) and type(plugin).demand is not Filter.demand
    if demanded and isinstance(plugin, Filter):
        plugin.demand({path: JSON if isinstance(kind, Broken) else kind for path, kind in demanded.items()})
        after = _schema(plugin, columns, call, filled, scope)
        if after is None:
            return None
        for path, kind in demanded.items():
            after = after.with_field(path, BROKEN) if isinstance(kind, Broken) else after
    warn(plugin, filled, call.name.span, scope)
    point = _moved(scope.point, columns, after, origin, scope, opens=opens, window=isinstance(plugin, Window))
    text, line = one_line(call.span), call.span.line
    return Step(call.name.text, plugin, plain(point.columns), text, line), point


def _moved(
    point: Point, before: Columns, after: Columns, origin: Origin, scope: Scope, *, opens: bool, window: bool
) -> Point:
    """The point after a filter. New names are taken out of the members that nobody had named."""
    places = point.open if before.open else ()
    if opens and after.open:
        places = (*places, Place(origin))
    if point.columns.open and point.open and after.open:
        # Only where the other members go on beside the new name: a window's rows, say, leave them all behind.
        for name in after.fields:
            if name not in before.fields and not opens:
                scope.unknowns.member(point.open, name)
    marked = opened(after, before, origin, opens=opens)
    return replace(point, columns=marked, open=places if after.open else (), windowed=point.windowed or window)


def _made(call: ast.Call, scope: Scope, *, last: bool) -> tuple[AnyFilter | AnyFold | AnyWindow, Filled] | None:
    name = call.name.text
    catalog = scope.catalog
    if name not in catalog.names("filters"):
        if name in catalog.names("aggregates") and "window" in catalog.names("filters"):
            return _aggregate(call, scope, last=last)
        _unknown(call.name, scope)
        return None
    try:
        plugin = catalog.filter(name)
    except PipeError as error:
        scope.findings.error("P202", error.message, call.name.span, help=error.help)
        return None
    filled = fill(call, plugin, scope, f"`{name}`")
    if filled.options is None:
        return None
    made = construct(plugin, filled, call, scope)
    return (made, filled) if isinstance(made, (Filter, Fold, Window)) else None


def warn(plugin: Plugin[Options], filled: Filled, span: Span, scope: Scope) -> None:
    """What a plugin wants to be said, as warnings."""
    for option, message, help in plugin.warnings():
        scope.findings.warning("P403", message, filled.spans.get(option or "", span), help=help)


def _schema(
    plugin: AnyFilter | AnyFold | AnyWindow, columns: Columns, call: ast.Call, filled: Filled, scope: Scope
) -> Columns | None:
    if any(isinstance(kind, Broken) for kind in columns.fields.values()):
        known = {name: kind for name, kind in columns.fields.items() if not isinstance(kind, Broken)}
        lost = {name: kind for name, kind in columns.fields.items() if isinstance(kind, Broken)}
        after = _schema(plugin, Columns(known, columns.open), call, filled, scope)
        return None if after is None else Columns({**lost, **after.fields}, after.open)
    try:
        return plugin.schema(columns)
    except OptionError as error:
        if not scope.point.broken:
            refused(error, filled, call, scope)
    except PipeError as error:
        scope.findings.error("P207", error.message, call.name.span, help=error.help)
    return None


def _aggregate(call: ast.Call, scope: Scope, *, last: bool) -> tuple[AnyWindow, Filled] | None:
    """`… | top(10, path)`: a window over the whole input, in queries."""
    name = call.name.text
    if not scope.queries or not last:
        scope.findings.error(
            "P214",
            f"`{name}` is an aggregate, not a filter",
            call.name.span,
            help=f"use it in a window: window(10s) {{ x = {name}(…) }}"
            if not scope.queries
            else "in a query, an aggregate is the last stage",
        )
        return None
    plain = replace(call, by=(), block=None)
    by = [scope.field(path) for path in call.by]
    made = aggregate_call(plain, scope)
    if made is None or any(key is None for key in by):
        return None
    aggregate, arguments = made
    keys = tuple(key for key in by if key is not None)
    entry = Metric(name, aggregate, arguments, keys, None, one_line(call.span))
    window = scope.catalog.filter("window")
    filled = Filled(window.options_model.model_construct(size=0, block=Metrics((entry,))))
    plugin = construct(window, filled, call, scope)
    return (plugin, filled) if isinstance(plugin, Window) else None


def _unknown(name: ast.Name, scope: Scope) -> None:
    catalog = scope.catalog
    word = name.text
    if word in catalog.names("outputs"):
        help = f"`{word}` is an output: sink NAME = … -> {word}(…)"
    elif word in catalog.names("inputs"):
        help = f"`{word}` is an input: source NAME = {word}(…)"
    elif word in catalog.names("functions"):
        help = f"`{word}` is a function: use it in an expression, set {{ x = {word}(…) }}"
    else:
        near = suggestion(word, catalog.names("filters"))
        help = foreign.FILTERS.get(word) or near or "`pipe plugins` lists all filters"
    scope.findings.error("P201", f"unknown filter `{word}`", name.span, help=help)


def _after_error(call: ast.Call, point: Point, scope: Scope) -> Point:
    """What is known after a filter with errors, so that its errors are told once and later ones still are.

    A filter that takes only expressions and fields makes no new ones; one with a block of definitions makes those."""
    try:
        plugin = scope.catalog.filter(call.name.text)
    except (PipeError, KeyError):
        return replace(point, broken=True)
    hints = plugin.options_model.hinted()
    block = _block(hints.get("block"))
    names = [name for name in plugin.options_model.named() if name not in ("block", "by")]
    if issubclass(plugin, Window) or not all(_reads(hints[name]) for name in names):
        return replace(point, broken=True)
    columns = point.columns
    if block in (Assignments, Renames) and call.block is not None:
        for entry in call.block.entries:
            path = tuple(part.text for part in entry.target.parts)
            columns = columns.with_field(path, BROKEN)
    return replace(point, columns=columns)


def _block(annotation: object) -> object:
    return next(
        (found for found in (annotation, *get_args(annotation)) if found in (Assignments, Renames, Cases)), None
    )


def _reads(annotation: object) -> bool:
    """Whether an option can name nothing new: expressions, fields, numbers, switches."""
    inner = get_args(annotation)
    if inner:
        return all(_reads(item) for item in inner if item is not Ellipsis)
    return annotation in (Expr, Field, bool, int, float, type(None))
