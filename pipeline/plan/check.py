"""The checker: a syntax tree to a graph of ready plugins, or to everything that is wrong with it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from posixpath import normpath
from typing import Literal

from pipeline.lang import ast
from pipeline.lang.diagnostics import Diagnostic
from pipeline.plan import tables
from pipeline.plan.cases import Case, cases
from pipeline.plan.catalog import Catalog
from pipeline.plan.constants import constants
from pipeline.plan.findings import Findings
from pipeline.plan.graph import Graph
from pipeline.plan.inference import Demands, Unknowns
from pipeline.plan.names import Names, collect, order, resolve
from pipeline.plan.places import check_places
from pipeline.plan.scope import Constant, Scope
from pipeline.plan.stages import Building


@dataclass(frozen=True)
class Checked:
    """What the checker found. `graph` is None when there are errors.

    `constants`: every `let` with its type and value; `variables`: environment variables that the program asked for;
    `cases`: its tests."""

    graph: Graph | None
    diagnostics: tuple[Diagnostic, ...]
    constants: Mapping[str, Constant] = field(default_factory=dict)
    variables: frozenset[str] = frozenset()
    cases: tuple[Case, ...] = ()


def check(
    program: ast.Program,
    catalog: Catalog,
    settings: Mapping[str, str] | None = None,
    variables: Mapping[str, str] | None = None,
    name: str = "program",
    *,
    broken: Iterable[ast.Name] = (),
    queries: bool = False,
    further: Sequence[Diagnostic] = (),
    real: Callable[[str], str] = normpath,
) -> Checked:
    """Check a program whose includes are resolved.

    `settings` are those of `--set`, `variables` the environment. `broken`: names of statements that could not be read,
    `further`: diagnostics that exist already (an error among them means no graph). `queries` allows an aggregate as the
    last filter. `real` gives the one path that several may come to. All errors are reported at once; what follows from an error is not."""
    findings = Findings()
    for diagnostic in further:
        findings.add(diagnostic)
    names = collect(program, broken, findings)
    if not program.statements and not findings.failed:
        findings.error(
            "P042", "the program has no statements", program.span, help="it needs at least a source and a sink"
        )
    tables.collect(names, catalog)
    resolve(names, findings)
    ordered = order(names, findings)
    patterns = {pattern: statement.pattern.value for pattern, statement in names.patterns.items()}
    scope = Scope(catalog, findings, Unknowns(), {}, variables or {}, patterns, loading=True)
    found, uses = constants(names, settings or {}, scope)

    def build(findings: Findings, demands: Demands) -> Building:
        here = Scope(catalog, findings, Unknowns(), found, variables or {}, patterns, queries=queries)
        building = Building(names, here, demands, _Values(found, uses, here))
        for stage in ordered:
            building.add(stage)
        return building

    first = Findings()
    building = build(first, {})
    if building.scope.unknowns.any:
        building = build(findings, building.scope.unknowns.solve(findings))
    else:
        findings.extend(first)
    _sinks(names, program, findings)
    check_places(building.stages, names.stages, findings, real)
    if not names.broken and not any(found.code in ("P101", "P105") for found in findings.all):
        _unused(names, building, findings)
    sound = not findings.failed
    tests = cases(program.statements, names, building.stages, replace(building.scope, findings=findings), sound=sound)
    asked = {text for use in [*uses.values(), *building.asked] for kind, text in use if kind == "env"}
    diagnostics = tuple(sorted(findings.all, key=_place(findings)))
    graph = None if findings.failed else _graph(name, building, ordered)
    return Checked(graph, diagnostics, found, frozenset(asked), tests)


class _Values:
    """The values of the constants and variables that a stage uses, as text for its fingerprint."""

    def __init__(self, found: Mapping[str, Constant], uses: Mapping[str, set[tuple[str, str]]], scope: Scope) -> None:
        self._found, self._uses, self._scope = found, uses, scope

    def __call__(self, used: Iterable[tuple[str, str]]) -> str:
        lines = []
        for kind, name in sorted(used):
            value: object = None
            if kind == "let":
                value = (str(self._found[name].type), self._found[name].value)
            elif kind == "env":
                value = self._scope.variables.get(name)
            else:
                value = sorted(self._scope.patterns.items())
            lines.append(f"{kind} {name} = {value!r}")
        return "\n".join(lines)


def _sinks(names: Names, program: ast.Program, findings: Findings) -> None:
    if (
        names.stages
        and not findings.failed
        and not any(isinstance(stage, ast.SinkStatement) for stage in names.stages.values())
    ):
        last = program.statements[-1]
        findings.error(
            "P105",
            "the program has no sink: nothing would come out of it",
            last.span,
            help="add one: sink NAME = … -> console()",
        )


def _unused(names: Names, building: Building, findings: Findings) -> None:
    """Warnings for what nobody reads. Rejected rows that nobody reads go to the dead letters and are no news."""
    read = {(ref.name.text, ref.port.text if ref.port else "") for name in names.stages for ref in names.refs(name)}
    reached = {name for name, _ in read}
    for name, statement in names.stages.items():
        if isinstance(statement, ast.SinkStatement):
            continue
        if name not in reached:
            kind: Literal["source", "transform"] = (
                "source" if isinstance(statement, ast.SourceStatement) else "transform"
            )
            findings.warning(
                "P401",
                f"nothing reads the {kind} `{name}`",
                statement.name.span,
                help="send it to a sink, or remove it",
            )
            continue
        for port in building.points.get(name, {}):
            if port not in ("", "rejected") and (name, port) not in read:
                help = f"its events are dropped; read `{name}.{port}` to keep them"
                findings.warning("P402", f"nothing reads the port `{name}.{port}`", statement.name.span, help=help)


def _graph(name: str, building: Building, ordered: Sequence[str]) -> Graph:
    stages = {stage: building.stages[stage] for stage in ordered}
    read = frozenset(port for port in building.read if port.stage in stages)
    text = "\n".join(f"{stage.name} {stage.fingerprint}" for stage in stages.values())
    return Graph(name, stages, read, hashlib.sha256(text.encode()).hexdigest()[:16])


def _place(findings: Findings) -> _Order:
    return _Order(list(dict.fromkeys(diagnostic.span.source.name for diagnostic in findings.all)))


class _Order:
    """Sorts diagnostics by file, as first met, then by place."""

    def __init__(self, files: list[str]) -> None:
        self._files = {name: at for at, name in enumerate(files)}

    def __call__(self, diagnostic: Diagnostic) -> tuple[int, int, str]:
        return self._files[diagnostic.span.source.name], diagnostic.span.start, diagnostic.code
