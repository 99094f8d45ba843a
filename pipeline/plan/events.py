"""Events as a test writes them: records for a source, and those that are expected of a node.

Values are what `format: json` would write of them: times are texts, durations are seconds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from pipeline.columns.encode.values import Member, lines
from pipeline.columns.types import FLOAT, INT, JSON, NULL, STRING, Columns, Type
from pipeline.lang import ast
from pipeline.plan.expressions import compile_expression
from pipeline.plan.scope import Point, Scope
from pipeline.plan.spelling import article

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True)
class Known:
    """A value that is known when the program is loaded, with its type; a map has the type json."""

    value: Json
    type: Type


@dataclass(frozen=True)
class Record:
    """A record for a source: its bytes, and the fields of an input that has some."""

    raw: bytes
    fields: Mapping[str, Json]


def value(node: ast.Expression, scope: Scope) -> Known | None:
    """The value of an expression without fields; lists and maps are taken apart. None where it has none, which is reported."""
    if isinstance(node, ast.MapOf):
        members = {pair.key.text: value(pair.value, scope) for pair in node.pairs}
        known = {name: member.value for name, member in members.items() if member is not None}
        return Known(dict(known), JSON) if len(known) == len(members) else None
    if isinstance(node, ast.ListOf):
        items = [value(item, scope) for item in node.items]
        there = [item.value for item in items if item is not None]
        return Known(list(there), JSON) if len(there) == len(items) else None
    typed = compile_expression(node, replace(scope, loading=True, point=Point(Columns({}))))
    if typed is None:
        return None
    if not typed.constant:
        scope.findings.error("P306", "a test has no fields here: this must be a constant", node.span)
        return None
    if typed.type == NULL:
        return Known(None, NULL)
    column = pl.select(typed.polars.alias("value")).to_series()
    written = json.loads(lines([Member("value", column, typed.type)], None, 1))
    return Known(written.get("value"), typed.type)


def records(node: ast.Expression, columns: Columns | None, scope: Scope) -> tuple[Record, ...]:
    """What a source is given: texts, of which each line is a record, or maps. A map gives the fields of an input that has any
    (`columns`); of others it is a line of JSON. None for columns: what the input has is not known."""
    if not isinstance(node, ast.ListOf):
        known = value(node, scope)
        listed = known.value if known is not None else []
        if not isinstance(listed, list) or not all(isinstance(item, str) for item in listed):
            scope.findings.error("P505", "a source is given a list of records", node.span, help="write ['line', …]")
            return ()
        return tuple(Record(line, {}) for item in listed for line in _lines(str(item)))
    found: list[Record] = []
    for item in node.items:
        known = value(item, scope)
        if known is None:
            continue
        if isinstance(known.value, str):
            found += [Record(line, {}) for line in _lines(known.value)]
        elif isinstance(known.value, dict):
            fields = known.value if columns is not None and columns.fields else {}
            if columns is not None and isinstance(item, ast.MapOf) and fields:
                check_members(item, columns, scope)
            raw = json.dumps(known.value, ensure_ascii=False, separators=(",", ":")).encode()
            found.append(Record(raw, fields))
        else:
            message = f"a record is a text or a map, and this is {article(known.type)}"
            scope.findings.error("P505", message, item.span, help="write 'a line' or {field: value}")
    return tuple(found)


def check_members(node: ast.MapOf, columns: Columns, scope: Scope) -> None:
    """Report members of an event that its node cannot have: unknown names, values of another type."""
    for pair in node.pairs:
        name = pair.key.text
        here = replace(scope, point=Point(columns, broken=scope.point.broken), named={})
        path = ast.Path(pair.key.span, (pair.key,))
        kind = columns.get((name,)) if not columns.open or name in columns.fields else None
        if kind is None:
            if not columns.open and here.type_of((name,)) is None:
                here.field(path)
            continue
        known = None if isinstance(pair.value, (ast.MapOf, ast.ListOf)) else value(pair.value, scope)
        if known is not None and not _fits(known.type, kind):
            help = "a missing field is null" if known.type == NULL else ""
            message = f"`{name}` is {article(kind)}, and this is {article(known.type)}"
            scope.findings.error("P302", message, pair.value.span, help=help)


def _fits(given: Type, kind: Type) -> bool:
    if given in (kind, NULL) or kind in (JSON, NULL) or given == JSON:
        return True
    if given == INT and kind == FLOAT:
        return True
    return (given == STRING and kind.kind in ("time", "bytes")) or (given.number and kind.kind == "duration")


def _lines(text: str) -> list[bytes]:
    return text.removesuffix("\n").encode().split(b"\n")
