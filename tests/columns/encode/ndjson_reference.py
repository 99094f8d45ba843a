"""A plain row-wise encoder to compare with, written against `json.dumps` and nothing of ours."""

import json
import math
from datetime import UTC, datetime, timedelta


def reference_line(row, types, rest=None):
    """One line of NDJSON for a row given as Python values in the order of `types`."""
    parts = [member for name, kind in types for member in _member(name, row[name], kind)]
    if rest is not None:
        named = {name for name, _ in types}
        kept = {name: value for name, value in rest.items() if name not in named}
        parts += [f"{_dumps(name)}:{value}" for name, value in kept.items()]
    return "{" + ",".join(parts) + "}\n"


def _member(name, value, kind):
    text = _value(value, kind)
    return [] if text is None else [f"{_dumps(name)}:{text}"]


def _value(value, kind):
    if value is None:
        return None
    match kind.kind:
        case "float":
            return _dumps(value) if math.isfinite(value) else None
        case "bytes":
            return _dumps(value.decode("utf-8", "replace"))
        case "time":
            return _dumps(_stamp(value))
        case "duration":
            return _dumps(value / timedelta(microseconds=1) / 1e6)
        case "json":
            return value
        case "record":
            inner = [part for name, sub in kind.fields for part in _member(name, value[name], sub)]
            return "{" + ",".join(inner) + "}" if inner else None
        case "list":
            return "[" + ",".join(_item(item, kind.item) for item in value) + "]"
        case _:
            return _dumps(value)


def _item(value, kind):
    text = _value(value, kind)
    if text is None:
        return "{}" if kind.kind == "record" and value is not None else "null"
    return text


def _stamp(value):
    assert value.tzinfo == UTC or value.utcoffset() == timedelta(0)
    whole = f"{value.year:04}-" + value.strftime("%m-%dT%H:%M:%S")
    fraction = f"{value.microsecond:06}".rstrip("0")
    return whole + (f".{fraction}" if fraction else "") + "Z"


def _dumps(value):
    return json.dumps(value, ensure_ascii=False)


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
