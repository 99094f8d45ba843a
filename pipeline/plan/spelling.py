"""How the checker says things: types, lists of names, lengths of time, sizes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pipeline.columns.types import Columns, Type

_TIMES = (("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1_000))
_SIZES = (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10))


def article(kind: Type | str) -> str:
    """`an int`, `a string`, `a record`."""
    word = str(kind)
    if word in ("null", "json"):
        return {"json": "JSON"}.get(word, word)
    if word.startswith("{"):
        return "a record"
    return f"an {word}" if word[0] in "aeio" else f"a {word}"


def either(names: Iterable[str], word: str = "or") -> str:
    """`a`, `a or b`, `a, b or c`."""
    listed = list(names)
    if len(listed) < 2:
        return "".join(listed)
    return f"{', '.join(listed[:-1])} {word} {listed[-1]}"


def duration(microseconds: int) -> str:
    """`90s` for 90 000 000: the largest unit that divides it."""
    for unit, length in _TIMES:
        if microseconds and microseconds % length == 0:
            return f"{microseconds // length}{unit}"
    return "0s" if microseconds == 0 else f"{microseconds / 1000:g}ms"


def size(count: int) -> str:
    """`64MiB`: the largest unit that divides it."""
    for unit, length in _SIZES:
        if count and count % length == 0:
            return f"{count // length}{unit}"
    return f"{count}B"


def dotted(columns: Columns) -> list[str]:
    """Every field with its members, as dotted paths, in order."""
    return [path for name, kind in columns.fields.items() for path in _members(name, kind)]


def _members(name: str, kind: Type) -> Iterator[str]:
    yield name
    for inner, member in kind.fields:
        yield from _members(f"{name}.{inner}", member)
