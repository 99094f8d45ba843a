"""One program, kept running: signals, reloads, one agent after the other on the same state.

SIGTERM and the first SIGINT stop cleanly, a second SIGINT kills. SIGHUP, or a changed program file with `watch`, checks the
program anew: a good one takes the place of the one that runs, a bad one is reported and changes nothing. What is not
`load`ed from anywhere cannot be reloaded: there SIGHUP stops, as SIGTERM does.
"""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from pipeline.agent.agent import Agent, Settings
from pipeline.agent.control import serve
from pipeline.agent.report import Report
from pipeline.agent.telemetry import Journal
from pipeline.cli.failures import note, say, tell
from pipeline.cli.programs import checked, files_of
from pipeline.cli.watch import Watch
from pipeline.env import Env
from pipeline.errors import PipeError
from pipeline.plan.graph import Graph
from pipeline.plan.load import Loaded

COMMITTING = "stopping; what was read is being committed (Ctrl-C again to kill)"


@dataclass
class Session:
    """Runs a program under `settings` until it ends or is stopped; `load` reads it anew for a reload, and `watch` asks for one
    when a file of it changes. `stopping` is what the first Ctrl-C says.

    `report` counts what was sent and committed by all agents of the session; `stopped` is the signal that ended it."""

    env: Env
    settings: Settings
    load: Callable[[], Loaded] | None = None
    watch: bool = False
    stopping: str = COMMITTING
    report: Report = field(default_factory=Report)
    stopped: signal.Signals | None = None
    _stopping: bool = False
    _reload: asyncio.Event = field(default_factory=asyncio.Event)
    _agent: Agent | None = None

    async def run(self, graph: Graph, files: tuple[Path, ...] = ()) -> Report:
        """Run a program that was read from these files, and those that take its place. Raises what an agent raises."""
        watch = Watch(self.env, self._reload.set)
        with self._signals():
            try:
                if self.watch:
                    await watch.over(files)
                following: Graph | None = graph
                while following is not None:
                    following = await self._life(following, watch)
            finally:
                await watch.close()
        return self.report

    def stop(self) -> None:
        """Ask for a clean stop. Call it on the loop."""
        self._stopping = True
        if self._agent is not None:
            self._agent.stop()

    async def _life(self, graph: Graph, watch: Watch) -> Graph | None:
        """One agent. Gives the program that takes its place, None at the end."""
        journal = Journal(note, self.env.clock)
        agent = self._agent = Agent(self.env, graph, self.settings, journal)
        if self._stopping:
            agent.stop()
        _settle()
        async with serve(agent, self.settings.folder, partial(say, "warning")):
            running = asyncio.ensure_future(agent.run())
            following = await self._until_over(agent, running, watch)
            try:
                await running
            finally:
                journal.close()
        self.report.add(agent.report)
        return None if self._stopping else following

    async def _until_over(self, agent: Agent, running: asyncio.Future[None], watch: Watch) -> Graph | None:
        while True:
            asked = asyncio.ensure_future(self._reload.wait())
            await asyncio.wait((running, asked), return_when=asyncio.FIRST_COMPLETED)
            asked.cancel()
            if running.done():
                return None
            self._reload.clear()
            found = await self.env.run(self._loaded)
            if found is None:
                continue
            if self.watch:
                await watch.over(files_of(found))
            graph = self._checked(found)
            if graph is not None and not running.done():
                agent.stop()
                await asyncio.wait((running,))
                return graph

    def _loaded(self) -> Loaded | None:
        """The program as it is now. In a worker thread."""
        try:
            return self.load() if self.load is not None else None
        except PipeError as error:
            _refused(error)
            return None

    def _checked(self, found: Loaded) -> Graph | None:
        try:
            graph = checked(found)
        except PipeError as error:
            _refused(error)
            return None
        say("info", "the program is reloaded")
        return graph

    # ── from outside ─────────────────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        handlers: dict[signal.Signals, Callable[[], None]] = {
            signal.SIGTERM: partial(self._stop, signal.SIGTERM),
            signal.SIGINT: self._interrupt,
            signal.SIGHUP: partial(self._stop, signal.SIGHUP) if self.load is None else self._reload.set,
        }
        for number, handler in handlers.items():
            loop.add_signal_handler(number, handler)
        try:
            yield
        finally:
            for number in handlers:
                loop.remove_signal_handler(number)

    def _stop(self, reason: signal.Signals) -> None:
        self.stopped = self.stopped or reason
        self.stop()

    def _interrupt(self) -> None:
        if self._stopping:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.raise_signal(signal.SIGINT)
        say("info", self.stopping)
        self._stop(signal.SIGINT)


def _refused(error: PipeError) -> None:
    tell(error)
    say("warning", "the new program is not used; the one that was started goes on")


def _settle() -> None:
    """What is there when an agent starts (modules, the program and its plugins) lives as long as the agent: frozen, it is not
    walked by every full collection. First what an earlier agent left is set free."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
