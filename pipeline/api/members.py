"""Members of open records: those that a program names, with the types that it states or that their use demands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import polars as pl

from pipeline.api.codecs import Decoded
from pipeline.api.conversions import from_text
from pipeline.columns import jsontext
from pipeline.columns.types import (
    BOOL,
    BYTES,
    DURATION,
    FLOAT,
    INT,
    JSON,
    STRING,
    TIME,
    Columns,
    Type,
    record,
)

TypeName = Literal["int", "float", "bool", "time", "duration", "string", "bytes", "json"]

TYPES: Mapping[str, Type] = {
    "int": INT,
    "float": FLOAT,
    "bool": BOOL,
    "time": TIME,
    "duration": DURATION,
    "string": STRING,
    "bytes": BYTES,
    "json": JSON,
}

SCHEMA = "Types of members, such as `{status: int}`; a path is written with back-ticks. Others have the type that their use demands."
"""The docs of an option `schema`."""


class Members:
    """What to take out of JSON objects. `stated` wins over what is demanded; `fixed` are members that are always there.

    `texts`: all values are strings, as `key=value` has them, and are converted to the types; otherwise a value of another
    type is null. The checker calls `demand`; after that, any thread may `take`."""

    def __init__(
        self,
        stated: Mapping[str, TypeName] | None = None,
        *,
        texts: bool = False,
        fixed: Mapping[tuple[str, ...], Type] | None = None,
    ) -> None:
        self._stated = dict(fixed or {}) | {
            tuple(name.split(".")): TYPES[kind] for name, kind in (stated or {}).items()
        }
        self._texts = texts
        self._types: Mapping[str, Type] = jsontext.tree(self._stated)

    def demand(self, fields: Mapping[tuple[str, ...], Type]) -> None:
        self._types = jsontext.tree({**fields, **self._stated})

    @property
    def columns(self) -> Columns:
        return Columns(dict(self._types), open=True)

    def take(self, objects: pl.Series) -> Decoded:
        """The members of each object (String); what is no object has `not_json` or `too_deep` as its reason."""
        if not self._texts:
            found = jsontext.extract(objects, self._types)
            return Decoded(found.columns, rest=found.rest, reason=found.reason, detail=found.detail)
        found = jsontext.extract(objects, {name: _text(kind) for name, kind in self._types.items()})
        changed = [typed(pl.col(name), kind).alias(name) for name, kind in self._types.items() if _text(kind) != kind]
        columns = found.columns.with_columns(changed) if changed else found.columns
        return Decoded(columns, rest=found.rest, reason=found.reason, detail=found.detail)


def _text(kind: Type) -> Type:
    """The type as which a text is taken that is to be of this type."""
    if kind.kind == "record":
        return record({name: _text(inner) for name, inner in kind.fields}, open=kind.open)
    return kind if kind.kind in ("json", "list") else STRING


def typed(text: pl.Expr, kind: Type) -> pl.Expr:
    """A text (String) as a value of a type; null where it is none. Records: their members, which are texts."""
    if kind.kind == "record":
        inner = [typed(text.struct.field(name), kind).alias(name) for name, kind in kind.fields]
        return pl.when(text.is_not_null()).then(text.struct.with_fields(*inner)) if inner else text
    return text if kind.kind == "list" else from_text(text, kind)
