"""One argument to one Python value, by the annotation of the option that it is for."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from typing import Annotated, Final, Literal, Union, get_args, get_origin, get_type_hints

import polars as pl
import pydantic

from pipeline.api import Expr, Field, Hole, Secret, Template
from pipeline.api.options import Bare, Bytes, Microseconds
from pipeline.columns.times import format_time
from pipeline.columns.types import BOOL, DURATION, INT, NULL, TIME, dtype
from pipeline.lang import ast
from pipeline.lang.diagnostics import suggestion
from pipeline.plan import lower
from pipeline.plan.expressions import compile_expression, evaluate, expression, printable
from pipeline.plan.findings import Findings
from pipeline.plan.membership import regex
from pipeline.plan.scope import Scope, Typed
from pipeline.plan.spelling import article, either


class Failed:
    """A value that could not be converted; why has been reported."""


FAILED: Final = Failed()

_SCALARS: dict[object, tuple[str, ...]] = {
    int: ("int",),
    float: ("float", "int"),
    str: ("string",),
    bool: ("bool",),
}


def convert(node: ast.Expression, annotation: object, scope: Scope, what: str, *, lengths: bool = False) -> object:
    """The Python value of an argument. Reports what does not fit (P206) and gives FAILED.

    `what` names the option in messages. `lengths`: a plain int may be written as a duration or a size."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        if Microseconds in inner:
            return _constant(node, (DURATION.kind,), "a duration such as `10s`", scope, what)
        if Bytes in inner:
            return _constant(node, ("int",), "a size such as `64MiB`", scope, what)
        if Bare in inner and isinstance(node, ast.Path) and len(node.parts) == 1 and node.dotted not in scope.constants:
            return node.dotted
        return convert(node, inner[0], scope, what, lengths=lengths)
    if origin in (Union, types.UnionType):
        return _union(node, inner, scope, what, lengths=lengths)
    if origin is Literal:
        return _choice(node, inner, scope, what)
    if origin in (list, tuple):
        return _sequence(node, origin, inner, scope, what)
    if origin is dict or origin is Mapping:
        return _mapping(node, inner[1], scope, what)
    if annotation is Secret:
        return _secret(node, scope, what)
    if annotation in (Expr, Field, Template):
        return _compiled(node, annotation, scope, what)
    if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        hints = get_type_hints(annotation, include_extras=True)
        required = [name for name, info in annotation.model_fields.items() if info.is_required()]
        return _structure(node, annotation, hints, required, scope, what)
    if isinstance(annotation, type) and dataclasses.is_dataclass(annotation):
        missing = dataclasses.MISSING
        required = [
            item.name
            for item in dataclasses.fields(annotation)
            if item.default is missing and item.default_factory is missing
        ]
        return _structure(node, annotation, get_type_hints(annotation), required, scope, what, lengths=True)
    if annotation in (None, type(None)):
        return None if isinstance(node, ast.Null) else _wrong(node, "null", scope, what)
    if annotation is str and isinstance(node, ast.Regex):
        pattern = regex(node, scope)
        return FAILED if pattern is None else pattern
    kinds = _SCALARS.get(annotation)
    if kinds is None:
        typed = compile_expression(node, scope)
        return FAILED if typed is None else _known(node, typed, scope, what)
    if lengths and annotation is int:
        return _constant(node, ("int", "duration"), "an int, a duration or a size", scope, what)
    value = _constant(node, kinds, article(kinds[0]), scope, what)
    return float(value) if annotation is float and isinstance(value, int) else value


def _constant(node: ast.Expression, kinds: tuple[str, ...], expected: str, scope: Scope, what: str) -> object:
    """A constant of one of these types."""
    if isinstance(node, ast.Template) and node.plain is None and "string" in kinds:
        scope.findings.error(
            "P206", f"{what} is a plain text, without fields", node.span, help="write `{{` for a brace, or a 'raw text'"
        )
        return FAILED
    if isinstance(node, (ast.MapOf, ast.Range, ast.Regex)):
        return _wrong(node, expected, scope, what)
    if isinstance(node, ast.Path) and len(node.parts) == 1 and node.dotted not in scope.constants:
        help = f"texts are written in quotes: '{node.dotted}'" if "string" in kinds else ""
        close = suggestion(node.dotted, scope.constants)
        scope.findings.error("P206", f"{what} is {expected}, not a field", node.span, help=close or help)
        return FAILED
    typed = compile_expression(node, scope)
    if typed is None:
        return FAILED
    if typed.type.kind not in kinds or not typed.constant:
        if not typed.constant:
            return _known(node, typed, scope, what)
        help = "write a unit: `10s`, `5m`, `1h`" if kinds == ("duration",) and typed.type == INT else ""
        scope.findings.error("P206", f"{what} is {expected}, not {article(typed.type)}", node.span, help=help)
        return FAILED
    value = evaluate(typed)
    if value is None:
        scope.findings.error("P206", f"{what} is {expected}, but this is null", node.span)
        return FAILED
    return value


def _known(node: ast.Expression, typed: Typed, scope: Scope, what: str) -> object:
    if typed.constant:
        return evaluate(typed)
    scope.findings.error("P306", f"{what} must be known before there are events", node.span, "this reads a field")
    return FAILED


def _wrong(node: ast.Expression, expected: str, scope: Scope, what: str) -> Failed:
    forms = {"MapOf": "a map", "Range": "a range", "Regex": "a regex", "ListOf": "a list"}
    form = forms.get(type(node).__name__)
    scope.findings.error("P206", f"{what} is {expected}{f', not {form}' if form else ''}", node.span)
    return FAILED


def _union(node: ast.Expression, inner: tuple[object, ...], scope: Scope, what: str, *, lengths: bool) -> object:
    """The first member that fits; with one member besides None its own complaint, else what all of them are."""
    members = [member for member in inner if member is not type(None)]
    if len(members) < len(inner) and _null(node, scope):
        return None
    if len(members) == 1:
        return convert(node, members[0], scope, what, lengths=lengths)
    failures = []
    for member in members:
        trial = Findings()
        value = convert(node, member, scope.trial(trial), what, lengths=lengths)
        if value is not FAILED:
            scope.findings.extend(trial)
            return value
        failures.append(trial)
    foreign = [found for trial in failures for found in trial.all if found.code != "P206"]
    if foreign:
        scope.findings.add(foreign[0])
        return FAILED
    words = dict.fromkeys(_describe(member) for member in members)
    scope.findings.error("P206", f"{what} is {either(words)}", node.span)
    return FAILED


def _null(node: ast.Expression, scope: Scope) -> bool:
    """Whether an argument leaves its option out: `null`, or a name or an `env("NAME", null)` that comes to it."""
    name = isinstance(node, ast.Path) and node.dotted in scope.constants
    if name or (isinstance(node, ast.Call) and node.name.text == "env"):
        typed = compile_expression(node, scope.trial(Findings()))
        return typed is not None and typed.type == NULL
    return isinstance(node, ast.Null)


def _describe(annotation: object) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return "a duration" if Microseconds in inner else "a size" if Bytes in inner else _describe(inner[0])
    if origin is Literal:
        return either(f"`{choice}`" for choice in inner)
    if origin in (list, tuple):
        return "a list"
    if origin is dict:
        return "a map"
    names: dict[object, str] = {
        Expr: "an expression",
        Field: "a field",
        Template: "a template",
        Secret: "a secret",
        str: "a string",
        int: "an int",
    }
    return names.get(annotation) or article(str(getattr(annotation, "__name__", annotation)).lower())


def _choice(node: ast.Expression, choices: tuple[object, ...], scope: Scope, what: str) -> object:
    """One of some words, written bare (`format: raw`) or as a text."""
    value: object = FAILED
    if (
        isinstance(node, ast.Path)
        and len(node.parts) == 1
        and (node.dotted in choices or node.dotted not in scope.constants)
    ):
        value = node.dotted
    elif not isinstance(node, (ast.MapOf, ast.Range, ast.Regex)):
        typed = compile_expression(node, scope)
        if typed is None:
            return FAILED
        value = evaluate(typed) if typed.constant else FAILED
    if value in choices and not isinstance(value, Failed):
        return next(choice for choice in choices if choice == value)
    help = suggestion(value, [str(choice) for choice in choices]) if isinstance(value, str) else ""
    scope.findings.error("P206", f"{what} is {either(f'`{choice}`' for choice in choices)}", node.span, help=help)
    return FAILED


def _sequence(node: ast.Expression, origin: type, inner: tuple[object, ...], scope: Scope, what: str) -> object:
    """A list; a single value counts as a list of one."""
    item = inner[0] if inner else str
    if isinstance(node, ast.ListOf):
        found = [convert(element, item, scope, what) for element in node.items]
    else:
        value = _let_list(node, scope)
        found = value if value is not None else [convert(node, item, scope, what)]
    if any(element is FAILED for element in found):
        return FAILED
    return origin(found)


def _let_list(node: ast.Expression, scope: Scope) -> list[object] | None:
    """The elements, when the argument is the name of a constant list."""
    if isinstance(node, ast.Path) and node.dotted in scope.constants:
        constant = scope.constants[node.dotted]
        if constant.type.kind == "list" and isinstance(constant.value, list):
            scope.used.add(("let", node.dotted))
            return list(constant.value)
    return None


def _mapping(node: ast.Expression, item: object, scope: Scope, what: str) -> object:
    if not isinstance(node, ast.MapOf):
        return _wrong(node, "a map `{name: value}`", scope, what)
    found: dict[str, object] = {}
    for pair in node.pairs:
        value = convert(pair.value, item, scope, f"`{pair.key.text}` in {what}")
        if value is FAILED:
            found[""] = FAILED
        found[pair.key.text] = value
    return FAILED if any(value is FAILED for value in found.values()) else found


def _structure(
    node: ast.Expression,
    made: type,
    hints: Mapping[str, object],
    required: list[str],
    scope: Scope,
    what: str,
    *,
    lengths: bool = False,
) -> object:
    """A map with known keys, such as `roll: {age: 1h}`."""
    if not isinstance(node, ast.MapOf):
        return _wrong(node, f"a map such as `{{{next(iter(hints), 'name')}: …}}`", scope, what)
    values: dict[str, object] = {}
    sound = True
    for pair in node.pairs:
        key = pair.key.text
        if key not in hints:
            help = suggestion(key, hints) or f"it has {either((f'`{name}`' for name in hints), 'and')}"
            scope.findings.error("P203", f"{what} has no `{key}`", pair.key.span, help=help)
            sound = False
            continue
        values[key] = convert(pair.value, hints[key], scope, f"`{key}` in {what}", lengths=lengths)
        sound &= values[key] is not FAILED
    for key in required:
        if key not in values:
            scope.findings.error("P204", f"{what} needs `{key}`", node.span)
            sound = False
    if not sound:
        return FAILED
    try:
        return made(**values)
    except pydantic.ValidationError as error:
        told = error.errors()[0]
        scope.findings.error("P207", f"{what}: {told['loc'][0] if told['loc'] else ''} {told['msg']}", node.span)
        return FAILED


def _compiled(node: ast.Expression, annotation: object, scope: Scope, what: str) -> object:
    if annotation is Field:
        return _field(node, scope, what)
    if annotation is Template:
        return template(node, scope, what)
    typed = compile_expression(node, scope)
    if typed is None:
        return FAILED
    compiled = expression(typed, node, scope)
    if typed.type == BOOL:
        return dataclasses.replace(compiled, polars=lower.truth(compiled.polars))
    return compiled


def _field(node: ast.Expression, scope: Scope, what: str) -> object:
    if not isinstance(node, ast.Path):
        help = f"write it without quotes: {node.value}" if isinstance(node, ast.String) else ""
        scope.findings.error("P206", f"{what} is a field", node.span, help=help)
        return FAILED
    return scope.field(node) or FAILED


def _secret(node: ast.Expression, scope: Scope, what: str) -> object:
    """`secret('file:PATH')`, or a text that is known when the program is loaded."""
    if isinstance(node, ast.Call) and node.name.text == "secret":
        if len(node.arguments) != 1 or node.arguments[0].name is not None:
            scope.findings.error(
                "P206", f"`secret` in {what} takes one text", node.span, help="write secret('file:PATH')"
            )
            return FAILED
        where = _constant(
            node.arguments[0].value, ("string",), "a text such as 'file:PATH'", scope, f"`secret` in {what}"
        )
        if not isinstance(where, str):
            return FAILED
        try:
            return Secret.at(where)
        except ValueError as error:
            scope.findings.error("P206", f"{what} is kept nowhere", node.arguments[0].span, help=str(error))
            return FAILED
    value = _constant(node, ("string",), "a secret", scope, what)
    if isinstance(node, (ast.String, ast.Template)) and isinstance(value, str):
        help = "write secret('file:PATH'), secret('env:NAME') or secret('credential:NAME')"
        scope.findings.warning(
            "P404", f"{what} can be read by everybody who can read the program", node.span, help=help
        )
    return Secret.text(value) if isinstance(value, str) else FAILED


def template(node: ast.Expression, scope: Scope, what: str) -> object:
    """A template: a raw text, a "template", or a constant that is a text."""
    if isinstance(node, ast.Template) and node.plain is None:
        parts: list[str | Hole] = []
        sound = True
        for part in node.parts:
            if isinstance(part, str):
                parts.append(part)
                continue
            found = scope.field(part.path)
            if found is None or not printable(found.type, part, scope):
                sound = False
                continue
            if part.format and not _format(part, scope):
                sound = False
                continue
            parts.append(Hole(found, part.format))
        return Template(tuple(parts), node.span.text) if sound else FAILED
    value = _constant(node, ("string",), "a text or a template", scope, what)
    return Template((value,), node.span.text) if isinstance(value, str) else FAILED


def _format(hole: ast.Hole, scope: Scope) -> bool:
    """Whether a hole's time format is one. Reports it if not."""
    try:
        format_time(pl.lit(0).cast(dtype(TIME)), hole.format)
    except TypeError as error:
        scope.findings.error("P305", f"`{hole.format}` is no time format: {error}", hole.span)
        return False
    return True
