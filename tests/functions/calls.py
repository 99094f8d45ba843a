"""Calls as a program writes them, evaluated on constants and on columns, without the checker."""

import importlib
import pkgutil
from datetime import timedelta

import polars as pl
from pipeline_plugins import functions

from pipeline import api
from pipeline.api.patterns import Regex
from pipeline.lang import ast
from pipeline.lang.parse import parse_expression
from pipeline.lang.spans import Source

KINDS = {"int": api.INT, "float": api.FLOAT, "list": api.list_of(api.STRING), "time": api.TIME}


def registered():
    """Every Function of the house by name."""
    found = {}
    for module in pkgutil.iter_modules(functions.__path__, f"{functions.__name__}."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, api.Function):
                assert value.name not in found
                found[value.name] = value
    return found


FUNCTIONS = registered()


class Calls:
    """Compiles calls over columns of known types; `types` maps field names to types."""

    def __init__(self, types):
        self.types = types

    def typed(self, node):
        match node:
            case ast.Integer() | ast.Size():
                return pl.lit(node.value, dtype=pl.Int64), api.INT
            case ast.Float():
                return pl.lit(node.value), api.FLOAT
            case ast.Duration():
                return pl.lit(timedelta(microseconds=node.value)), api.DURATION
            case ast.String():
                return pl.lit(node.value), api.STRING
            case ast.Boolean():
                return pl.lit(node.value), api.BOOL
            case ast.Null():
                return pl.lit(None), api.NULL
            case ast.ListOf():
                items = [self.typed(item) for item in node.items]
                kind = next((kind for _, kind in items if kind != api.NULL), api.NULL)
                return pl.concat_list([item.cast(api.dtype(kind)) for item, _ in items]), api.list_of(kind)
            case ast.Unary():
                inner, kind = self.typed(node.operand)
                return -inner, kind
            case ast.Index():
                inner, kind = self.typed(node.value)
                return inner.list.get(node.index.value, null_on_oob=True), kind.item
            case ast.Binary() if node.operator == "??":
                (left, kind), (right, _) = self.typed(node.left), self.typed(node.right)
                return pl.coalesce(left, right), kind
            case ast.Path():
                return pl.col(node.dotted), self.types[node.dotted]
            case ast.Call():
                return self.call(node)

    def call(self, node):
        function = FUNCTIONS[node.name.text]
        named = {argument.name.text: argument.value for argument in node.arguments if argument.name}
        positional = [argument.value for argument in node.arguments if not argument.name]
        parameters = list(function.parameters)
        while function.variadic and len(parameters) < len(positional):
            parameters.append(function.parameters[-1])
        values, types = [], []
        for place, parameter in enumerate(parameters):
            given = positional[place] if place < len(positional) else named.get(parameter.name)
            if given is None:
                assert not parameter.required
                if function.variadic:
                    continue
                values.append(parameter.default)
                types.append(None)
            elif isinstance(given, ast.Regex):
                values.append(Regex(f"(?{given.flags}){given.pattern}" if given.flags else given.pattern))
                types.append(None)
            else:
                expression, kind = self.typed(given)
                if kind == api.NULL and parameter.types:
                    kind = KINDS.get(parameter.types[0], api.STRING)
                    expression = expression.cast(api.dtype(kind))
                assert not parameter.types or kind.kind in parameter.types
                values.append(pl.select(expression).to_series().to_list()[0] if parameter.constant else expression)
                types.append(None if parameter.constant else kind)
        kind = function.returns if isinstance(function.returns, api.Type) else function.returns(tuple(types))
        extra = {"types": tuple(types)} if function.typed else {}
        return function.build(*values, **extra), kind


def compile_call(text, types=None):
    """An expression of the language to (Polars expression, type)."""
    parsed = parse_expression(Source("test", text))
    assert not parsed.diagnostics
    return Calls(types or {}).typed(parsed.tree)


def run(text, **columns):
    """A call's value for constants, or its values for columns given as `name=series`."""
    types = {name: kind for name, (kind, _) in columns.items()}
    expression, kind = compile_call(text, types)
    frame = pl.DataFrame({name: pl.Series(values, dtype=api.dtype(of)) for name, (of, values) in columns.items()})
    result = (frame if columns else pl.DataFrame({"one": [1]})).select(expression.alias("value")).to_series()
    assert result.dtype == api.dtype(kind)
    return result.to_list() if columns else result.to_list()[0]
