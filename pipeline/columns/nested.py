"""Members of records by path: set one, take one out, keep some. Expressions that make the whole top-level column anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from pipeline.columns.types import Columns

Path = tuple[str, ...]


def put(schema: Mapping[str, pl.DataType], path: Path, values: pl.Expr) -> pl.Expr:
    """The top-level column of `path` with `values` at the path. Parents that are missing, null or no records become
    records; other members stay."""
    return _put(pl.col(path[0]), schema.get(path[0]), path[1:], values).alias(path[0])


def without(frame: pl.DataFrame, path: Path) -> pl.DataFrame:
    """The frame without a field; a record that has no members left goes too. A path that is not there changes nothing."""
    while len(path) > 1 and _only(frame.schema.get(path[0]), path[1:]):
        path = path[:-1]
    if path[0] not in frame.columns:
        return frame
    if len(path) == 1:
        return frame.drop(path[0])
    return frame.with_columns(_cut(pl.col(path[0]), frame.schema[path[0]], path[1:]).alias(path[0]))


def forgotten(columns: Columns, path: Path) -> Columns:
    """What is known after `without`."""
    columns = columns.without(path)
    for size in range(len(path) - 1, 0, -1):
        parent = columns.get(path[:size])
        if parent is None or parent.kind != "record" or parent.fields or parent.open:
            break
        columns = columns.without(path[:size])
    return columns


def pick(schema: Mapping[str, pl.DataType], name: str, paths: Sequence[Path]) -> pl.Expr:
    """The top-level column `name` with the members of these paths only (all begin with `name`), in the record's order."""
    return _pick(pl.col(name), schema[name], [path[1:] for path in paths]).alias(name)


def _put(parent: pl.Expr, kind: pl.DataType | None, path: Path, values: pl.Expr) -> pl.Expr:
    if not path:
        return values
    known = {field.name: field.dtype for field in kind.fields} if isinstance(kind, pl.Struct) else {}
    names = [*known, *([] if path[0] in known else [path[0]])]
    return pl.struct(
        [
            (
                _put(parent.struct.field(name), _dtype(known.get(name)), path[1:], values)
                if name == path[0]
                else parent.struct.field(name)
            ).alias(name)
            for name in names
        ]
    )


def _cut(parent: pl.Expr, kind: pl.DataType | None, path: Path) -> pl.Expr:
    if not isinstance(kind, pl.Struct):
        return parent
    kept = [
        (
            parent.struct.field(field.name)
            if field.name != path[0]
            else _cut(parent.struct.field(field.name), _dtype(field.dtype), path[1:])
        ).alias(field.name)
        for field in kind.fields
        if field.name != path[0] or len(path) > 1
    ]
    return pl.when(parent.is_not_null()).then(pl.struct(kept))


def _pick(parent: pl.Expr, kind: pl.DataType | None, paths: Sequence[Path]) -> pl.Expr:
    if not isinstance(kind, pl.Struct) or any(not path for path in paths):
        return parent
    kept = [
        _pick(
            parent.struct.field(field.name), _dtype(field.dtype), [path[1:] for path in paths if path[0] == field.name]
        ).alias(field.name)
        for field in kind.fields
        if any(path[0] == field.name for path in paths)
    ]
    return pl.when(parent.is_not_null()).then(pl.struct(kept))


def _only(kind: pl.DataType | None, path: Path) -> bool:
    """Whether a record has no other member than the last of the path, so that it would be empty without it."""
    for name in path[:-1]:
        inner = {field.name: field.dtype for field in kind.fields} if isinstance(kind, pl.Struct) else {}
        kind = _dtype(inner.get(name))
    return isinstance(kind, pl.Struct) and [field.name for field in kind.fields] == [path[-1]]


def _dtype(kind: object) -> pl.DataType | None:
    """A field's dtype as an instance; Polars also allows classes there."""
    return kind if isinstance(kind, pl.DataType) else None
