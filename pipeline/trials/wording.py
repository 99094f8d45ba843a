"""Values and events as a program writes them."""

from __future__ import annotations

import json
import re

from pipeline.plan.events import Json

_LARGEST = 2**63 - 1
"""The largest integer that can be written as one."""

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def shown(value: Json) -> str:
    """A value in the language: `{metric: 'gone', value: 1}`."""
    match value:
        case dict():
            return "{" + ", ".join(member(name, inner) for name, inner in value.items()) + "}"
        case list():
            return "[" + ", ".join(shown(item) for item in value) + "]"
        case str():
            return text(value)
        case float():
            return _number(value)
        case int() if not -_LARGEST <= value <= _LARGEST:
            return f"parse_json('{value}')"
        case _:
            return json.dumps(value)


def member(name: str, value: Json) -> str:
    """`name: value`; a name that is none in the language stands in quotes."""
    key = name if _NAME.fullmatch(name) else text(name)
    return f"{key}: {shown(value)}"


def text(value: str) -> str:
    """A text: 'raw', or with escapes where it has more than one line."""
    if value.isprintable() or not any(character in value for character in "\n\t"):
        return "'" + value.replace("'", "''") + "'"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return '"' + escaped.replace("{", "{{").replace("}", "}}") + '"'


def _number(value: float) -> str:
    """A literal has no exponent."""
    told = repr(value)
    return f"float('{told}')" if "e" in told else told
