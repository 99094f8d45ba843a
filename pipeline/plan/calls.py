"""Calls of functions: arguments to parameters, types checked, the function's expression built."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import polars as pl

from pipeline.api import Function, Guard, Parameter
from pipeline.columns.patterns import Regex
from pipeline.columns.types import DURATION, FLOAT, INT, NULL, STRING, TIME, Type, dtype, list_of
from pipeline.errors import PipeError
from pipeline.lang import ast
from pipeline.lang.diagnostics import suggestion
from pipeline.plan import foreign, lower
from pipeline.plan.inference import Variable
from pipeline.plan.kinds import combined
from pipeline.plan.membership import regex
from pipeline.plan.scope import Scope, Typed
from pipeline.plan.spelling import article, either

Compile = Callable[[ast.Expression, Scope], Typed | None]

_KINDS: dict[str, Type] = {
    "int": INT,
    "float": FLOAT,
    "bool": Type("bool"),
    "time": TIME,
    "duration": DURATION,
    "string": STRING,
    "bytes": Type("bytes"),
    "list": list_of(NULL),
}


@dataclass(frozen=True)
class Given:
    """An argument that fits its parameter. `type` is None for constants, whose value is in `value`."""

    parameter: Parameter
    value: object
    type: Type | None
    typed: Typed | None


def call(node: ast.Call, scope: Scope, compile_: Compile) -> Typed | None:
    """A function call, `env("NAME", "default")` included."""
    if node.name.text == "env":
        return _env(node, scope, compile_)
    function = _function(node, scope)
    if function is None:
        for argument in node.arguments:
            if not isinstance(argument.value, ast.Regex):
                compile_(argument.value, scope)
        return None
    matched = match_arguments(node, function.parameters, scope, f"`{function.name}`", variadic=function.variadic)
    if matched is None:
        return None
    given = [fit(parameter, value, scope, compile_, function.name) for parameter, value in matched]
    known = [argument for argument in given if argument is not None]
    if len(known) < len(given):
        return None
    if node.strict and not function.fallible:
        scope.findings.error(
            "P310", f"`{function.name}` cannot fail", node.name.span, help=f"leave the `!` out: `{function.name}(…)`"
        )
        return None
    return _build(node, function, known, scope)


def _build(node: ast.Call, function: Function, given: Sequence[Given], scope: Scope) -> Typed | None:
    types = tuple(argument.type for argument in given)
    try:
        kind = function.returns if isinstance(function.returns, Type) else function.returns(types)
        extra = {"types": types} if function.typed else {}
        built = function.build(*(argument.value for argument in given), **extra)
    except (TypeError, ValueError) as error:
        scope.findings.error("P305", f"`{function.name}`: {error}", node.span)
        return None
    except (PipeError, pl.exceptions.PolarsError) as error:
        scope.findings.error("P305", f"`{function.name}`: {str(error).splitlines()[0]}", node.span)
        return None
    parts = [argument.typed for argument in given if argument.typed is not None]
    typed = combined(parts, built, kind)
    if not node.strict:
        return typed
    inputs = [part for part in parts if not part.constant]
    absent = [part.polars.is_null() for part in inputs]
    holds = pl.any_horizontal(built.is_not_null(), *absent)
    source = next((part.field.name for part in inputs if part.field is not None), None)
    return replace(typed, guards=(*typed.guards, Guard(holds, f"{function.name}_failed", source)))


def _function(node: ast.Call, scope: Scope) -> Function | None:
    name = node.name.text
    if name in scope.catalog.names("functions"):
        try:
            return scope.catalog.function(name)
        except PipeError as error:
            scope.findings.error("P202", error.message, node.name.span, help=error.help)
            return None
    if name in scope.catalog.names("aggregates"):
        help = f"`{name}` is an aggregate: use it in a window, `window(10s) {{ x = {name}(…) }}`"
    elif name in scope.catalog.names("filters"):
        help = f"`{name}` is a filter: put it after a `|`"
    elif name == "secret":
        help = "secrets go into options that take one, such as a token or a password, and nowhere else"
    else:
        near = suggestion(name, [*scope.catalog.names("functions"), "env"])
        help = foreign.FUNCTIONS.get(name) or near or "`pipe plugins` lists all functions"
    scope.findings.error("P303", f"unknown function `{name}`", node.name.span, help=help)
    return None


def match_arguments(
    node: ast.Call, parameters: Sequence[Parameter], scope: Scope, what: str, *, variadic: bool = False
) -> list[tuple[Parameter, ast.Argument | None]] | None:
    """Which argument goes to which parameter, in the parameters' order; None for an optional one that is left out."""
    by_name = {parameter.name: parameter for parameter in parameters}
    found: dict[str, ast.Argument] = {}
    further: list[ast.Argument] = []
    positional = 0
    sound = True
    for argument in node.arguments:
        if argument.name is None:
            if positional < len(parameters):
                name = parameters[positional].name
                positional += 1
            elif variadic:
                further.append(argument)
                continue
            else:
                takes = {0: "no arguments", 1: "one argument"}.get(len(parameters), f"{len(parameters)} arguments")
                scope.findings.error("P304", f"{what} takes {takes}", argument.span, "one too many")
                sound = False
                break
        else:
            name = argument.name.text
            if name not in by_name:
                help = suggestion(name, by_name) or (
                    f"it has {either((f'`{other}`' for other in by_name), 'and')}" if by_name else ""
                )
                scope.findings.error("P304", f"{what} has no argument `{name}`", argument.name.span, help=help)
                sound = False
                continue
        if name in found:
            scope.findings.error("P304", f"`{name}` is given twice", argument.span)
            sound = False
        found[name] = argument
    for parameter in parameters:
        if parameter.required and parameter.name not in found and sound:
            scope.findings.error("P304", f"{what} needs `{parameter.name}`", node.span, help=parameter.doc)
            sound = False
    if not sound:
        return None
    matched: list[tuple[Parameter, ast.Argument | None]] = [
        (parameter, found.get(parameter.name)) for parameter in parameters
    ]
    if variadic:
        if parameters and not parameters[-1].required and parameters[-1].name not in found:
            matched.pop()
        matched += [(parameters[-1], argument) for argument in further]
    return matched


def fit(parameter: Parameter, argument: ast.Argument | None, scope: Scope, compile_: Compile, of: str) -> Given | None:
    """An argument as its parameter takes it, or None when it does not fit and has been reported."""
    if argument is None:
        value = parameter.default
        if parameter.constant or value is None:
            return Given(parameter, value, None, None)
        return Given(parameter, pl.lit(value), _type_of(value), None)
    if isinstance(argument.value, ast.Regex):
        if not parameter.constant:
            scope.findings.error("P313", f"`{parameter.name}` of `{of}` is not a regex", argument.span)
            return None
        pattern = regex(argument.value, scope)
        return None if pattern is None else Given(parameter, Regex(pattern), None, None)
    typed = compile_(argument.value, scope)
    if typed is None:
        return None
    typed = _accepted(parameter, typed, argument, scope, of)
    if typed is None or not _holds(parameter, typed.type, argument, scope, of):
        return None
    if not parameter.constant:
        return Given(parameter, typed.polars, typed.type, typed)
    if not typed.constant:
        scope.findings.error(
            "P306",
            f"`{parameter.name}` of `{of}` must be known before there are events",
            argument.value.span,
            "this reads a field",
            help=parameter.doc,
        )
        return None
    return Given(parameter, lower.constant(typed.polars, typed.type), None, None)


def _accepted(parameter: Parameter, typed: Typed, argument: ast.Argument, scope: Scope, of: str) -> Typed | None:
    """The argument, cast where its parameter wants a float. An unknown type becomes the first one that is accepted; a float, where
    that is a number of either kind: as an int, 1.5 would be null."""
    kinds = parameter.types
    if isinstance(typed.type, Variable):
        if not kinds or "json" in kinds:
            return typed
        if kinds[0] in ("int", "float") and {"int", "float"} <= set(kinds):
            scope.unknowns.demand(typed.type, None, argument.span)
            return replace(typed, type=FLOAT)
        first = kinds[0]
        if first == "list":
            return replace(typed, type=list_of(scope.unknowns.element(typed.type, argument.span)))
        if first in _KINDS:
            scope.unknowns.demand(typed.type, _KINDS[first], argument.span)
            return replace(typed, type=_KINDS[first])
        return typed
    if not kinds or typed.type.kind in kinds:
        return typed
    if typed.type == NULL:
        kind = _KINDS.get(kinds[0], NULL)
        return replace(typed, polars=typed.polars.cast(dtype(kind)), type=kind)
    if typed.type == INT and "float" in kinds:
        return replace(typed, polars=lower.cast(typed.polars, INT, FLOAT), type=FLOAT)
    scope.findings.error(
        "P305",
        f"`{parameter.name}` of `{of}` is {either(article(kind) for kind in kinds)}, not {article(typed.type)}",
        argument.value.span,
        help=_advice(typed.type, kinds),
    )
    return None


def _holds(parameter: Parameter, kind: Type, argument: ast.Argument, scope: Scope, of: str) -> bool:
    """Whether a list has elements that its parameter takes. Demands it of unknown ones, reports wrong ones (P305)."""
    item, kinds = kind.item, parameter.items
    if item is None or not kinds or item == NULL or item.kind in kinds:
        return True
    if isinstance(item, Variable):
        scope.unknowns.demand(item, None if set(kinds) == {"int", "float"} else _KINDS[kinds[0]], argument.span)
        return True
    scope.findings.error(
        "P305",
        f"`{parameter.name}` of `{of}` is a list of {either(kinds)}, not {article(kind)}",
        argument.value.span,
    )
    return False


def _advice(kind: Type, wanted: Sequence[str]) -> str:
    if kind.kind == "json":
        return "state the type of the JSON value with `schema: {…}` where it is read"
    if kind == STRING and wanted[0] in ("int", "float", "time", "duration"):
        return f"convert it with `{wanted[0]}(…)`"
    if kind == DURATION and wanted[0] in ("int", "float"):
        return "convert it with `float(…)`, which gives seconds"
    return "convert it with `string(…)`" if "string" in wanted else ""


def _type_of(value: object) -> Type:
    return {bool: Type("bool"), int: INT, float: FLOAT}.get(type(value), STRING)


def _env(node: ast.Call, scope: Scope, compile_: Compile) -> Typed | None:
    """`env("NAME")` or `env("NAME", "default")`: a text, fixed when the program is loaded; null where that is the default."""
    parameters = (
        Parameter("name", "the variable's name", ("string",), constant=True),
        Parameter("default", "what it is when the variable is not set", ("string",), constant=True, required=False),
    )
    matched = match_arguments(node, parameters, scope, "`env`")
    if matched is None:
        return None
    given = [fit(parameter, argument, scope, compile_, "env") for parameter, argument in matched]
    name, default = given[0], given[1]
    if name is None or default is None or not isinstance(name.value, str):
        return None
    scope.used.add(("env", name.value))
    value = scope.variables.get(name.value, default.value)
    if value is None and matched[1][1] is not None:
        return Typed(lower.literal(None, NULL), NULL, constant=True)
    if not isinstance(value, str):
        scope.findings.error(
            "P109",
            f"the environment variable {name.value} is not set",
            node.span,
            help=f'set it, or give a default: env("{name.value}", "…")',
        )
        return None
    if any("\ud800" <= character <= "\udfff" for character in value):  # as Python has bytes that are no text
        scope.findings.error("P109", f"the environment variable {name.value} is not UTF-8 text", node.span)
        return None
    return Typed(lower.literal(value, STRING), STRING, constant=True)
