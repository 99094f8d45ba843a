"""The shape of a program: text, Mermaid, Graphviz, JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Literal

from pipeline.plan.graph import Graph, Stage

Format = Literal["text", "mermaid", "dot", "json"]


def picture(graph: Graph, format: Format = "text") -> str:
    """The graph in one of the formats, with a newline at the end."""
    return _FORMATS[format](graph)


def _plugins(stage: Stage) -> list[str]:
    ends = [stage.plugin] if stage.plugin else []
    return [*(step.name for step in stage.steps), *ends]


def _text(graph: Graph) -> str:
    """Each stage on a line, what it reads before it, what it does behind it."""
    width = max(len(name) for name in graph.stages)
    lines = []
    for stage in graph.stages.values():
        line = f"{stage.kind:<9} {stage.name:<{width}}  {' | '.join(_plugins(stage))}"
        if stage.upstream:
            line += f"  ◀─ {', '.join(str(port) for port in stage.upstream)}"
        if stage.tables:
            line += f"  ◁─ {', '.join(str(port) for port in stage.tables)}"
        lines.append(line)
    return "\n".join(lines) + "\n"


_SHAPES = {"source": ("([", "])"), "transform": ("[", "]"), "sink": ("[(", ")]")}


def _mermaid(graph: Graph) -> str:
    ids = {name: f"n{at}" for at, name in enumerate(graph.stages)}
    lines = ["flowchart LR"]
    for name, stage in graph.stages.items():
        left, right = _SHAPES[stage.kind]
        label = f"{name}<br/>{' → '.join(_plugins(stage))}".replace('"', "#quot;")
        lines.append(f'  {ids[name]}{left}"{label}"{right}')
    for name, stage in graph.stages.items():
        for port in stage.upstream:
            arrow = f"-- {port.name} -->" if port.name else "-->"
            lines.append(f"  {ids[port.stage]} {arrow} {ids[name]}")
        lines += [f"  {ids[port.stage]} -.-> {ids[name]}" for port in stage.tables]
    return "\n".join(lines) + "\n"


def _dot(graph: Graph) -> str:
    shapes = {"source": "oval", "transform": "box", "sink": "cylinder"}
    lines = [f"digraph {json.dumps(graph.name)} {{", "  rankdir=LR;"]
    for name, stage in graph.stages.items():
        label = json.dumps(f"{name}\n{' → '.join(_plugins(stage))}", ensure_ascii=False)
        lines.append(f"  {json.dumps(name, ensure_ascii=False)} [shape={shapes[stage.kind]}, label={label}];")
    for name, stage in graph.stages.items():
        for port in stage.upstream:
            label = f" [label={json.dumps(port.name)}]" if port.name else ""
            lines.append(
                f"  {json.dumps(port.stage, ensure_ascii=False)} -> {json.dumps(name, ensure_ascii=False)}{label};"
            )
        lines += [
            f"  {json.dumps(port.stage, ensure_ascii=False)} -> {json.dumps(name, ensure_ascii=False)} [style=dashed];"
            for port in stage.tables
        ]
    return "\n".join([*lines, "}"]) + "\n"


def _json(graph: Graph) -> str:
    stages = [
        {
            "name": stage.name,
            "kind": stage.kind,
            "upstream": [str(port) for port in stage.upstream],
            "tables": [str(port) for port in stage.tables],
            "plugins": _plugins(stage),
            "ports": {port: _columns(stage, port) for port in stage.columns},
        }
        for stage in graph.stages.values()
    ]
    return json.dumps({"name": graph.name, "stages": stages}, ensure_ascii=False, indent=2) + "\n"


def _columns(stage: Stage, port: str) -> dict[str, object]:
    columns = stage.columns[port]
    return {"fields": {name: str(kind) for name, kind in columns.fields.items()}, "open": columns.open}


_FORMATS: Mapping[str, Callable[[Graph], str]] = {"text": _text, "mermaid": _mermaid, "dot": _dot, "json": _json}
