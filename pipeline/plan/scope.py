"""What an expression can see: the fields at its point of the graph, the constants, the functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import polars as pl

from pipeline.api import Field, Guard
from pipeline.columns.batch import RID
from pipeline.columns.types import METADATA, STRING, Columns, Type
from pipeline.lang import ast
from pipeline.lang.diagnostics import Label, suggestion
from pipeline.lang.spans import Span
from pipeline.plan.catalog import Catalog
from pipeline.plan.findings import Findings
from pipeline.plan.inference import Broken, OpenRecord, Place, Unknowns, Variable
from pipeline.plan.spelling import dotted


@dataclass(frozen=True)
class Typed:
    """A compiled expression. `field` is set when it is nothing but a field, `constant` when it reads none."""

    polars: pl.Expr
    type: Type
    fields: frozenset[tuple[str, ...]] = frozenset()
    guards: tuple[Guard, ...] = ()
    constant: bool = False
    field: Field | None = None


@dataclass(frozen=True)
class Constant:
    """A `let`, evaluated. `value` is None after an error; durations and times are microseconds."""

    type: Type
    value: object
    span: Span
    typed: Typed | None


@dataclass(frozen=True)
class Point:
    """Columns between two filters. `open`: where fields that nobody named come from. `windowed`: past a window.

    `broken`: an error before this point, so that unknown fields are no news."""

    columns: Columns
    open: tuple[Place, ...] = ()
    windowed: bool = False
    broken: bool = False


@dataclass(frozen=True)
class Scope:
    """Everything that names can mean at one point. `unknowns` and `findings` are written to, the rest is only read.

    `used` collects what the statement depends on besides its text: names of constants and environment variables."""

    catalog: Catalog
    findings: Findings
    unknowns: Unknowns
    constants: Mapping[str, Constant]
    variables: Mapping[str, str]
    patterns: Mapping[str, str]
    point: Point = field(default_factory=lambda: Point(Columns({})))
    named: dict[tuple[str, ...], Variable] = field(default_factory=dict)
    """Members of open records that are named here for the first time."""
    used: set[tuple[str, str]] = field(default_factory=set)
    loading: bool = False
    """Constants are being computed: there are no fields, not even metadata."""
    queries: bool = False
    """Aggregates are allowed as filters."""
    upstream: Callable[[ast.Ref], Point] | None = None
    """The point at another port of the program, for filters that read a second one."""

    def at(self, point: Point) -> Scope:
        return replace(self, point=point, named={})

    def trial(self, findings: Findings) -> Scope:
        """The same scope with its findings somewhere else."""
        return replace(self, findings=findings)

    # ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def name(self, path: ast.Path) -> Typed | None:
        """What a path means: a constant or a field. Reports and gives None when it means nothing."""
        parts = tuple(part.text for part in path.parts)
        constant = self.constants.get(parts[0]) if len(parts) == 1 else None
        if constant is not None:
            self.used.add(("let", parts[0]))
            if self.point.columns.get(parts) is not None:
                self.findings.error(
                    "P307",
                    f"`{parts[0]}` is a constant and a field here",
                    path.span,
                    "which one?",
                    labels=(Label(constant.span, "the constant"),),
                    help="rename the constant",
                )
                return None
            return constant.typed
        found = self.field(path)
        if found is None:
            return None
        if found.name == "@rid":
            return Typed(RID, STRING, frozenset((("@partition",), ("@offset",), ("@item",))), field=found)
        return Typed(found.polars, found.type, frozenset((found.path,)), field=found)

    def field(self, path: ast.Path) -> Field | None:
        """The field at a path. Reports an unknown one; None for that and for a broken one."""
        parts = tuple(part.text for part in path.parts)
        kind = self.type_of(parts)
        if kind is None:
            self._unknown(path, parts)
        return None if kind is None or isinstance(kind, Broken) else Field(parts, kind)

    def type_of(self, parts: tuple[str, ...]) -> Type | None:
        """The type at a path; a variable for a member of an open record that nobody named. None when there is none."""
        columns = self.point.columns
        if parts[0].startswith("@"):
            if self.loading:
                return None
            return columns.get(parts) if parts[0] != "@error" or "@error" in columns.fields else None
        kind = columns.fields.get(parts[0])
        if kind is None:
            if not columns.open or not self.point.open:
                return None
            self.named[parts] = self.unknowns.member(self.point.open, *parts)
            return self.named[parts]
        for at, part in enumerate(parts[1:], 1):
            if isinstance(kind, Broken):
                return kind
            if isinstance(kind, Variable):
                return self.unknowns.member(self.unknowns.places(kind), *parts[at:])
            inner = kind.field(part)
            if inner is None:
                if isinstance(kind, OpenRecord) and kind.places:
                    return self.unknowns.member(kind.places, *parts[at:])
                return None
            kind = inner
        return kind

    def _unknown(self, path: ast.Path, parts: tuple[str, ...]) -> None:
        name = path.dotted
        if self.loading and parts[0] in METADATA:
            help = "a constant is computed before there are events"
            self.findings.error("P301", f"there is no `{name}` yet", path.span, help=help)
            return
        if parts[0] == "@error" and "@error" not in self.point.columns.fields:
            self.findings.error(
                "P315",
                "`@error` is only there on rejected rows",
                path.span,
                help="read a `.rejected` port to see it",
            )
            return
        if parts[0].startswith("@") and parts[0] not in METADATA:
            self.findings.error(
                "P315", f"there is no metadata `{parts[0]}`", path.span, help=suggestion(parts[0], METADATA)
            )
            return
        if self.point.broken:
            return
        known = dotted(self.point.columns)
        help = suggestion(name, [*known, *(self.constants if len(parts) == 1 else ())])
        if not help:
            names = [field for field in known if "." not in field]
            help = _listed(names)
            if self.loading:
                help = "a constant is computed before there are events"
        self.findings.error("P301", f"unknown field `{name}`", path.span, help=help)


_LISTED = 12


def _listed(names: list[str]) -> str:
    """Advice that names the fields that there are, the first ones of many."""
    if not names:
        return "there are no fields here yet, only metadata (`@raw`)"
    more = f", and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"fields here: {', '.join(names[:_LISTED])}{more}"
