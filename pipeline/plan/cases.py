"""The tests of a program, checked: what happens when, and what is expected of which port."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from pipeline.api.resolvers import KEY
from pipeline.columns.types import DURATION, JSON, Columns
from pipeline.lang import ast
from pipeline.lang.diagnostics import Label, suggestion
from pipeline.lang.spans import Span
from pipeline.plan import moments
from pipeline.plan.events import Record, records, value
from pipeline.plan.expectations import Expectation, expectation
from pipeline.plan.findings import Findings
from pipeline.plan.graph import Port, Stage
from pipeline.plan.names import Names
from pipeline.plan.scope import Point, Scope
from pipeline.plan.spelling import either


@dataclass(frozen=True)
class Supply:
    """Records for a source, or the lines of a `file` (as it is written in the program)."""

    span: Span
    time: int
    source: str
    records: tuple[Record, ...] = ()
    file: str = ""


@dataclass(frozen=True)
class Reply:
    """Answers for the resolvers of a stage, from then on."""

    span: Span
    time: int
    stage: str
    records: tuple[Record, ...]


@dataclass(frozen=True)
class Advance:
    """Time passes until `time`."""

    span: Span
    time: int


@dataclass(frozen=True)
class Restart:
    """The process ends and starts again; not `clean`, it is killed."""

    span: Span
    time: int
    clean: bool


@dataclass(frozen=True)
class Failure:
    """Deliveries of a sink fail until `until`."""

    span: Span
    time: int
    sink: str
    until: int


@dataclass(frozen=True)
class Check:
    """An expectation, looked at when everything has come to rest."""

    span: Span
    time: int
    expectation: Expectation


CaseStep = Supply | Reply | Advance | Restart | Failure | Check


@dataclass(frozen=True)
class Case:
    """A test of a program. `start` and the times of its steps are µs; step follows step in time."""

    name: str
    span: Span
    start: int
    steps: tuple[CaseStep, ...]

    @property
    def ports(self) -> tuple[Port, ...]:
        """The ports that it expects something of."""
        return tuple(dict.fromkeys(step.expectation.port for step in self.steps if isinstance(step, Check)))


def cases(
    statements: Iterable[ast.Statement], names: Names, stages: Mapping[str, Stage], scope: Scope, *, sound: bool
) -> tuple[Case, ...]:
    """The tests among the statements. Reports what is wrong with them; what follows from an error of the program itself
    (`sound` is false) is not."""
    found: list[Case] = []
    first: dict[str, Span] = {}
    for statement in statements:
        if not isinstance(statement, ast.TestStatement):
            continue
        name, span = statement.name.value, statement.name.span
        if first.setdefault(name, span) is not span:
            labels = (Label(first[name], "here first"),)
            scope.findings.error(
                "P503", f"there are two tests of the name '{name}'", span, labels=labels, help="say what each is about"
            )
        if not any(isinstance(step, ast.Expect) for step in statement.steps):
            help = "add a step such as: expect NODE { condition }"
            scope.findings.error("P502", "this test expects nothing", span, help=help)
        found.append(_Checking(names, stages, scope, sound).case(statement))
    return tuple(found)


@dataclass
class _Checking:
    names: Names
    stages: Mapping[str, Stage]
    scope: Scope
    sound: bool
    now: int = 0
    steps: list[CaseStep] = field(default_factory=list)

    @property
    def findings(self) -> Findings:
        return self.scope.findings

    def case(self, statement: ast.TestStatement) -> Case:
        start = self.now = self._start(statement)
        for step in statement.steps:
            match step:
                case ast.Given():
                    self._given(step)
                case ast.Advance():
                    self._advance(step)
                case ast.Restart():
                    self.steps.append(Restart(step.span, self.now, step.clean))
                case ast.Fail():
                    self._fail(step)
                case ast.Expect():
                    self._expect(step)
        return Case(statement.name.value, statement.span, start, tuple(self.steps))

    # ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _start(self, statement: ast.TestStatement) -> int:
        """The first time that a step says, unless time passes before."""
        for step in statement.steps:
            if isinstance(step, ast.Advance) and step.to is None:
                break
            moment = step.at if isinstance(step, ast.Given) else step.to if isinstance(step, ast.Advance) else None
            if moment is not None:
                known = moments.read(moment.text, moments.BEGIN)
                return moments.BEGIN if known is None else known
        return moments.BEGIN

    def _go(self, moment: ast.Moment) -> None:
        time = moments.read(moment.text, self.now)
        if time is None:
            help = "a time is 10:00:00 or '2026-11-23T10:00:00Z', between 1970 and 2261"
            self.findings.error("P504", f"`{moment.text}` is not a time", moment.span, help=help)
        elif time < self.now:
            help = "time only passes; name the day where it is another one: '2026-01-02T00:00:00Z'"
            said = f"this is before the time that the test has come to, {moments.shown(self.now)}"
            self.findings.error("P504", said, moment.span, help=help)
        else:
            self.now = time

    def _advance(self, step: ast.Advance) -> None:
        if step.to is not None:
            self._go(step.to)
        elif step.by is not None and (length := self._duration(step.by)) is not None:
            self.now += length
        self.steps.append(Advance(step.span, self.now))

    def _duration(self, node: ast.Expression) -> int | None:
        known = value(node, self.scope)
        if known is None:
            return None
        if known.type != DURATION or not isinstance(known.value, (int, float)):
            self.findings.error("P302", "this must be a length of time", node.span, help="write it as 10s, 5m or 1h")
            return None
        microseconds = round(known.value * 1e6)
        if microseconds < 0 or self.now + microseconds > moments.LATEST:
            self.findings.error("P504", "time only passes, and not beyond the year 2261", node.span)
            return None
        return microseconds

    # ── nodes ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _named(self, name: ast.Name, kind: Literal["source", "sink"]) -> bool:
        """Whether a source or sink of this name is in the program. Reports it where not."""
        wanted = ast.SourceStatement if kind == "source" else ast.SinkStatement
        there = self.names.stages.get(name.text)
        if isinstance(there, wanted) or (there is None and name.text in self.names.broken):
            return True
        known = [other for other, statement in self.names.stages.items() if isinstance(statement, wanted)]
        labels = () if there is None else (Label(there.name.span, "it is defined here"),)
        message = f"there is no {kind} `{name.text}`" if there is None else f"`{name.text}` is not a {kind}"
        listed = f"{kind}s are {either((f'`{other}`' for other in known), 'and')}" if known else ""
        self.findings.error("P501", message, name.span, labels=labels, help=suggestion(name.text, known) or listed)
        return False

    def _given(self, step: ast.Given) -> None:
        if step.at is not None:
            self._go(step.at)
        stage = self.stages.get(step.source.text)
        if stage is not None and stage.resolvers and step.records is not None:
            self._reply(step, stage, step.records)
            return
        known = self._named(step.source, "source")
        columns = stage.columns[""] if stage is not None and known else None
        given = () if step.records is None else records(step.records, columns, self.scope)
        file = "" if step.file is None else step.file.value
        self.steps.append(Supply(step.span, self.now, step.source.text, given, file))

    def _reply(self, step: ast.Given, stage: Stage, node: ast.Expression) -> None:
        adds = {name: kind for resolver in stage.resolvers for name, kind in resolver.adds().items()}
        told = records(node, Columns({KEY: JSON, **adds}), self.scope)
        if any(KEY not in record.fields for record in told):
            help = f"write {{{KEY}: …, {', '.join(f'{name}: …' for name in adds)}}}"
            self.findings.error("P505", "an answer is a map with the key that it is for", node.span, help=help)
        self.steps.append(Reply(step.span, self.now, stage.name, told))

    def _fail(self, step: ast.Fail) -> None:
        self._named(step.sink, "sink")
        length = self._duration(step.duration)
        self.steps.append(Failure(step.span, self.now, step.sink.text, self.now + (length or 0)))

    def _expect(self, step: ast.Expect) -> None:
        columns = self._columns(step.ref)
        if columns is None:
            return
        port = Port(step.ref.name.text, step.ref.port.text if step.ref.port is not None else "")
        made = expectation(step, port, self.scope.at(Point(columns)))
        if made is not None:
            self.steps.append(Check(step.span, self.now, made))

    def _columns(self, ref: ast.Ref) -> Columns | None:
        """What is known of the events of a port. None where there is no such port, which is reported, or where the program has
        errors before it."""
        name, port = ref.name.text, "" if ref.port is None else ref.port.text
        if name not in self.names.stages:
            if name not in self.names.broken:
                self.findings.error(
                    "P501", f"there is no node `{name}`", ref.name.span, help=suggestion(name, self.names.stages)
                )
            return None
        stage = self.stages.get(name)
        if stage is None or not self.sound:
            return None
        if stage.kind == "sink" and port == "":
            return stage.steps[-1].columns if stage.steps else stage.incoming
        if port in stage.columns:
            return stage.columns[port]
        others = [str(Port(name, other)) for other in stage.columns]
        help = suggestion(port, stage.columns) or f"it has {either((f'`{other}`' for other in others), 'and')}"
        message = f"`{name}` has no port `{port}`" if port else f"`{name}` ends in a route: it has no main output"
        self.findings.error("P103", message, ref.span, help=help)
        return None
