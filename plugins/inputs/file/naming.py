"""File names as texts. A name is bytes, which need not be UTF-8; a position and `@path` are texts."""

from __future__ import annotations

import re
from pathlib import Path

_AMBIGUOUS = re.compile(r"\\(?=x(?:[89a-f][0-9a-f]|5c))")
_ESCAPED = re.compile(rb"\\x([89a-f][0-9a-f]|5c)")


def text_of(path: Path) -> str:
    """The path as it is, but for bytes that are not UTF-8, which are written as `\xff`. Two paths never share a text."""
    text = _AMBIGUOUS.sub(lambda _: r"\x5c", str(path))
    return text.encode(errors="surrogateescape").decode(errors="backslashreplace")


def path_of(text: str) -> Path:
    """The path that the text was made of."""
    name = _ESCAPED.sub(lambda found: bytes.fromhex(found[1].decode()), text.encode())
    return Path(name.decode(errors="surrogateescape"))
