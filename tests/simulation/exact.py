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
