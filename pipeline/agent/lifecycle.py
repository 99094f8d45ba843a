"""Opening and closing the plugins of a graph."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from pipeline.api import Context
from pipeline.plan.graph import Graph


@asynccontextmanager
async def opened(graph: Graph, context: Callable[[str], Context]) -> AsyncIterator[None]:
    """All plugins of the graph are open inside the block; every one that was touched is closed after it.

    `context` makes the `ctx` of a stage. Raises what a plugin's `open` raises."""
    async with AsyncExitStack() as closing:
        for stage in graph.stages.values():
            parts = (stage.input, *(step.plugin for step in stage.steps), stage.output)
            for plugin in parts:
                if plugin is not None:
                    closing.push_async_callback(plugin.close)
                    await plugin.open(context(stage.name))
        yield
