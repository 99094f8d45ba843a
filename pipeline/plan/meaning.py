"""What an expression computes, as one text: the same for every layout, and another one for every other constant."""

from __future__ import annotations

import json
from dataclasses import fields

from pipeline.columns.types import BOOL, DURATION, FLOAT, INT, NULL, STRING, Type
from pipeline.lang import ast
from pipeline.plan import lower
from pipeline.plan.calls import Compile
from pipeline.plan.scope import Scope

_LITERALS: dict[type, Type] = {
    ast.Integer: INT,
    ast.Size: INT,
    ast.Float: FLOAT,
    ast.Duration: DURATION,
    ast.Boolean: BOOL,
    ast.String: STRING,
}


def meaning(node: ast.Expression, scope: Scope, compile_: Compile) -> str:
    """A text that two expressions share only if they compute the same from the same fields.

    Layout and comments are not in it; constants and environment variables are there with their values. The expression
    has been compiled in this scope without an error."""
    return json.dumps(_said(node, scope, compile_), ensure_ascii=False, default=repr)


def _said(node: object, scope: Scope, compile_: Compile) -> object:
    match node:
        case ast.Path() if node.dotted in scope.constants:
            found = scope.constants[node.dotted]
            return [str(found.type), found.value]
        case ast.Path():
            return [".", *(part.text for part in node.parts)]
        case ast.Call(name=ast.Name(text="env")):
            typed = compile_(node, scope)
            return [str(STRING), None if typed is None else lower.constant(typed.polars, STRING)]
        case ast.Template() if node.plain is not None:
            return [str(STRING), node.plain]
        case ast.Null():
            return [str(NULL), None]
        case ast.Node():
            kind = _LITERALS.get(type(node))
            name = type(node).__name__ if kind is None else str(kind)
            slots = [slot.name for slot in fields(node) if slot.compare]
            return [name, *(_said(getattr(node, slot), scope, compile_) for slot in slots)]
        case tuple():
            return [_said(item, scope, compile_) for item in node]
        case _:
            return node
