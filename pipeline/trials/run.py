"""One test from start to end: lives of the engine on a simulated machine, with time that passes when the test says so.

Steps happen at their own time and take none: before each the engine comes to rest, and only then does time go on. So the same
test does the same every time. A crash does not wait for that: it comes at the worst moment there is, before the first sync of
what the engine is at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import cast

from pipeline.agent.agent import Agent, Settings
from pipeline.agent.committing import Pace
from pipeline.agent.telemetry import Journal
from pipeline.errors import PipeError
from pipeline.plan.cases import Advance, Case, CaseStep, Check, Failure, Reply, Restart, Supply
from pipeline.plan.events import Record
from pipeline.plan.graph import Graph, Port
from pipeline.testing import loop
from pipeline.testing.kernel import ROOT
from pipeline.testing.machine import Life, Machine
from pipeline.trials.judge import Verdict, judge
from pipeline.trials.stage import Props, staged

Read = Callable[[Supply], Sequence[Record]]
"""The records of a step that names a file. Raises OSError."""

EVER = 1e9
"""Seconds that are longer than any test."""

_LOOKS = 3
"""At most so many looks without time between them: one that sends a window may be what makes another due."""


@dataclass
class Outcome:
    """What became of a test. `error` is set where it could not go on; `counts`: (stage, outcome) → rows; `said` is the engine's
    log."""

    case: Case
    verdicts: list[Verdict] = field(default_factory=list)
    error: str = ""
    failed_at: CaseStep | None = None
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    props: Props = field(default_factory=Props)
    said: list[str] = field(default_factory=list)
    lost: int = 0
    """Crashes that came in the middle of something."""

    @property
    def passed(self) -> bool:
        return not self.error and all(verdict.held for verdict in self.verdicts)


def play(case: Case, build: Callable[[], Graph], read: Read) -> Outcome:
    """Run a test. `build` makes the program's graph anew for each life. Raises nothing for what a test can do wrong."""
    return _Play(case, build, read).run()


class _Play:
    def __init__(self, case: Case, build: Callable[[], Graph], read: Read) -> None:
        self._case = case
        self._build = build
        self._read = read
        self._machine = Machine(now=case.start)
        self._outcome = Outcome(case)
        self._props = self._outcome.props
        self._left = list(case.steps)
        self._seen: dict[Port, int] = {}
        """How many events of a port were looked at by earlier expectations."""
        self._looking: dict[Port, int] = {}
        """The same of the group of expectations that is being read."""

    def run(self) -> Outcome:
        while True:
            life = self._machine.life()
            last = not any(isinstance(step, Restart) for step in self._left)
            try:
                with life.running():
                    loop.run(self._live(life))
            except (PipeError, OSError) as error:
                self._fail(str(error))
            finally:
                self._machine.cut("dropped" if life.kernel.dead else "kept")
            if last or self._outcome.error:
                return self._outcome

    def _fail(self, why: str) -> None:
        self._outcome.error = self._outcome.error or why

    # ── a life ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _live(self, life: Life) -> None:
        graph = staged(self._build(), self._props, self._case.ports)
        settings = Settings("test", ROOT / "state", ROOT, pace=Pace(period=0.0, look=EVER))
        agent = Agent(life, graph, settings, Journal(self._outcome.said.append, life.clock))
        running = asyncio.ensure_future(agent.run())
        try:
            await self._rest(agent, running)
            while self._left and not self._outcome.error:
                step = self._left.pop(0)
                self._outcome.failed_at = step
                await self._step(step, life, agent, running)
                if isinstance(step, Restart):
                    return
            await self._stop(agent, running)
        finally:
            if running.done() and not running.cancelled():
                running.exception()

    async def _step(self, step: CaseStep, life: Life, agent: Agent, running: asyncio.Future[None]) -> None:
        if not isinstance(step, Check):
            self._seen.update({port: self._props.taps[port].count for port in self._looking})
            self._looking.clear()
        if not isinstance(step, Restart):
            await self._until(step.time, life, agent, running)
        match step:
            case Supply():
                self._props.feeds[step.source].give(self._records(step))
            case Reply():
                self._props.replies[step.stage] += step.records
            case Advance():
                pass
            case Failure():
                self._props.taps[Port(step.sink)].failing = step.until
            case Check():
                await self._check(step)
            case Restart(clean=True):
                await self._rest(agent, running)
                await self._stop(agent, running)
            case Restart():
                await self._crash(life, agent)

    def _records(self, step: Supply) -> Sequence[Record]:
        if not step.file:
            return step.records
        try:
            return self._read(step)
        except OSError as error:
            self._fail(f"cannot read {step.file}: {error.strerror or error}")
            return ()

    async def _check(self, step: Check) -> None:
        port = step.expectation.port
        start = self._looking.setdefault(port, self._seen.get(port, 0))
        self._outcome.verdicts.append(judge(step, self._props.taps[port], start))

    # ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _until(self, time: int, life: Life, agent: Agent, running: asyncio.Future[None]) -> None:
        """Let time (µs) pass, and the engine do meanwhile what it would. At rest before and after."""
        due = await self._rest(agent, running)
        while (now := life.clock.now()) < time:
            ahead = time - now
            if due is not None and (sooner := ceil((due - life.clock.monotonic()) * 1e6)) > 0:
                ahead = min(ahead, sooner)
            await asyncio.sleep(ahead / 1e6)
            due = await self._rest(agent, running)

    async def _rest(self, agent: Agent, running: asyncio.Future[None]) -> float | None:
        """Wait until the engine has nothing more to do now. Gives when it will have, by time alone."""
        virtual = cast("loop.VirtualLoop", asyncio.get_running_loop())
        for _ in range(_LOOKS):
            agent.look()
            await virtual.rest()
            if running.done():
                running.result()
            due = agent.look()
            if due is None or due > virtual.time():
                break
        return due

    # ── ends ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _stop(self, agent: Agent, running: asyncio.Future[None]) -> None:
        agent.stop()
        await running
        self._outcome.counts = dict(agent.report.counts)

    async def _crash(self, life: Life, agent: Agent) -> None:
        """Kill the process: before the first sync, where it comes to one now."""

        def worst(name: str) -> None:
            if name.startswith("before sync"):
                life.kernel.kill_at = life.kernel.points

        life.kernel.watch = worst
        agent.look()
        await cast("loop.VirtualLoop", asyncio.get_running_loop()).rest()
        self._outcome.lost += life.kernel.dead
        life.kernel.dead = True
