"""The contract of functions in expressions: Polars expressions in, a Polars expression out.

A function is null-safe: it answers null for what it cannot do, never an error for data. A fallible conversion may be
called with `!`; rows for which it yields null from a non-null argument are then rejected.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass

import polars as pl

from pipeline.api.aggregates import Parameter
from pipeline.columns.types import Type

Given = pl.Expr | int | float | str | bool | list[str] | None
"""An argument: an expression, or a Python value for constant parameters."""


@dataclass(frozen=True)
class Example:
    """A call in the language with constants only, and the JSON-like value that it yields. Every example is run."""

    call: str
    result: object


@dataclass(frozen=True)
class Function:
    """One function of the language.

    `returns` is a type, or computes it from the arguments' types (None for constants; raise TypeError with a message
    for a person when they do not fit). `build` gets the arguments in order: expressions, or Python values for constants."""

    name: str
    doc: str
    parameters: tuple[Parameter, ...]
    returns: Type | Callable[[tuple[Type | None, ...]], Type]
    build: Callable[..., pl.Expr]
    examples: tuple[Example, ...]
    _: KW_ONLY
    variadic: bool = False
    """The last parameter may be repeated."""
    fallible: bool = False
    typed: bool = False
    """`build` gets a keyword `types`: the arguments' types (None for constants)."""
    by_value: bool = False
    """True for what is computed once for each different value (`map_distinct`, `over_distinct`). Its page says so."""
    api: int | None = None
    """The contract that it was written for. Those of the house need not say it."""
