"""Field types that only a plugin knows.

A plugin may refuse a field's type in `schema`. Where that type is still unknown, the checker tries the types of the
language in turn and demands the first one that the plugin takes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

from pipeline.api import Columns, Expr, Field, Filter, Fold, OptionError, Options, Output, Window
from pipeline.columns.types import BOOL, FLOAT, INT, STRING, TIME, Type
from pipeline.errors import PipeError
from pipeline.lang import ast
from pipeline.plan.inference import Variable
from pipeline.plan.scope import Scope

Schemed = Filter[Options] | Fold[Options, Any] | Window[Options] | Output[Options]
SchemedT = TypeVar("SchemedT", bound=Filter[Options] | Fold[Options, Any] | Window[Options] | Output[Options])

_TRIED = (STRING, BOOL, INT, FLOAT, TIME)


def settle(
    plugin: SchemedT, columns: Columns, fields: Mapping[str, tuple[ast.Path, ...]], scope: Scope
) -> tuple[SchemedT, Columns]:
    """Demand the types that a plugin insists on, for those of its field and expression options that have none yet.

    Gives the plugin as it is with these types, and the columns likewise; the same ones when there is nothing to decide."""
    made, options = type(plugin), plugin.options
    unknown = {name: value for name, value in options if _variables(value)}
    if not unknown or _takes(plugin, columns):
        return plugin, columns
    for kind in _TRIED:
        typed = _columns(columns, unknown, kind)
        try:
            decided = made(options.model_copy(update={name: _as(value, kind) for name, value in unknown.items()}))
        except (OptionError, PipeError):
            continue
        if _takes(decided, typed):
            _demand(unknown, kind, fields, scope)
            return decided, typed
    return plugin, columns


def _demand(
    unknown: Mapping[str, object], kind: Type, fields: Mapping[str, tuple[ast.Path, ...]], scope: Scope
) -> None:
    for name, value in unknown.items():
        spans = {tuple(part.text for part in path.parts): path.span for path in fields.get(name, ())}
        for variable, path in _variables(value):
            if path in spans:
                scope.unknowns.demand(variable, kind, spans[path])


def _takes(plugin: Schemed, columns: Columns) -> bool:
    try:
        plugin.schema(columns)
    except (OptionError, PipeError):
        return False
    return True


def _variables(value: object) -> list[tuple[Variable, tuple[str, ...]]]:
    """The unknown types in an option's value, with the paths that have them."""
    if isinstance(value, Field):
        return [(value.type, value.path)] if isinstance(value.type, Variable) else []
    if isinstance(value, Expr):
        return [(value.type, path) for path in value.fields] if isinstance(value.type, Variable) else []
    if type(value) in (tuple, list):
        return [found for item in value for found in _variables(item)]  # type: ignore[attr-defined]
    return []


def _as(value: object, kind: Type) -> object:
    if isinstance(value, (Field, Expr)):
        return dataclasses.replace(value, type=kind) if isinstance(value.type, Variable) else value
    if isinstance(value, (tuple, list)):
        return type(value)(_as(item, kind) for item in value)
    return value


def _columns(columns: Columns, unknown: Mapping[str, object], kind: Type) -> Columns:
    for value in unknown.values():
        for _, path in _variables(value):
            columns = columns.with_field(path, kind)
    return columns
