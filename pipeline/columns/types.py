"""The types of the language, and the Polars dtype that carries each.

    int      Int64                        string   String
    float    Float64                      bytes    Binary
    bool     Boolean                      list     List(item)
    time     Datetime("us", "UTC")        record   Struct(fields)
    duration Duration("us")               json     String: the JSON text of a value whose type nobody demanded
    null     Null

An open record has members that the program does not name; they travel as JSON text in a member called `@rest`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl

Kind = Literal["int", "float", "bool", "time", "duration", "string", "bytes", "list", "record", "json", "null"]

REST = "@rest"
"""The column (or struct member) with the JSON text of an open record's other members: an object, `{…}`, or null."""


@dataclass(frozen=True, slots=True)
class Type:
    """A type of the language. `item` is set for lists, `fields` and `open` for records."""

    kind: Kind
    item: Type | None = None
    fields: tuple[tuple[str, Type], ...] = ()
    open: bool = False

    def __str__(self) -> str:
        match self.kind:
            case "list":
                return f"list of {self.item}" if self.item else "list"
            case "record":
                inner = ", ".join(f"{name}: {kind}" for name, kind in self.fields)
                return "{" + inner + (", …" if self.open and inner else "…" if self.open else "") + "}"
            case _:
                return self.kind

    def field(self, name: str) -> Type | None:
        """The type of a record's member, or None."""
        return dict(self.fields).get(name)

    @property
    def number(self) -> bool:
        return self.kind in ("int", "float")


INT = Type("int")
FLOAT = Type("float")
BOOL = Type("bool")
TIME = Type("time")
DURATION = Type("duration")
STRING = Type("string")
BYTES = Type("bytes")
JSON = Type("json")
NULL = Type("null")

_SCALARS: dict[Kind, pl.DataType] = {
    "int": pl.Int64(),
    "float": pl.Float64(),
    "bool": pl.Boolean(),
    "time": pl.Datetime("us", "UTC"),
    "duration": pl.Duration("us"),
    "string": pl.String(),
    "bytes": pl.Binary(),
    "json": pl.String(),
    "null": pl.Null(),
}


def list_of(item: Type) -> Type:
    return Type("list", item=item)


def record(fields: Mapping[str, Type], *, open: bool = False) -> Type:
    return Type("record", fields=tuple(fields.items()), open=open)


def dtype(kind: Type) -> pl.DataType:
    """The Polars dtype that carries a type."""
    if kind.kind == "list":
        return pl.List(dtype(kind.item or NULL))
    if kind.kind == "record":
        fields = [pl.Field(name, dtype(inner)) for name, inner in kind.fields]
        return pl.Struct([*fields, pl.Field(REST, pl.String())] if kind.open else fields)
    return _SCALARS[kind.kind]


@dataclass(frozen=True, slots=True)
class Columns:
    """What is known of the events at a point of the graph: field names with types, metadata apart.

    `open`: events may have members that nobody named (after `json` without `into`); they are in the column `@rest`.
    """

    fields: Mapping[str, Type]
    open: bool = False

    def get(self, path: tuple[str, ...]) -> Type | None:
        """The type at a path, or None when no such field is known."""
        kind = METADATA.get(path[0]) if path[0].startswith("@") else self.fields.get(path[0])
        for part in path[1:]:
            if kind is None:
                return None
            kind = kind.field(part)
        return kind

    def with_field(self, path: tuple[str, ...], kind: Type) -> Columns:
        """The same columns with one field added or replaced; missing parents become closed records."""
        first, rest = path[0], path[1:]
        if first.startswith("@"):
            return self
        return Columns({**self.fields, first: _put(self.fields.get(first), rest, kind)}, self.open)

    def without(self, path: tuple[str, ...]) -> Columns:
        """The same columns without one field; a path that is not there changes nothing."""
        first, rest = path[0], path[1:]
        if first not in self.fields:
            return self
        if not rest:
            return Columns({name: kind for name, kind in self.fields.items() if name != first}, self.open)
        return Columns({**self.fields, first: _cut(self.fields[first], rest)}, self.open)


def _put(old: Type | None, path: tuple[str, ...], kind: Type) -> Type:
    if not path:
        return kind
    fields = dict(old.fields) if old is not None and old.kind == "record" else {}
    fields[path[0]] = _put(fields.get(path[0]), path[1:], kind)
    return record(fields, open=old.open if old is not None and old.kind == "record" else False)


def _cut(old: Type, path: tuple[str, ...]) -> Type:
    if old.kind != "record":
        return old
    fields = dict(old.fields)
    if len(path) == 1:
        fields.pop(path[0], None)
    elif path[0] in fields:
        fields[path[0]] = _cut(fields[path[0]], path[1:])
    return record(fields, open=old.open)


ERROR = record({"filter": STRING, "reason": STRING, "field": STRING, "detail": STRING})

METADATA: Mapping[str, Type] = {
    "@timestamp": TIME,
    "@received": TIME,
    "@raw": BYTES,
    "@source": STRING,
    "@path": STRING,
    "@partition": STRING,
    "@offset": INT,
    "@item": STRING,
    "@host": STRING,
    "@peer": STRING,
    "@rid": STRING,
    "@error": ERROR,
}
"""Every metadata column. `@rid` is computed from `@partition`, `@offset` and `@item` where a program uses it; `@error` is there on
rejected rows only; all others are in every frame."""
