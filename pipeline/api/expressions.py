"""What the language hands to a plugin: compiled expressions, fields, templates, and the entries of a block.

A plugin declares options with these types; the checker fills them in. All are frozen values. `Expr.polars` is evaluated
against a batch's frame and never has side effects.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from pipeline.api.aggregates import Aggregate
from pipeline.api.options import OptionError
from pipeline.columns.batch import Batch
from pipeline.columns.types import BOOL, Type


@dataclass(frozen=True)
class Guard:
    """What a strict conversion (`int!(x)`) demands: rows where `holds` (Boolean) is false are rejected."""

    holds: pl.Expr
    reason: str
    field: str | None


@dataclass(frozen=True)
class Expr:
    """A compiled expression. `text` is its source on one line, `type` what it yields, `fields` the paths that it reads.

    `meaning` is for fingerprints: it stays when only the layout changes, and changes with the value of a constant."""

    polars: pl.Expr
    type: Type
    text: str
    fields: frozenset[tuple[str, ...]] = frozenset()
    guards: tuple[Guard, ...] = ()
    meaning: str = ""

    def demand_condition(self, option: str) -> None:
        """Raise OptionError for that option unless this yields true or false."""
        if self.type != BOOL:
            raise OptionError(
                f"a condition is true or false, but this is of type {self.type}",
                option,
                "compare it with something, such as `!= null`",
            )

    def require(self, batch: Batch) -> Batch:
        """Reject the rows for which a strict conversion in this expression fails. Call it before evaluating."""
        for guard in self.guards:
            holds = batch.frame.select(guard.holds.alias("holds")).to_series()
            if holds.len() == 1 and batch.frame.height != 1:
                holds = holds.new_from_index(0, batch.frame.height)
            batch = batch.reject(~holds, guard.reason, field=guard.field)
        return batch


@dataclass(frozen=True)
class Field:
    """A field of the event, by path. `polars` reads it (a member of a struct for dotted paths)."""

    path: tuple[str, ...]
    type: Type

    @property
    def name(self) -> str:
        return ".".join(self.path)

    @property
    def polars(self) -> pl.Expr:
        column = pl.col(self.path[0])
        for part in self.path[1:]:
            column = column.struct.field(part)
        return column

    def values(self, frame: pl.DataFrame) -> pl.Series:
        """The same of a frame at hand, without the price of a query."""
        column = frame.get_column(self.path[0])
        for part in self.path[1:]:
            column = column.struct.field(part)
        return column


@dataclass(frozen=True)
class Hole:
    """`{field}` or `{time:%Y/%m}` in a template. `format` is empty for the plain value."""

    field: Field
    format: str = ""


@dataclass(frozen=True)
class Template:
    """A text with holes, checked to begin with a literal prefix where the plugin needs one. Rendered by the engine."""

    parts: tuple[str | Hole, ...]
    text: str

    @property
    def prefix(self) -> str:
        """The literal text before the first hole."""
        first = self.parts[0] if self.parts else ""
        return first if isinstance(first, str) else ""

    @property
    def holes(self) -> tuple[Hole, ...]:
        return tuple(part for part in self.parts if isinstance(part, Hole))


@dataclass(frozen=True)
class Assign:
    """`target = value` in a `set` block."""

    target: tuple[str, ...]
    value: Expr


@dataclass(frozen=True)
class Rename:
    """`new = old` in a `rename` block."""

    target: tuple[str, ...]
    field: Field


@dataclass(frozen=True)
class Case:
    """`port = condition` in a `route` block."""

    name: str
    condition: Expr


@dataclass(frozen=True)
class Metric:
    """`name = aggregate(arguments) by … where …` in a `window` block.

    `arguments` are constants (int, float, str) and expressions, in the aggregate's order."""

    name: str
    aggregate: Aggregate
    arguments: tuple[Expr | int | float | str, ...]
    by: tuple[Field, ...] = ()
    where: Expr | None = None
    text: str = ""


class Assignments(tuple[Assign, ...]):
    """A `{ field = expression … }` block; later entries see earlier ones."""

    __slots__ = ()


class Renames(tuple[Rename, ...]):
    """A `{ new = old … }` block."""

    __slots__ = ()


class Cases(tuple[Case, ...]):
    """A `{ port = condition … }` block; the first that holds wins."""

    __slots__ = ()


class Metrics(tuple[Metric, ...]):
    """A `{ name = aggregate(…) … }` block."""

    __slots__ = ()
