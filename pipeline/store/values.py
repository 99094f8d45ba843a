"""Database cells as the types they are known to have, and positions as texts."""

from __future__ import annotations

import json
from typing import Any

from pipeline.api import Position
from pipeline.env import Value
from pipeline.errors import InternalError, StateError


def number(value: Value) -> int:
    if not isinstance(value, int):
        raise InternalError(f"the state database has {value!r} where a number belongs")
    return value


def text(value: Value) -> str:
    if not isinstance(value, str):
        raise InternalError(f"the state database has {value!r} where a text belongs")
    return value


def data(value: Value) -> bytes:
    if not isinstance(value, bytes):
        raise InternalError(f"the state database has {value!r} where bytes belong")
    return value


def position(value: Position) -> str:
    """The one text of a position: two positions are the same when their texts are."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def parsed(stored: str, where: str) -> Position:
    """The position of a text. Raises StateError, with `where` it stands, when the text is none."""
    try:
        value: Position = json.loads(stored)
    except ValueError as error:
        raise StateError(
            f"the state has {stored[:80]!r} where the position of {where} belongs",
            "Move the state directory away to start anew.",
        ) from error
    return value


def mapping(stored: str, where: str) -> dict[str, Any]:
    """The object of a JSON text. Raises StateError, with `where` it stands, when the text is none."""
    try:
        value = json.loads(stored)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise StateError(
            f"the state has {stored[:80]!r} where {where} belongs", "Move the state directory away to start anew."
        )
    return value


def place(value: Position) -> int:
    """A position as a number: its `offset`, or its `line`; 0 for the beginning, and for positions that are no numbers."""
    if not isinstance(value, dict):
        return value if type(value) is int else 0
    found = value.get("offset", value.get("line"))
    return found if type(found) is int else 0
