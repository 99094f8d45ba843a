"""A program run once more over rows that it has read before, to see which of them come to one of its windows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pipeline.api import Batch
from pipeline.plan.asking import Work
from pipeline.plan.effects import Effects
from pipeline.plan.flow import Flow
from pipeline.plan.folds import ALL, Fresh, Memory
from pipeline.plan.graph import Graph, Port, Stage, Step


def above(graph: Graph, stage: str) -> Graph:
    """The part of a graph that a stage gets its rows from, with itself; without inputs and outputs, so that it can be opened
    without touching anything but what filters need."""
    wanted = {stage}
    for name in reversed(list(graph.stages)):
        if name in wanted:
            wanted |= {port.stage for port in graph.stages[name].upstream}
    stages = {name: replace(found, input=None, output=None) for name, found in graph.stages.items() if name in wanted}
    return replace(graph, stages=stages)


class Probe(Flow):
    """The flow up to a window. Not safe to call from several threads.

    Folds on the way begin with nothing, and see only the batches that are asked for; tables are as they are now."""

    def __init__(self, graph: Graph, host: str, stage: str, state: Callable[[str, Step], object]) -> None:
        super().__init__(above(graph, stage), host)
        self._stage = stage
        self._came: list[Batch] = []
        tables = [(name, step) for name, found in self.graph.stages.items() for step in found.steps if step.table]
        self._memory = Fresh(0, {(name, step.fold, ALL): state(name, step) for name, step in tables})

    def arrivals(self, source: str, batch: Batch, received: int) -> Work[list[Batch]]:
        """The rows of a batch, read at `received` (µs), as they come to the window."""
        self._came = []
        self._memory.now = received
        effects = yield from self.running(source, batch, received)
        yield from self.resuming(effects, self._memory)
        return self._came

    def learn(self, stage: Stage, ports: dict[Port, Batch], effects: Effects, memory: Memory) -> None:
        """Tables know already what there was."""

    def _window(self, stage: Stage, step: Step, batch: Batch, ports: dict[Port, Batch], effects: Effects) -> None:
        if stage.name == self._stage and batch.frame.height:
            self._came.append(batch)
