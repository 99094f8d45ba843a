"""A program, assembled: its plugins open, its flow ready.

For a reload the next one is assembled beside the one that runs. Inputs and outputs of which nothing changed go over to it
as they are: a reader reads on, a connection stays. Filters are made anew, with the files that they look things up in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from pipeline.agent.resolving import Askers
from pipeline.agent.telemetry import NodeMeter, PluginMeter
from pipeline.api import Context, Plugin, Resolver, Window
from pipeline.plan.flow import Flow
from pipeline.plan.graph import AnyInput, AnyWindow, Graph, Stage


class Assembly:
    """A graph and its plugins, for the place of `before`, if there was one. `askers` hears of resolvers that are open."""

    def __init__(self, graph: Graph, host: str, askers: Askers, before: Assembly | None = None) -> None:
        self._askers = askers
        self.graph: Graph = graph if before is None else _inherited(graph, before.graph)
        self.flow = Flow(self.graph, host)
        self.sources: dict[str, AnyInput] = {
            stage.name: stage.input for stage in self.graph.sources if stage.input is not None
        }
        self.windows: dict[str, AnyWindow] = {
            stage.name: stage.window.plugin
            for stage in self.graph.windows
            if stage.window is not None and isinstance(stage.window.plugin, Window)
        }
        known = {} if before is None else before.meters
        self.meters: dict[str, NodeMeter] = {stage: known.get(stage) or NodeMeter() for stage in self.graph.stages}
        """The figures of each stage, which go on where the assembly before had it."""
        self.folds = self.graph.folds
        self._others = frozenset(plugin for _, plugin in _plugins(before.graph)) if before is not None else frozenset()
        self._opened: list[tuple[Plugin[Any], PluginMeter]] = []

    def ending(self, after: Assembly) -> dict[str, frozenset[str]]:
        """Stage → folds that `after` has not."""
        gone = {stage: frozenset(folds) - {*after.folds.get(stage, ())} for stage, folds in self.folds.items()}
        return {stage: folds for stage, folds in gone.items() if folds}

    async def open(self, context: Callable[[str, PluginMeter], Context]) -> None:
        """Open all plugins but those of the assembly before; `context` makes the `ctx` of one, from its stage and its meter.

        Raises what a plugin's `open` raises; those that were touched are closed then."""
        try:
            for stage, plugin in _plugins(self.graph):
                if plugin not in self._others:
                    meter = PluginMeter(self.meters[stage])
                    self._opened.append((plugin, meter))
                    ctx = context(stage, meter)
                    await plugin.open(ctx)
                    if isinstance(plugin, Resolver):
                        self._askers.opened(plugin, ctx)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close what was opened here and what was taken over, the last first."""
        while self._opened:
            plugin, meter = self._opened.pop()
            meter.close()
            if isinstance(plugin, Resolver):
                self._askers.closed(plugin)
            await plugin.close()

    async def retire(self, after: Assembly) -> None:
        """`after` has taken the place of this one: hand it what it took over, and close the rest."""
        kept = {plugin for _, plugin in _plugins(after.graph)}
        after._opened[:0] = [opened for opened in self._opened if opened[0] in kept]
        self._opened = [opened for opened in self._opened if opened[0] not in kept]
        await self.close()


def _plugins(graph: Graph) -> Iterator[tuple[str, Plugin[Any]]]:
    """All plugins by stage, in the order of opening."""
    for stage in graph.stages.values():
        for plugin in (stage.input, *(step.plugin for step in stage.steps), stage.output):
            if plugin is not None:
                yield stage.name, plugin


def _inherited(graph: Graph, before: Graph) -> Graph:
    """The graph with inputs and outputs of the one before, where nothing that they are told has changed."""
    stages = {
        name: replace(stage, input=before.stages[name].input, output=before.stages[name].output)
        if _same(stage, before.stages.get(name))
        else stage
        for name, stage in graph.stages.items()
    }
    return replace(graph, stages=stages)


def _same(stage: Stage, before: Stage | None) -> bool:
    """Whether the two say the same and see the same columns."""
    return (
        before is not None
        and (stage.kind, stage.fingerprint, stage.incoming) == (before.kind, before.fingerprint, before.incoming)
        and [step.columns for step in stage.steps] == [step.columns for step in before.steps]
    )
