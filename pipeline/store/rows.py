"""Queries without a database: what reads a state needs no more than this of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pipeline.env import Value


class Rows(Protocol):
    """Runs a query (`pipeline.env.Database.rows`)."""

    def __call__(self, sql: str, values: Sequence[Value] = (), /) -> list[tuple[Value, ...]]: ...
