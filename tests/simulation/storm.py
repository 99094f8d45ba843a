"""A random simulation: from a seed a list of actions, from the actions always the same history.

Whatever happens, in the end everything is exact. A list that breaks that is made shorter by leaving out halves of it.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, cast, get_args

from judge import judge
from remote import FATES, Fate, ViolationError
from scene import Scene, fine

from pipeline.agent.agent import Agent
from pipeline.agent.supervision import cancel
from pipeline.errors import InternalError, PipeError
from pipeline.testing.disk import CUTS, Cut
from pipeline.testing.kernel import Fault, FaultKind
from pipeline.testing.life import Crash
from pipeline.testing.machine import Life

STOP = 10.0
"""Seconds that a clean stop may take, whatever the sinks do."""


@dataclass(frozen=True, slots=True)
class Action:
    """What happens next, and with what; `str` of it says all."""

    name: str
    number: float = 0
    word: str = ""
    words: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join([self.name, f"{self.number:g}" if self.number else "", self.word, *self.words]).strip()


def actions(seed: int) -> tuple[str, list[Action]]:
    """How long windows are kept, and what happens."""
    chance = random.Random(seed)
    keep = chance.choice(("1h", "20s"))
    kinds: dict[str, int] = {
        "write": 8, "sleep": 7, "rotate": 2, "late": 2, "odd": 1, "kill": 3, "stop": 2, "reload": 1, "fates": 3,
        "fault": 3, "jump": 2, "rewrite": 1, "stutter": 1, "compress": 1,
    }  # fmt: skip
    # Some seeds leave out some kinds altogether: what is always disturbed never comes far.
    kinds = {name: weight for name, weight in kinds.items() if name in ("write", "sleep") or chance.random() < 0.7}
    names = chance.choices(list(kinds), list(kinds.values()), k=chance.randrange(8, 26))
    return keep, [_action(name, chance) for name in names]


def _action(name: str, chance: random.Random) -> Action:
    match name:
        case "write":
            return Action(name, chance.choice((1, 20, 150, 400)))
        case "late":
            return Action(name, chance.randrange(1, 20))
        case "odd":
            return Action(name, chance.choice((4_090_000_000, 7)))
        case "sleep":
            return Action(name, chance.choice((0.1, 0.7, 1.0, 3.0, 15.0, 70.0)))
        case "kill":
            return Action(name, int(10 ** chance.uniform(0, 3.2)), chance.choice(CUTS))
        case "fault":
            kind: FaultKind = chance.choice(get_args(FaultKind))
            return Action(
                name, int(10 ** chance.uniform(0, 2.2)), kind, (chance.choice(CUTS), chance.choice(("once", "lasting")))
            )
        case "fates":
            return Action(name, words=tuple(chance.choices(FATES, k=4)))
        case "jump":
            return Action(name, chance.choice((3600, -3600, -1_790_000_000, 86_400)))
        case _:
            return Action(name)


@dataclass
class Storm:
    """Plays actions; `trace` is a digest of every point that was passed, `passed` how many of them."""

    keep: str
    lives: int = 0
    reloads: int = 0
    passed: int = 0
    trace: Any = field(default_factory=hashlib.sha256)
    cut: Cut = "kept"
    choice: random.Random = field(default_factory=lambda: random.Random(0))

    def play(self, history: Sequence[Action]) -> Storm:
        """Raises ViolationError, or whatever the engine dies of without being made to."""
        self.scene = scene = Scene(keep=self.keep, memory=True)
        scene.log.write(scene.machine, 20)
        left = list(history)
        while left:
            self._life(self._acts, left)
        self._last()
        return self

    def _last(self) -> None:
        """Faults stop: everything becomes exact, and a fresh line flows."""
        scene = self.scene
        for _ in range(2):
            scene.log.write(scene.machine, 10)
            scene.finish(watch=self._note)
            self.lives += 1
            scene.machine.cut()
            judge(scene)

    def _note(self, what: str) -> None:
        self.passed += 1
        self.trace.update(what.encode())

    def _life(self, script: Callable[..., Coroutine[Any, Any, None]], left: list[Action]) -> None:
        """One process, until it dies or is stopped."""
        self.lives += 1
        self.cut = "kept"

        async def played(scene: Scene, life: Life, agent: Agent) -> None:
            await script(life, agent, left)

        with suppress(Crash):
            self.scene.live(played, watch=self._note)
        self.scene.machine.cut(self.cut, self.choice)

    async def _acts(self, life: Life, agent: Agent, left: list[Action]) -> None:
        running = asyncio.ensure_future(agent.run())
        while left and not running.done():
            action = left.pop(0)
            match action.name:
                case "reload":
                    await self._reload(life, agent, running)
                case "stop" | "rewrite":
                    await self._stopped(life, agent, running)
                    if action.name == "rewrite":
                        left.insert(0, Action("rewritten"))
                    break
                case "rewritten":
                    await self._stopped(life, agent, running)
                    await self._caught_up(life)
                    break
                case _:
                    self._act(action, life)
                    await asyncio.wait({running}, timeout=action.number if action.name == "sleep" else 0.01)
        else:
            if running.done() and running.exception() is None:
                raise ViolationError("I11: a run that follows its inputs came to an end")
        if not running.done():
            await self._stopped(life, agent, running)
        self._died(life, running)

    async def _reload(self, life: Life, agent: Agent, running: asyncio.Future[None]) -> None:
        """Hand the agent the program once more, every other time with sources and sinks of its own."""
        self.reloads += 1
        graph = self.scene.graph()
        mark = str((self.reloads + 1) // 2)
        stages = {name: replace(stage, fingerprint=stage.fingerprint + mark) for name, stage in graph.stages.items()}
        reloading = asyncio.ensure_future(agent.reload(replace(graph, stages=stages)))
        # What happens next may happen before the program has taken over.
        await asyncio.wait({running, reloading}, timeout=0.1, return_when=asyncio.FIRST_COMPLETED)
        for error in await cancel([reloading]):
            if not isinstance(error, Crash) and life.kernel.fault is None:
                raise error

    async def _stopped(self, life: Life, agent: Agent, running: asyncio.Future[None]) -> None:
        """T06: a clean stop takes seconds, also while every sink is down."""
        agent.stop()
        await asyncio.wait({running}, timeout=STOP)
        if not running.done():
            life.kernel.dead = True
            raise ViolationError(f"I11: a stop took longer than {STOP:g} s")

    async def _caught_up(self, life: Life) -> None:
        """Read what is there to its end, so that rewriting a file loses nothing that we could have had; then rewrite it."""
        fate, self.scene.remote.fate = self.scene.remote.fate, fine
        self.scene.remote.stutter = False
        life.kernel.fault = life.kernel.kill_at = None
        if not life.kernel.failed_sync:
            await self.scene.agent(life, once=True).run()
            self.scene.log.rewrite(self.scene.machine)
        self.scene.remote.fate = fate

    def _act(self, action: Action, life: Life) -> None:
        scene = self.scene
        match action.name:
            case "write":
                scene.log.write(scene.machine, int(action.number))
            case "late":
                scene.log.write(scene.machine, int(action.number), second=1_790_000_001)
            case "odd":
                scene.log.write(scene.machine, 1, second=int(action.number))
            case "rotate":
                scene.log.rotate(scene.machine)
            case "compress":
                scene.log.compress(scene.machine)
            case "kill":
                life.kernel.kill_at = life.kernel.points + int(action.number)
                self.cut = cast("Cut", action.word)
            case "fault":
                kind = cast("FaultKind", action.word)
                at = life.kernel.chances(kind) + int(action.number)
                life.kernel.fault = Fault(kind, at, lasting=action.words[1] == "lasting" and kind in ("full", "io"))
                self.cut = cast("Cut", action.words[0])
            case "fates":
                words = cast("tuple[Fate, ...]", action.words)
                scene.remote.fate = lambda call: words[call % len(words)]
            case "jump":
                scene.machine.jump(action.number)
            case "stutter":
                scene.remote.stutter = True

    def _died(self, life: Life, running: asyncio.Future[None]) -> None:
        """What may end a process: a kill, and what was done to its disk or its input. Anything else is a defect.

        After a failed sync the cache shows what the disk has not: no process can know, so the machine is started anew."""
        if life.kernel.failed_sync and self.cut == "kept":
            self.cut = "dropped"
        if life.kernel.believed:
            raise ViolationError(f"{life.kernel.believed} was synced again after a sync had lost some of it")
        error = running.exception()
        if error is None or isinstance(error, Crash):
            return
        stuttered = isinstance(error, InternalError) and "starts at" in str(error)
        if not (stuttered or (life.kernel.fault is not None and isinstance(error, PipeError))):
            raise error


def play(seed: int, only: Sequence[int] | None = None) -> Storm:
    """The history of a seed, or of these of its actions."""
    keep, history = actions(seed)
    chosen = history if only is None else [history[number] for number in only]
    return Storm(keep, choice=random.Random(seed)).play(chosen)


class StormError(AssertionError):
    """A seed broke an invariant; says how to see it again."""


def told(seed: int, only: Sequence[int], error: BaseException) -> str:
    """The message for a failed seed."""
    history = actions(seed)[1]
    numbers = ",".join(map(str, only)) or "none"
    listed = "".join(f"\n  {number:3d}  {history[number]}" for number in only)
    return (
        f"seed {seed}: {type(error).__name__}: {error}\nwith these of its actions:{listed}\n"
        f"see it again: python tests/simulation/run.py --seed {seed} --only {numbers}"
    )


def failure(seed: int, only: Sequence[int] | None = None) -> BaseException | None:
    """What the history breaks, if anything."""
    try:
        play(seed, only)
    except Exception as error:  # noqa: BLE001 — whatever it is, it is what we look for
        return error
    return None


def check(seed: int) -> None:
    """Raises StormError, with as few actions as still fail."""
    error = failure(seed)
    if error is not None:
        only = shrink(seed)
        raise StormError(told(seed, only, failure(seed, only) or error)) from error


def shrink(seed: int) -> list[int]:
    """Leave out halves, then quarters, and so on, for as long as it still fails."""
    only = list(range(len(actions(seed)[1])))
    size = len(only) // 2
    while size:
        at = 0
        while at < len(only):
            fewer = only[:at] + only[at + size :]
            if failure(seed, fewer) is not None:
                only = fewer
            else:
                at += size
        size //= 2
    return only
