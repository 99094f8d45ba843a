"""One statement at a time: sources, transforms and sinks as stages of the graph."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal, cast

from pipeline.api import Columns, Decoding, DecodingOptions, Input, OptionError, Options, Output, Plugin, Template
from pipeline.columns.types import ERROR
from pipeline.errors import PipeError
from pipeline.lang import ast
from pipeline.lang.diagnostics import suggestion
from pipeline.lang.layout import one_line
from pipeline.lang.spans import Span
from pipeline.plan.chain import Chain, check_chain, placed, warn
from pipeline.plan.graph import AnyFilter, AnyInput, AnyOutput, Port, Stage
from pipeline.plan.inference import Demands, Origin, plain
from pipeline.plan.join import Arriving, join
from pipeline.plan.names import Names
from pipeline.plan.options import Filled, construct, fill, refused
from pipeline.plan.scope import Point, Scope
from pipeline.plan.spelling import either
from pipeline.plan.trial import settle

REJECTED = Columns({"@error": ERROR})
"""Fields of rejected rows, besides the metadata."""

BROKEN_POINT = Point(Columns({}), broken=True)


@dataclass
class Building:
    """The graph as it grows. `points` has every port that can be read; a stage with errors has broken points."""

    names: Names
    scope: Scope
    demands: Demands
    values: Callable[[set[tuple[str, str]]], str]
    stages: dict[str, Stage] = field(default_factory=dict)
    points: dict[str, dict[str, Point]] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    read: set[Port] = field(default_factory=set)
    asked: list[set[tuple[str, str]]] = field(default_factory=list)
    """Constants and variables that the stages use."""

    def add(self, name: str) -> None:
        """Check one stage; what it reads has been added before."""
        statement = self.names.stages[name]
        scope = replace(self.scope, used=set(), upstream=self._table)
        self.asked.append(scope.used)
        match statement:
            case ast.SourceStatement():
                stage = self._source(statement, scope)
            case ast.TransformStatement():
                stage = self._transform(statement, scope)
            case ast.SinkStatement():
                stage = self._sink(statement, scope)
        rejected = Point(REJECTED)
        self.points.setdefault(name, {"": BROKEN_POINT})["rejected"] = rejected
        if stage is None:
            self.failed.add(name)
            return
        columns = {port: plain(point.columns) for port, point in self.points[name].items()}
        if isinstance(statement, ast.SinkStatement):
            columns.pop("", None)
        text = f"{statement!r}\n{self.values(scope.used)}"
        self.stages[name] = replace(stage, columns=columns, fingerprint=hashlib.sha256(text.encode()).hexdigest()[:16])

    # ── kinds ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _source(self, statement: ast.SourceStatement, scope: Scope) -> Stage | None:
        call = statement.call
        made, filled = _made(call, "input", scope.catalog.input, scope)
        if not isinstance(made, Input) or filled is None:
            return None
        try:
            columns = made.schema()
        except OptionError as error:
            refused(error, filled, call, scope)
            return None
        warn(made, filled, call.name.span, scope)
        name, point = statement.name.text, Point(columns)
        stage = Stage(name, "source", input=cast("AnyInput", made), plugin=call.name.text, incoming=columns)
        decoder = _decoder(made, filled, call, scope)
        if decoder is None:
            self.points[name] = {"": point}
            return stage
        origin = Origin(name, 0)
        found = placed(cast("AnyFilter", decoder), call, filled, origin, scope.at(point), self.demands.get(origin, {}))
        if found is None:
            return None
        step, after = found
        self.points[name] = {"": after}
        codec = filled.spans["codec"]
        return replace(
            stage,
            before=(replace(step, name=decoder.options.codec.name, text=one_line(codec).removeprefix("codec: ")),),
        )

    def _transform(self, statement: ast.TransformStatement, scope: Scope) -> Stage | None:
        name = statement.name.text
        upstream, point = self._arriving(statement, scope)
        chain = check_chain(name, statement.filters, point, scope, self.demands)
        ports = dict.fromkeys(chain.ports, chain.point) if chain.ports else {"": chain.point}
        self.points[name] = ports if chain.sound else {port: replace(end, broken=True) for port, end in ports.items()}
        return _stage(name, "transform", upstream, point, chain) if chain.sound and not point.broken else None

    def _sink(self, statement: ast.SinkStatement, scope: Scope) -> Stage | None:
        name = statement.name.text
        upstream, point = self._arriving(statement, scope)
        chain = check_chain(name, statement.filters, point, scope, self.demands)
        if chain.ports:
            scope.findings.error(
                "P107",
                "a sink has one output: `route` has several",
                statement.filters[-1].name.span,
                help="route in a transform",
            )
            return None
        made = _output(statement.output, scope.at(chain.point))
        if made is None or not chain.sound or point.broken:
            return None
        stage = _stage(name, "sink", upstream, point, chain)
        return replace(stage, output=made, plugin=statement.output.name.text)

    # ── upstreams ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _arriving(
        self, statement: ast.TransformStatement | ast.SinkStatement, scope: Scope
    ) -> tuple[tuple[Port, ...], Point]:
        arriving: list[Arriving] = []
        ports: list[Port] = []
        for ref in statement.upstream:
            point = self._point(ref, scope)
            port = Port(ref.name.text, ref.port.text if ref.port is not None else "")
            self.read.add(port)
            arriving.append(Arriving(ref, point))
            if port not in ports:
                ports.append(port)
        return tuple(ports), join(arriving, scope)

    def _table(self, ref: ast.Ref) -> Point:
        """The columns at a port that is the table of a filter."""
        self.read.add(Port(ref.name.text, ref.port.text if ref.port is not None else ""))
        return self._point(ref, self.scope)

    def _point(self, ref: ast.Ref, scope: Scope) -> Point:
        """The columns at a port. Reports one that is not there (P103)."""
        points = self.points.get(ref.name.text)
        if points is None:
            return BROKEN_POINT
        port = ref.port.text if ref.port is not None else ""
        if port in points:
            point = points[port]
            return replace(point, broken=True) if ref.name.text in self.failed and port != "rejected" else point
        if ref.name.text in self.failed and port:
            return BROKEN_POINT
        if port == "":
            routes = either((f"`{ref.name.text}.{other}`" for other in points if other != "rejected"), "and")
            scope.findings.error(
                "P103", f"`{ref.name.text}` ends in a route: it has no main output", ref.span, help=f"read {routes}"
            )
        elif ref.port is not None and not isinstance(self.names.stages[ref.name.text], ast.SinkStatement):
            known = [other for other in points if other]
            help = suggestion(port, known) or f"it has {either((f'`{other}`' for other in known), 'and')}"
            scope.findings.error("P103", f"`{ref.name.text}` has no port `{port}`", ref.port.span, help=help)
        return BROKEN_POINT


def _stage(
    name: str, kind: Literal["transform", "sink"], upstream: tuple[Port, ...], point: Point, chain: Chain
) -> Stage:
    return Stage(
        name,
        kind,
        upstream,
        chain.before,
        chain.window,
        chain.after,
        incoming=plain(point.columns),
    )


def _made(
    call: ast.Call, kind: Literal["input", "output"], load: Callable[[str], type[Plugin[Options]]], scope: Scope
) -> tuple[Plugin[Options] | None, Filled | None]:
    """The plugin that a source or sink names, with its options; what is wrong with either is reported."""
    known = scope.catalog.names("inputs" if kind == "input" else "outputs")
    if call.name.text not in known:
        help = suggestion(call.name.text, known) or f"{kind}s are {', '.join(known)}"
        scope.findings.error("P201", f"unknown {kind} `{call.name.text}`", call.name.span, help=help)
        return None, None
    try:
        plugin = load(call.name.text)
    except PipeError as error:
        scope.findings.error("P202", error.message, call.name.span, help=error.help)
        return None, None
    filled = fill(call, plugin, scope, f"`{call.name.text}`")
    return construct(plugin, filled, call, scope), filled


def _decoder(made: Plugin[Options], filled: Filled, call: ast.Call, scope: Scope) -> Decoding | None:
    """What decodes the records of an input whose option `codec` says how; `charset` is its other option for that."""
    codec, charset = (getattr(made.options, name, None) for name in ("codec", "charset"))
    if codec is None:
        return None
    try:
        return Decoding(DecodingOptions(codec=codec, **({} if charset is None else {"charset": charset})))
    except OptionError as error:
        refused(error, filled, call, scope)
        return None


def _output(call: ast.Call, scope: Scope) -> AnyOutput | None:
    made, filled = _made(call, "output", scope.catalog.output, scope)
    if not isinstance(made, Output) or filled is None:
        return None
    output = cast("AnyOutput", made)
    output, columns = settle(output, scope.point.columns, filled.fields, scope)
    try:
        output.schema(columns)
    except OptionError as error:
        if scope.point.broken:
            return None
        refused(error, filled, call, scope)
        return None
    if not _stays(output, filled, call, scope):
        return None
    warn(output, filled, call.name.span, scope)
    return output


def _stays(output: Output[Options], filled: Filled, call: ast.Call, scope: Scope) -> bool:
    """Whether the rendered path cannot leave its literal prefix."""
    path = output.layout.path
    if path is None or not path.holes:
        return True
    option = next((name for name, value in output.options if value is path), "")
    span = filled.spans.get(option, call.name.span)
    if not path.prefix:
        _leaves("a path must begin with a fixed text", span, "begin with a folder of your own: out/{…}", scope)
        return False
    literals = [part for part in path.parts[1:] if isinstance(part, str)]
    if any(".." in part.replace("\\", "/").split("/") for part in literals) or _dotted(path):
        _leaves("this path could leave the folder that it begins with", span, "leave the `..` out", scope)
        return False
    return True


def _dotted(path: Template) -> bool:
    """Whether a value of the data stands right beside a dot at the border of a path segment (`/.{x}/`)."""
    return any(isinstance(part, str) and (part == "." or part.endswith("/.")) for part in path.parts)


def _leaves(message: str, span: Span, help: str, scope: Scope) -> None:
    scope.findings.error("P211", message, span, "the data decides where this goes", help=help)
