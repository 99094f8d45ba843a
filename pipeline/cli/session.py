"""One program, kept running: signals, reloads, one agent after the other on the same state.

SIGTERM and the first SIGINT stop cleanly, a second SIGINT kills. SIGHUP, or a changed program file with `watch`, checks the
program anew: a good one takes the place of the one that runs, a bad one is reported and changes nothing.
"""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.agent.agent import Agent, Report, Settings
from pipeline.agent.control import serve
from pipeline.agent.telemetry import Journal
from pipeline.cli.failures import note, say, tell
from pipeline.cli.programs import checked
from pipeline.env import Env
from pipeline.errors import PipeError
from pipeline.plan.graph import Graph
from pipeline.plan.load import Loaded


@dataclass
class Session:
    """Runs a program under `settings` until it ends or is stopped; `load` reads it anew for a reload.

    `report` counts what was sent and committed by all agents of the session."""

    env: Env
    load: Callable[[], Loaded]
    settings: Settings
    report: Report = field(default_factory=Report)
    _stopping: bool = False
    _reload: asyncio.Event = field(default_factory=asyncio.Event)
    _agent: Agent | None = None

    async def run(self, graph: Graph, files: Sequence[Path] = ()) -> Report:
        """Run a program, and those that take its place when `files` change. Raises what an agent raises."""
        with self._signals():
            watching = asyncio.ensure_future(self._watch(files)) if files else None
            try:
                following: Graph | None = graph
                while following is not None:
                    following = await self._life(following)
            finally:
                if watching is not None:
                    watching.cancel()
                    with suppress(asyncio.CancelledError):
                        await watching
        return self.report

    async def _life(self, graph: Graph) -> Graph | None:
        """One agent. Gives the program that takes its place, None at the end."""
        agent = self._agent = Agent(self.env, graph, self.settings, Journal(note, self.env.clock))
        if self._stopping:
            agent.stop()
        gc.collect()
        gc.freeze()
        async with serve(agent, self.settings.folder, lambda told: say("warning", told)):
            running = asyncio.ensure_future(agent.run())
            following = await self._until_over(agent, running)
            await running
        for stage, windows in agent.report.sent.items():
            self.report.sent[stage] = self.report.sent.get(stage, 0) + windows
        self.report.commits += agent.report.commits
        self.report.counts = agent.report.counts
        return None if self._stopping else following

    async def _until_over(self, agent: Agent, running: asyncio.Future[None]) -> Graph | None:
        while True:
            asked = asyncio.ensure_future(self._reload.wait())
            await asyncio.wait((running, asked), return_when=asyncio.FIRST_COMPLETED)
            asked.cancel()
            if running.done():
                return None
            self._reload.clear()
            graph = await self.env.run(self._checked)
            if graph is not None and not running.done():
                agent.stop()
                await asyncio.wait((running,))
                return graph

    def _checked(self) -> Graph | None:
        try:
            graph = checked(self.load())
        except PipeError as error:
            tell(error)
            say("warning", "the new program is not used; the one that was started goes on")
            return None
        say("info", "the program is reloaded")
        return graph

    # ── from outside ─────────────────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        handlers = {signal.SIGTERM: self._stop, signal.SIGINT: self._interrupt, signal.SIGHUP: self._reload.set}
        for number, handler in handlers.items():
            loop.add_signal_handler(number, handler)
        try:
            yield
        finally:
            for number in handlers:
                loop.remove_signal_handler(number)

    def _stop(self) -> None:
        self._stopping = True
        if self._agent is not None:
            self._agent.stop()

    def _interrupt(self) -> None:
        if self._stopping:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.raise_signal(signal.SIGINT)
        say("info", "stopping; what was read is being committed (Ctrl-C again to kill)")
        self._stop()

    async def _watch(self, files: Sequence[Path]) -> None:
        from watchfiles import awatch

        folders = {path.parent for path in files}
        async for changes in awatch(*folders, recursive=False):
            if any(Path(path) in files for _, path in changes):
                self._reload.set()
