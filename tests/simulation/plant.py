"""How a defect is planted in the engine for the length of a `with` block. Nothing in the engine knows of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Plant = Callable[[], Iterator[None]]

PLANTED: dict[str, Plant] = {}
"""What is wrong → how it is planted."""


def plant(what: str) -> Callable[[Plant], Plant]:
    def named(way: Plant) -> Plant:
        PLANTED[what] = way
        return way

    return named


@contextmanager
def planted(what: str) -> Iterator[None]:
    with contextmanager(PLANTED[what])():
        yield


@contextmanager
def instead(owner: Any, name: str, value: Any) -> Iterator[None]:
    before = owner.__dict__[name]
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)
