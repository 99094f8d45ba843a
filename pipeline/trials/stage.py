"""A program on a stage: its graph with inputs and outputs that are ours, and a tap at every port that somebody looks at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import cast

from pipeline.api import Resolver
from pipeline.columns.types import Columns
from pipeline.plan.events import Record
from pipeline.plan.graph import AnyInput, AnyOutput, Graph, Port, Stage, Step
from pipeline.trials.feed import Fed, Feed
from pipeline.trials.replies import Replies
from pipeline.trials.taps import Tap, Tapped


@dataclass
class Props:
    """What outlives the processes of a test: what sources were given, what resolvers were told by stage, and what came out of
    ports. The tap of a sink's main port has what was delivered."""

    feeds: dict[str, Feed] = field(default_factory=dict)
    replies: dict[str, list[Record]] = field(default_factory=dict)
    taps: dict[Port, Tap] = field(default_factory=dict)


def staged(graph: Graph, props: Props, ports: Iterable[Port]) -> Graph:
    """The graph with taps at these ports, at every sink, and where rows are rejected. A new one for every life."""
    stages = {stage.name: _replaced(stage, props) for stage in graph.stages.values()}
    wanted = [*ports, *(Port(stage.name, "rejected") for stage in graph.stages.values() if "rejected" in stage.columns)]
    read = set(graph.read)
    for port in dict.fromkeys(wanted):
        stage = graph.stages[port.stage]
        if stage.kind == "sink" and not port.name:
            continue
        columns = stage.columns[port.name]
        tap = props.taps.setdefault(port, Tap(columns))
        name = f"{port}`"  # no name of a program has a back-tick in it
        output = cast("AnyOutput", Tapped(tap))
        stages[name] = Stage(name, "sink", (port,), output=output, plugin=output.name, columns={}, incoming=columns)
        read.add(port)
    return replace(graph, stages=stages, read=frozenset(read))


def _replaced(stage: Stage, props: Props) -> Stage:
    if stage.resolvers:
        told = props.replies.setdefault(stage.name, [])
        before, after = (tuple(_told(step, told) for step in steps) for steps in (stage.before, stage.after))
        stage = replace(stage, before=before, after=after)
    if stage.input is not None:
        feed = props.feeds.setdefault(stage.name, Feed())
        return replace(stage, input=cast("AnyInput", Fed(feed, stage.input)), plugin=Fed.name)
    if stage.output is not None:
        tap = props.taps.setdefault(Port(stage.name), Tap(_written(stage)))
        return replace(stage, output=cast("AnyOutput", Tapped(tap, stage.output)), plugin=Tapped.name)
    return stage


def _told(step: Step, told: list[Record]) -> Step:
    """The step; a resolver is one that the test answers."""
    return replace(step, plugin=Replies(step.plugin, told)) if isinstance(step.plugin, Resolver) else step


def _written(stage: Stage) -> Columns:
    """The columns of what a sink writes."""
    return stage.steps[-1].columns if stage.steps else stage.incoming
