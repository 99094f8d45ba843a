"""What a program will do, node by node: fields with their types, engines, guarantees, how late is too late."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.api import Columns, Fold, Resolver, Sessions, Window
from pipeline.plan.graph import AnyWindow, Graph, Stage, Step
from pipeline.plan.spelling import duration

_WIDTH = 96


def explain(graph: Graph) -> str:
    """The graph as text for `pipe explain`, stages in topological order."""
    return "\n\n".join("\n".join(_stage(graph, stage)) for stage in graph.stages.values()) + "\n"


def _stage(graph: Graph, stage: Stage) -> Iterator[str]:
    if stage.input is not None:
        yield f"source {stage.name} = {stage.plugin}"
        yield from _facts(stage.input.describe(), "  ")
        yield f"  reads         {_reads(stage)}"
        for step in stage.steps:
            yield f"  codec         {step.text}"
            yield from _facts(step.plugin.describe(), "  ")
        yield from _fields(stage.columns[""], "  ")
        if stage.steps:
            yield f"  rejected      {_rejected(graph, stage)}"
        return
    upstream = ", ".join(str(port) for port in stage.upstream)
    yield f"{stage.kind} {stage.name} = {upstream}"
    before = stage.incoming
    for step in stage.steps:
        yield from _step(step, before)
        before = step.columns
    if stage.output is not None:
        promise, why = stage.output.guarantee()
        yield f"  -> {stage.plugin}"
        yield from _facts(stage.output.describe(), "     ")
        yield from _fields(before, "     ")
        yield f"     guarantee     {promise}: {why}"
    ports = [port for port in stage.columns if port]
    if stage.kind == "transform" and "" not in stage.columns:
        yield f"  ports         {', '.join(f'{stage.name}.{port}' for port in ports if port != 'rejected')}"
    yield f"  rejected      {_rejected(graph, stage)}"


def _step(step: Step, before: Columns) -> Iterator[str]:
    yield f"  | {step.text if len(step.text) <= _WIDTH else step.text[: _WIDTH - 1] + '…'}"
    yield from _facts(step.plugin.describe(), "      ")
    if isinstance(step.plugin, Window):
        yield from _policy(step.plugin)
    elif step.table is not None:
        yield "      memory        one table, for all events; committed with the progress. What comes late changes later events only"
    elif isinstance(step.plugin, Fold):
        yield "      memory        a state for each partition, one for all facts; committed with the progress"
    elif isinstance(step.plugin, Resolver):
        options = step.plugin.options
        lost = "null" if options.missing == "keep" else "rejected"
        yield f"      answers       within {duration(options.timeout)}, else {lost}; kept for {duration(options.ttl)}, {options.cache:,} at most"
    if step.columns.fields != before.fields or step.columns.open != before.open:
        yield from _fields(step.columns, "      ")


def _policy(window: AnyWindow) -> Iterator[str]:
    if isinstance(window, Sessions):
        late = f" + {duration(window.lateness)}" if window.lateness else ""
        yield f"      window        sessions of `{window.on}`, sent when the watermark passes their last event + the gap{late}"
        kept = f"revise a session for {duration(window.keep)} after that; later ones " if window.keep else ""
        yield f"      late events   {kept}are a session of their own"
        return
    if window.size == 0:
        yield "      window        one, over the whole input; sent when the input ends"
        return
    late = f" + {duration(window.lateness)}" if window.lateness else ""
    yield f"      window        {duration(window.size)} of `{window.on}`, sent when the watermark passes its end{late}"
    if window.keep:
        yield f"      late events   revise a sent window for {duration(window.keep)}; after that they are an extra part with an id of its own"
    else:
        yield "      late events   are an extra part with an id of its own: no window is kept"


def _fields(columns: Columns, indent: str) -> Iterator[str]:
    parts = [f"{name}: {kind}" for name, kind in columns.fields.items()]
    if columns.open:
        parts.append("… (members that the program does not name)")
    if not parts:
        yield f"{indent}fields        none, only metadata"
        return
    line = f"{indent}fields        "
    for at, part in enumerate(parts):
        piece = part + (", " if at < len(parts) - 1 else "")
        if len(line) + len(piece) > _WIDTH + 10 and line.strip():
            yield line.rstrip()
            line = f"{indent}              "
        line += piece
    yield line


def _facts(facts: object, indent: str) -> Iterator[str]:
    if isinstance(facts, dict):
        for name, value in facts.items():
            yield f"{indent}{name:<13} {value}"


def _reads(stage: Stage) -> str:
    if stage.input is None:
        return ""
    again = (
        "again after a crash"
        if stage.input.replayable
        else "once only: what is read and not committed is lost in a crash"
    )
    end = "to an end with --once" if stage.input.finite else "without an end"
    return f"{end}, {again}"


def _rejected(graph: Graph, stage: Stage) -> str:
    """Where rows go that the stage cannot process."""
    readers = [
        other.name
        for other in graph.stages.values()
        if any(port.stage == stage.name and port.name == "rejected" for port in other.upstream)
    ]
    return f"to {', '.join(readers)}" if readers else "to the dead letters"
