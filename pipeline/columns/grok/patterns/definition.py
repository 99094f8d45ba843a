"""What a named pattern of the library is made of."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fast:
    """A strict form of a definition, for the lines that nearly all are; it saves time and never changes a result.

    It must have one way only to match a text, and where it matches at the start of a line, the definition's first way
    there must match the same text with the same fields. Fields in `dash_is_null` are null when the strict form captured
    a lone `-`.
    """

    source: str
    dash_is_null: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Definition:
    source: str
    fast: Fast | None = None


NO_FAST: Mapping[str, Fast] = {}


def definitions(text: str) -> dict[str, str]:
    """Lines `NAME expression` as a dictionary; blank lines and lines that start with `#` are skipped."""
    lines = (line for line in text.splitlines() if line.strip() and not line.startswith("#"))
    pairs = (line.partition(" ") for line in lines)
    return {name: source for name, _, source in pairs}
