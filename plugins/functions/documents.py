"""JSON whose members nobody named: read it, look into it, list it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from pipeline import api
from pipeline.api.conversions import to_json
from pipeline.api.distinct import map_distinct
from pipeline.api.jsontext import extract, parsed

Types = tuple[api.Type | None, ...]

_JSON = api.Parameter("x", "The JSON value.", ("json",))
_STEP = re.compile(r"\[(-?\d{1,9})\]|(?:^|(?<=.)\.)([^.\[\]]+)")


# ── members ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Inside:
    """What stands at a place of JSON values, as the type that the place says."""

    kind: api.Type

    def __call__(self, values: pl.Series) -> pl.Series:
        wrapped = ('{"v":' + values + "}").alias(values.name)
        return extract(wrapped, {"v": self.kind}).columns.to_series().alias(values.name)


def _inside(x: pl.Expr, kind: api.Type) -> pl.Expr:
    return x.map_batches(_Inside(kind), return_dtype=api.dtype(kind), is_elementwise=True)


def _get(x: pl.Expr, path: str) -> pl.Expr:
    steps = _steps(path)
    kind = api.JSON
    for step in reversed(steps):
        kind = api.list_of(kind) if isinstance(step, int) else api.record({step: kind})
    found = _inside(x, kind)
    for step in steps:
        found = found.list.get(step, null_on_oob=True) if isinstance(step, int) else found.struct.field(step)
    return pl.when(found != "null").then(found)


def _steps(path: str) -> list[int | str]:
    """`a.b[0]` as its names and positions. Raises TypeError for what is no path."""
    found = list(_STEP.finditer(path))
    if not found or "".join(match[0] for match in found) != path:
        raise TypeError(f"a path is written as `user.roles[0]`, not {path!r}")
    return [int(match[1]) if match[1] else match[2] for match in found]


def _elements(x: pl.Expr) -> pl.Expr:
    return _inside(x, api.list_of(api.JSON))


def _keys(x: pl.Expr, *, types: Types) -> pl.Expr:
    kind = types[0] or api.JSON
    text = x if kind.kind == "json" else to_json(x, kind)
    names: Callable[[str], list[str] | None] = names_of
    return map_distinct(text, names, pl.List(pl.String()))


def names_of(text: str) -> list[str] | None:
    """The names of a JSON object's members, in their order."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return [name.encode("utf-8", "replace").decode() for name in value] if isinstance(value, dict) else None


parse_json = api.Function(
    name="parse_json",
    doc="A text that holds JSON as the value that it is, whose members `get` finds and conversions such as `int` take; null for what is no JSON. The "
    "filter `json` makes fields of it.",
    parameters=(api.Parameter("x", "The text.", ("string",)),),
    returns=api.JSON,
    build=parsed,
    examples=(
        api.Example("int(get(parse_json('{\"n\": [7, 8]}'), 'n[1]'))", 8),
        api.Example("string(parse_json('\"a\"'))", "a"),
        api.Example("parse_json('{broken')", None),
    ),
    fallible=True,
    by_value=True,
)

get = api.Function(
    name="get",
    doc="What stands at a place inside JSON: `user.roles[0]` is the first element of the member `roles` of the member `user`, `[-1]` the last one of "
    "a list. Null where there is nothing or a JSON null.",
    parameters=(_JSON, api.Parameter("path", "The place.", ("string",), constant=True)),
    returns=api.JSON,
    build=_get,
    examples=(
        api.Example('string(get(parse_json(\'{"user": {"roles": ["admin"]}}\'), \'user.roles[0]\'))', "admin"),
        api.Example("float(get(parse_json('[1, 2.50]'), '[-1]'))", 2.5),
        api.Example("get(parse_json('{\"a\": 1}'), 'b')", None),
    ),
    by_value=True,
)

elements = api.Function(
    name="elements",
    doc="The elements of a JSON list as a list of JSON values; null for what is no list.",
    parameters=(_JSON,),
    returns=api.list_of(api.JSON),
    build=_elements,
    examples=(
        api.Example("length(elements(parse_json('[1, \"a\", {}]')))", 3),
        api.Example("string(elements(parse_json('[1, \"a\"]'))[1])", "a"),
        api.Example("elements(parse_json('{}'))", None),
    ),
    by_value=True,
)

keys = api.Function(
    name="keys",
    doc="The names of the members of a record or of a JSON object, in their order. Of a record, those that are not null.",
    parameters=(api.Parameter("x", "The record or JSON value.", ("json", "record")),),
    returns=api.list_of(api.STRING),
    build=_keys,
    examples=(
        api.Example('keys(parse_json(\'{"a": 1, "b": null}\'))', ["a", "b"]),
        api.Example("keys(parse_json('{}'))", []),
        api.Example("keys(parse_json('1'))", None),
    ),
    typed=True,
    by_value=True,
)
