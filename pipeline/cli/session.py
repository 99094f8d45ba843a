"""One program, kept running: signals and reloads.

SIGTERM and the first SIGINT stop cleanly, a second SIGINT kills. SIGHUP, or a changed program file with `watch`, checks the
program anew: a good one takes the place of the one that runs, a bad one is reported and changes nothing. What is not
`load`ed from anywhere cannot be reloaded: there SIGHUP stops, as SIGTERM does.

An agent that a full disk has ended is followed by another one, which goes on from the disk.
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
from pipeline.agent.space import SOONEST, Space
from pipeline.agent.supervision import cancel, within
from pipeline.agent.telemetry import Journal
from pipeline.cli import hangup
from pipeline.cli.failures import note, say, tell
from pipeline.cli.programs import checked, files_of
from pipeline.cli.watch import Watch
from pipeline.cli.watchdog import watching
from pipeline.env import Env
from pipeline.errors import InternalError, PipeError
from pipeline.plan.graph import Graph
from pipeline.plan.load import Loaded, Recipe

COMMITTING = "stopping; what was read is being committed (Ctrl-C again to kill)"


@dataclass
class Session:
    """Runs a program under `settings` until it ends or is stopped; `load` reads it anew for a reload, and `watch` asks for one
    when a file of it changes. `stopping` is what the first Ctrl-C says. With a `space`, a program that has a recipe waits for room
    on the disk instead of ending.

    `graph` is the program that runs, or ran last; `report` counts what was sent and committed; `stopped` is the signal that ended it."""

    env: Env
    settings: Settings
    load: Callable[[], Loaded] | None = None
    watch: bool = False
    space: Space | None = None
    stopping: str = COMMITTING
    graph: Graph | None = None
    report: Report = field(default_factory=Report)
    stopped: signal.Signals | None = None
    _stopping: bool = False
    _stopped: asyncio.Event = field(default_factory=asyncio.Event)
    _reload: asyncio.Event = field(default_factory=asyncio.Event)
    _recipe: Recipe | None = None
    _agent: Agent | None = None

    async def run(self, graph: Graph, files: tuple[Path, ...] = (), recipe: Recipe | None = None) -> Report:
        """Run a program that was read from these files, and those that take its place. Raises what an agent raises.

        `recipe` makes the same program again."""
        self._recipe = recipe
        watch = Watch(self.env, self._reload.set)
        self.graph = graph
        with self._signals(), watching(partial(say, "warning")):
            try:
                if self.watch:
                    await watch.over(files)
                following: Graph | None = graph
                while following is not None:
                    following = await self._live(following, watch)
            finally:
                await watch.close()
        return self.report

    def _load(self) -> Loaded:
        if self.load is None:
            raise InternalError("a program that was read from nowhere cannot be reloaded")
        return self.load()

    def stop(self) -> None:
        """Ask for a clean stop. Call it on the loop."""
        self._stopping = True
        self._stopped.set()
        if self._agent is not None:
            self._agent.stop()

    async def _live(self, graph: Graph, watch: Watch) -> Graph | None:
        """One agent. Gives the program for the next one, where a disk that failed may take it, and None at the end."""
        before, journal = self._agent, Journal(note, self.env.clock)
        agent = self._agent = Agent(
            self.env, graph, self.settings, journal, self.space, None if before is None else before.knew
        )
        following: Graph | None = None
        if self._stopping:
            agent.stop()
        _settle(first=before is None)
        async with serve(agent, self.settings.folder, partial(say, "warning")):
            running = asyncio.ensure_future(agent.run())
            reloading = asyncio.ensure_future(self._reloads(agent, watch))
            try:
                await asyncio.wait((running, reloading), return_when=asyncio.FIRST_COMPLETED)
                if reloading.done():
                    reloading.result()
                await running
            except PipeError as error:
                following = await self._again(self.graph or graph, agent, error)
            finally:
                await cancel([reloading, running])
                journal.close()
        self.report.add(agent.report)
        return None if self._stopping else following

    async def _again(self, graph: Graph, agent: Agent, error: PipeError) -> Graph:
        """The same program, once it is worth another try after an agent ended with this error. Raises the error where it is not."""
        repeatable = all(stage.input is None or stage.input.replayable for stage in graph.sources)
        if (
            self.space is None
            or self._recipe is None
            or self._stopping
            or not repeatable
            or not self.space.heals(error)
        ):
            raise error
        wait = await self.env.apart(self.space.failed, error)
        if self.settings.once:
            self.space.check(self.settings.timeout)
        # An agent that could open the state delivers meanwhile, and waits with reading only.
        await within(self.env.clock, self._stopped, SOONEST if agent.started.is_set() else wait)
        return await self.env.run(self._recipe.build)

    async def _reloads(self, agent: Agent, watch: Watch) -> None:
        """Hand the agent the program anew whenever that is asked for, for ever."""
        while True:
            await self._reload.wait()
            self._reload.clear()
            try:
                found = await self.env.run(self._load)
                if self.watch:
                    await watch.over(files_of(found))
                graph = checked(found)
                if not await agent.reload(graph):
                    # Its windows are still those of the program before: an agent that follows it sends them first.
                    self._reload.set()
                    return
            except PipeError as error:
                tell(error)
                say("warning", "the new program is not used; the one that was started goes on")
                continue
            except asyncio.CancelledError:
                # The agent ended first: one that follows it is to get the program.
                self._reload.set()
                raise
            self.graph, self._recipe = graph, found.recipe
            say("info", "the program is reloaded")
            _settle(first=False)

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
        if hangup.held():  # the program may have changed after it was read
            handlers[signal.SIGHUP]()
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


def _settle(*, first: bool) -> None:
    """What is there when an agent starts (modules, the program and its plugins) lives as long as the agent: frozen, it is not
    walked by every full collection. What an agent before it left is set free."""
    if not first:
        gc.unfreeze()
    gc.collect()
    gc.freeze()
