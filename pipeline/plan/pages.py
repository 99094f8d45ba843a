"""The docs of plugins, made from the plugins themselves: docstrings, options with types and defaults, examples."""

from __future__ import annotations

import dataclasses
import inspect
import textwrap
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal, Union, get_args, get_origin, get_type_hints

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from pipeline.api import Aggregate, Expr, Field, Function, Options, Plugin, Secret, Template
from pipeline.api.aggregates import Parameter
from pipeline.api.codecs import Decodes, Encodes
from pipeline.api.options import Bytes, Microseconds
from pipeline.api.tables import Upstream
from pipeline.plan.catalog import KINDS, Catalog, Kind
from pipeline.plan.spelling import duration, either, size
from pipeline.plan.wording import marked

Documented = type[Plugin[Options]] | Aggregate | Function

SINGULAR: Mapping[Kind, str] = {
    "inputs": "input",
    "filters": "filter",
    "outputs": "output",
    "codecs": "codec",
    "aggregates": "aggregate",
    "functions": "function",
}

_TITLES: Mapping[Kind, str] = {
    "inputs": "Inputs: `source NAME = input(…)`",
    "filters": "Filters: `… | filter(…)`",
    "outputs": "Outputs: `… -> output(…)`",
    "codecs": "Codecs: `input(…, codec: …)`, `output(…, format: …)`",
    "aggregates": "Aggregates: `window(…) { name = aggregate(…) }`",
    "functions": "Functions: in expressions",
}


def find(catalog: Catalog, kind: Kind, name: str) -> Documented:
    """A plugin of any kind. Raises KeyError, and ConfigurationError where it cannot be used."""
    match kind:
        case "inputs":
            return catalog.input(name)
        case "filters":
            return catalog.filter(name)
        case "outputs":
            return catalog.output(name)
        case "codecs":
            return catalog.codec(name)
        case "aggregates":
            return catalog.aggregate(name)
        case "functions":
            return catalog.function(name)


def summary(plugin: Documented) -> str:
    """The first sentence of its docs."""
    paragraph = " ".join(_doc(plugin).split("\n\n")[0].split())
    end = paragraph.find(". ")
    return paragraph if end < 0 else paragraph[: end + 1]


def page(kind: Kind, name: str, plugin: Documented, level: int = 1) -> str:
    """The docs of one plugin as Markdown, with headings from `level` on and a newline at the end."""
    if isinstance(plugin, Function):
        body = _function(plugin)
        title = f"`{name}({_parameters(plugin.parameters)}{', …' if plugin.variadic else ''})`"
    elif isinstance(plugin, Aggregate):
        body = _aggregate(plugin)
        title = f"`{name}({_parameters(plugin.parameters)})`"
    else:
        body = _plugin(plugin, level)
        title = f"{SINGULAR[kind]} `{name}`"
    return f"{'#' * level} {title}\n\n" + "\n\n".join(body) + "\n"


def pages(catalog: Catalog) -> dict[str, str]:
    """All docs: path below the folder of the docs → text. Inputs, filters, outputs and codecs have a page each."""
    found: dict[str, str] = {}
    index = ["# Plugins", "Made from the plugins themselves by `make docs`; `pipe plugins NAME` shows the same page."]
    for kind in KINDS:
        lines = []
        together = [f"# {_TITLES[kind]}\n"]
        for name in catalog.names(kind):
            plugin = find(catalog, kind, name)
            if kind in ("aggregates", "functions"):
                together.append(page(kind, name, plugin, 2))
                lines.append(f"- `{name}`: {summary(plugin)}")
            else:
                found[f"{kind}/{name}.md"] = page(kind, name, plugin)
                lines.append(f"- [`{name}`]({kind}/{name}.md): {summary(plugin)}")
        if kind in ("aggregates", "functions"):
            found[f"{kind}.md"] = "\n".join(together)
            lines = [f"Described in [{kind}.md]({kind}.md).", "", *lines]
        index += [f"## {_TITLES[kind]}", "\n".join(lines)]
    found["README.md"] = "\n\n".join(index) + "\n"
    return found


# ── inputs, filters, outputs ─────────────────────────────────────────────────────────────────────────────────────────


def _plugin(plugin: type[Plugin[Options]], level: int) -> Iterator[str]:
    yield _doc(plugin)
    model = plugin.options_model
    hints = model.hinted()
    shown = {name: info for name, info in model.named().items() if name not in model.defined()}
    if shown:
        rows = [
            [_label(name, model), _type(hints[name]), _default(info, hints[name]), info.description or ""]
            for name, info in shown.items()
        ]
        yield f"{'#' * (level + 1)} Options"
        if model.arguments():
            yield "Arguments without a name fill them in this order."
        yield "\n".join(["| option | type | default | |", "|---|---|---|---|", *(_row(cells) for cells in rows)])
    yield f"{'#' * (level + 1)} Example"
    yield f"```pipe\n{textwrap.dedent(plugin.example).strip()}\n```"


def _label(name: str, model: type[Options]) -> str:
    if name == "block":
        return "`{ … }`"
    return f"`{name}`, …" if name == model.rest else f"`{name}`"


def _row(cells: Sequence[str]) -> str:
    return " ".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |".split())


def _default(info: FieldInfo, annotation: object) -> str:
    if info.is_required():
        return "required"
    value = info.get_default(call_default_factory=True, validated_data={})
    return "" if value is None or value is PydanticUndefined else f"`{_value(value, annotation)}`"


def _value(value: object, annotation: object) -> str:
    """A default as a program writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Field):
        return value.name
    if isinstance(value, (Expr, Template)):
        return value.text
    if isinstance(value, int) and marked(annotation, Microseconds):
        return duration(value)
    if isinstance(value, int) and marked(annotation, Bytes):
        return size(value)
    if isinstance(value, str):
        return value or "''"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_value(item, annotation) for item in value)}]"
    if dataclasses.is_dataclass(value):
        members = {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}
        told = [f"{name}: {_value(member, annotation)}" for name, member in members.items() if member is not None]
        return f"{{{', '.join(told)}}}" if told else "never"
    return "{}" if value == {} else str(value)


_NAMES: Mapping[object, str] = {
    int: "int",
    float: "float",
    str: "string",
    bool: "bool",
    Field: "field",
    Expr: "expression",
    Template: "template",
    Secret: "secret",
    Upstream: "stage",
}


def _type(annotation: object) -> str:
    """An annotation in the words of the language."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        if Decodes in inner or Encodes in inner:
            return "codec" if Decodes in inner else "codec or template"
        return "duration" if Microseconds in inner else "size" if Bytes in inner else _type(inner[0])
    if origin in (Union, types.UnionType):
        return either(dict.fromkeys(_type(member) for member in inner if member is not type(None)))
    if origin is Literal:
        return either(f"`{choice}`" for choice in inner)
    if origin in (list, tuple) and inner:
        return f"list of {_type(inner[0])}s" if " " not in _type(inner[0]) else f"list of {_type(inner[0])}"
    if origin is not None and issubclass(origin, Mapping):
        return f"map to {_type(inner[1])}"
    if annotation in _NAMES:
        return _NAMES[annotation]
    if isinstance(annotation, type) and dataclasses.is_dataclass(annotation):
        hints = get_type_hints(annotation)
        return f"`{{{', '.join(f'{item.name}: …' for item in dataclasses.fields(annotation) if item.name in hints)}}}`"
    if isinstance(annotation, type) and issubclass(annotation, Options):
        return f"`{{{', '.join(f'{name}: …' for name in annotation.model_fields)}}}`"
    if isinstance(annotation, type) and issubclass(annotation, tuple):
        return "block"
    return getattr(annotation, "__name__", str(annotation)).lower()


# ── aggregates and functions ─────────────────────────────────────────────────────────────────────────────────────────


def _aggregate(plugin: Aggregate) -> Iterator[str]:
    yield _doc(plugin)
    yield from _arguments(plugin.parameters)
    yield f"```pipe\n{textwrap.dedent(plugin.example).strip()}\n```"


def _function(plugin: Function) -> Iterator[str]:
    yield _doc(plugin)
    yield from _arguments(plugin.parameters)
    facts = [] if callable(plugin.returns) else [f"Gives {plugin.returns}."]
    if plugin.fallible:
        facts.append(f"With `{plugin.name}!(…)` an event that cannot be converted is rejected.")
    if plugin.by_value:
        facts.append("Computed once for each different value: fast on values that repeat, slower on others.")
    if facts:
        yield " ".join(facts)
    if plugin.examples:
        yield "\n".join(f"    {example.call}   # {_result(example.result)}" for example in plugin.examples)


def _arguments(parameters: Sequence[Parameter]) -> Iterator[str]:
    if parameters:
        yield "\n".join(f"- `{given.name}`{_kinds(given)}: {given.doc}" for given in parameters)


def _kinds(given: Parameter) -> str:
    of = f" of {either(given.items)}" if given.items else ""
    told = [*([f"{either(given.types)}{of}"] if given.types else []), *(["a constant"] if given.constant else [])]
    if given.default is not None:
        told.append(f"default {_result(given.default)}")
    return f" ({', '.join(told)})" if told else ""


def _parameters(parameters: Sequence[Parameter]) -> str:
    return ", ".join(given.name if given.required else f"[{given.name}]" for given in parameters)


def _result(value: object) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)


def _doc(plugin: Documented) -> str:
    """Its docs without indentation."""
    text = plugin.__doc__ if isinstance(plugin, type) else plugin.doc
    return inspect.cleandoc(text or "")
