"""`ctx`: the world as one plugin sees it (`pipeline.api.Context`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from pipeline.agent.telemetry import Journal, NodeLog, NodeMeter, PluginMeter
from pipeline.env import Clock, Env, Files

T = TypeVar("T")


class NodeContext:
    def __init__(
        self, env: Env, node: str, journal: Journal, *, once: bool, metrics: PluginMeter | None = None
    ) -> None:
        """The plugin's log goes to the journal. Without `metrics` nobody reads what it counts."""
        self._env = env
        self.node = node
        self.once = once
        self.log = NodeLog(journal, node)
        self.metrics = PluginMeter(NodeMeter()) if metrics is None else metrics

    @property
    def host(self) -> str:
        return self._env.host

    @property
    def clock(self) -> Clock:
        return self._env.clock

    @property
    def files(self) -> Files:
        return self._env.files

    def unique(self) -> str:
        return self._env.random(8).hex()

    def run(self, work: Callable[..., T], *arguments: object) -> Awaitable[T]:
        return self._env.run(work, *arguments)
