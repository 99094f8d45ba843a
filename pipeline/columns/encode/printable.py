"""Text from data, for people."""

from __future__ import annotations


def printable(text: str) -> str:
    """Text that cannot talk to a terminal, and is one line: what is not printable is spelled out, as in `\\x1b`."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
