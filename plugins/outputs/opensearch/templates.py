"""An index template from the columns of a program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline import api

SCALARS: Mapping[str, Mapping[str, object]] = {
    "int": {"type": "long"},
    "float": {"type": "double"},
    "bool": {"type": "boolean"},
    "time": {"type": "date"},
    "duration": {"type": "double"},
    "string": {"type": "keyword", "ignore_above": 8191},
    "bytes": {"type": "keyword", "ignore_above": 8191},
}
"""Kinds of types and their mappings. Lists are mapped as what is in them; values of unknown type are left to the cluster."""


def template(index: api.Template, columns: api.Columns, metadata: Sequence[str]) -> dict[str, object]:
    """It maps the columns, and the `metadata` that is written, for all indices that begin like this one."""
    known = {name: api.METADATA[name] for name in ("@timestamp", *metadata)}
    properties = _properties({**columns.fields, **known})
    return {
        "index_patterns": [index.prefix.lower() + ("*" if index.holes else "")],
        "priority": 100,
        "template": {"mappings": {"properties": properties}},
    }


def _properties(fields: Mapping[str, api.Type]) -> dict[str, Mapping[str, object]]:
    found = {name: _mapping(kind) for name, kind in fields.items()}
    return {name: mapping for name, mapping in found.items() if mapping}


def _mapping(kind: api.Type) -> Mapping[str, object]:
    if kind.kind == "list":
        return _mapping(kind.item) if kind.item is not None else {}
    if kind.kind == "record":
        return {"properties": _properties(dict(kind.fields))}
    return SCALARS.get(kind.kind, {})
