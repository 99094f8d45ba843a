"""The exact result, counted line by line in plain Python."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

SIZE = 10

Cell = tuple[str, str, int]
"""Metric, verb, second at which the window starts."""


def cells(lines: Iterable[bytes]) -> dict[Cell, int]:
    """Every hit and every byte, by window."""
    return dict(_cells(tuple(lines)))


@lru_cache(maxsize=64)
def _cells(lines: tuple[bytes, ...]) -> dict[Cell, int]:
    found: Counter[Cell] = Counter()
    for fields in map(bytes.split, good(lines)):
        start = int(fields[1]) // SIZE * SIZE
        found["hits", fields[2].decode(), start] += 1
        found["volume", "", start] += int(fields[3])
    return dict(found)


def good(lines: Iterable[bytes]) -> list[bytes]:
    return [line for line in lines if line[:1].isdigit()]


def bad(lines: Iterable[bytes]) -> list[bytes]:
    return [line for line in lines if not line[:1].isdigit()]


def table(lines: Iterable[bytes]) -> list[str]:
    """The rows of the CSV files: number and size of every GET."""
    return _table(tuple(lines))


@lru_cache(maxsize=64)
def _table(lines: tuple[bytes, ...]) -> list[str]:
    found = [line.split() for line in good(lines)]
    return sorted(f"{fields[0].decode()},{fields[3].decode()}" for fields in found if fields[2] == b"GET")


def first(lines: Iterable[bytes], within: int = 4, count: int = 2) -> list[int]:
    """The numbers of the lines that are let through where those with the same verb are dropped, of each generation by itself: it begins with
    a header."""
    found: list[int] = []
    seen: dict[bytes, int] = {}
    for line in lines:
        if line[:1] == b"#":
            seen = {}
        if not line[:1].isdigit():
            continue
        number, second, verb, _ = line.split()
        time = int(second)
        if verb in seen and abs(time - seen[verb]) < within:
            continue
        if verb not in seen and len(seen) == count:
            del seen[next(iter(seen))]
        seen.pop(verb, None)
        seen[verb] = time
        found.append(int(number))
    return found
