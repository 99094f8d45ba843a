"""Names of a program: what defines them, who reads whom, and in which order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pipeline.lang import ast
from pipeline.lang.diagnostics import Label, suggestion
from pipeline.plan.findings import Findings
from pipeline.plan.walk import depth_first

StageStatement = ast.SourceStatement | ast.TransformStatement | ast.SinkStatement


@dataclass
class Names:
    """Definitions by name, the first of each. `broken` are names of statements that could not be read."""

    stages: dict[str, StageStatement] = field(default_factory=dict)
    lets: dict[str, ast.LetStatement] = field(default_factory=dict)
    patterns: dict[str, ast.PatternStatement] = field(default_factory=dict)
    broken: frozenset[str] = frozenset()
    tables: dict[str, tuple[ast.Ref, ...]] = field(default_factory=dict)
    """What the filters of a stage read besides."""

    def filters(self, name: str) -> tuple[ast.Call, ...]:
        """The filters of a stage."""
        statement = self.stages[name]
        return () if isinstance(statement, ast.SourceStatement) else statement.filters

    def refs(self, name: str) -> tuple[ast.Ref, ...]:
        """What a stage reads, its tables behind its upstreams."""
        statement = self.stages[name]
        upstream = () if isinstance(statement, ast.SourceStatement) else statement.upstream
        return (*upstream, *self.tables.get(name, ()))


def collect(program: ast.Program, broken: Iterable[ast.Name], findings: Findings) -> Names:
    """All definitions. Reports what is defined twice (P102): stages share their names, so do constants, so do patterns."""
    names = Names(broken=frozenset(name.text for name in broken))
    for statement in program.statements:
        match statement:
            case ast.LetStatement():
                first: ast.Definition = names.lets.setdefault(statement.name.text, statement)
            case ast.PatternStatement():
                first = names.patterns.setdefault(statement.name.text, statement)
            case ast.IncludeStatement() | ast.TestStatement():
                continue
            case _:
                first = names.stages.setdefault(statement.name.text, statement)
        if first is not statement:
            findings.error(
                "P102",
                f"`{statement.name.text}` is defined twice",
                statement.name.span,
                labels=(Label(first.name.span, "here first"),),
                help="names are unique in a program and its includes",
            )
    return names


def resolve(names: Names, findings: Findings) -> None:
    """Report upstreams that do not exist (P101) or cannot be read (P111). Ports are checked with their stage."""
    for name in names.stages:
        seen: dict[str, ast.Ref] = {}
        for ref in names.refs(name):
            target = names.stages.get(ref.name.text)
            if target is None and ref.name.text not in names.broken:
                readable = [
                    other
                    for other, stage in names.stages.items()
                    if not isinstance(stage, ast.SinkStatement) and other != name
                ]
                help = suggestion(ref.name.text, readable)
                if not help and ref.name.text in names.lets:
                    help = (
                        f"`{ref.name.text}` is a constant; a {_kind(names.stages[name])} reads a source or a transform"
                    )
                findings.error("P101", f"`{ref.name.text}` is not defined", ref.name.span, help=help)
            if isinstance(target, ast.SinkStatement) and (ref.port is None or ref.port.text != "rejected"):
                findings.error(
                    "P111",
                    f"`{ref.name.text}` is a sink: nothing comes out of it",
                    ref.span,
                    labels=(Label(target.name.span, "the sink"),),
                    help=f"read what it reads, or `{ref.name.text}.rejected`",
                )
            first = seen.setdefault(ref.dotted, ref)
            if first is not ref and not any(ref is table for table in names.tables.get(name, ())):
                labels = (Label(first.span, "here first"),)
                findings.error("P102", f"`{ref.dotted}` is read twice by `{name}`", ref.span, labels=labels)


def order(names: Names, findings: Findings) -> list[str]:
    """Stages so that each comes after what it reads, otherwise as written. Reports cycles (P104), which are left out."""
    ordered: dict[str, None] = {}
    told: set[str] = set()

    def needs(name: str) -> list[str]:
        return [ref.name.text for ref in names.refs(name) if ref.name.text in names.stages]

    for name, circle in depth_first(names.stages, needs):
        if not circle:
            if all(need in ordered for need in needs(name)):
                ordered[name] = None
        elif not told & set(circle):
            told.update(circle)
            _cycle(circle, names, findings)
    return list(ordered)


def _cycle(circle: Sequence[str], names: Names, findings: Findings) -> None:
    first = names.stages[circle[0]]
    around = " → ".join([*reversed(circle), circle[-1]]) if len(circle) > 1 else circle[0]
    message = (
        f"`{circle[0]}` reads itself" if len(circle) == 1 else f"these stages read each other in a circle: {around}"
    )
    labels = tuple(Label(names.stages[name].name.span, "part of the circle") for name in circle[1:])
    findings.error("P104", message, first.name.span, labels=labels, help="events flow from sources to sinks only")


def _kind(statement: StageStatement) -> str:
    return {ast.SourceStatement: "source", ast.TransformStatement: "transform", ast.SinkStatement: "sink"}[
        type(statement)
    ]
