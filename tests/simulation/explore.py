"""Every crash of one life: a power cut at every point, in every way, and again during what follows it.

The life is run once. At each of its points the disk and the sinks are what a kill at that point would leave, so the scene after
the cut is taken there, while the life goes on (`test_crash_points.py` compares this with real kills). Points between which
nothing changed have the same scene after them; it is looked at once.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from audit import audit
from judge import judge
from remote import Fate, ViolationError
from scene import Scene

from pipeline.agent.agent import Agent
from pipeline.testing.disk import CUTS, Cut
from pipeline.testing.machine import Life

STEPS = 8
LINES = 250
"""2,000 lines in 8 steps, a rotation in the middle."""

FATE: tuple[Fate, ...] = ("ok", "lost", "ok", "refused", "twice", "late")


def moody(call: int) -> Fate:
    return FATE[call % len(FATE)]


async def follow(scene: Scene, life: Life, agent: Agent) -> None:
    """The engine follows the log while it is written and rotated, and is stopped."""
    running = asyncio.ensure_future(agent.run())
    while scene.log.number < STEPS * LINES:
        step(scene)
        await asyncio.wait({running}, timeout=1.0)
        if running.done():
            break
    agent.stop()
    await running


def step(scene: Scene) -> None:
    if scene.log.rotations == 0 and scene.log.number >= STEPS // 2 * LINES:
        scene.log.rotate(scene.machine)
    scene.log.write(scene.machine, LINES)


def complete(scene: Scene, **how: object) -> None:
    """What was still to be written is, and a last life reads it to the end."""
    while scene.log.number < STEPS * LINES:
        step(scene)
    scene.finish(**how)
    scene.machine.cut()
    judge(scene)


@dataclass(frozen=True)
class Crash:
    """A power cut at a point of a life; `what` names the point."""

    point: int
    cut: Cut
    what: str
    scene: Scene


@dataclass
class Watch:
    """Takes the scene after every cut at every point. `share` of `shares` of the different ones are kept; or, to be `audited`,
    none, and each durable state is looked at."""

    scene: Scene
    share: int = 0
    shares: int = 1
    audited: bool = False
    points: int = 0
    different: int = 0
    audits: int = 0
    crashes: list[Crash] = field(default_factory=list)
    _seen: set[object] = field(default_factory=set)

    def __call__(self, what: str) -> None:
        self.points += 1
        disk, others = self.scene.machine.disk, (self.scene.remote.version, self.scene.log.number)
        for cut in CUTS:
            if cut in ("mixed", "torn") and not disk.unsynced:
                continue
            key = (cut, disk.durable if cut == "dropped" else disk.version, *others)
            if key in self._seen:
                continue
            self._seen.add(key)
            self.different += 1
            if self.audited:
                if cut == "dropped":
                    self.audits += 1
                    audit(self.scene.after(cut, random.Random(self.points)))
            elif self.different % self.shares == self.share:
                self.crashes.append(Crash(self.points, cut, what, self.scene.after(cut, random.Random(self.points))))


def first_life(share: int = 0, shares: int = 1, *, audited: bool = False) -> Watch:
    """The crashes of the life in which everything goes well."""
    scene = Scene()
    scene.remote.fate = moody
    watch = Watch(scene, share, shares, audited)
    scene.live(follow, watch=watch)
    return watch


AGAIN = 97
"""Of the different scenes after crashes of a recovery, one in so many is looked at."""


def again(crash: Crash) -> Iterator[Crash]:
    """Crashes of the life that follows a crash."""
    scene = crash.scene.after("kept", random.Random(0))
    while scene.log.number < STEPS * LINES:
        step(scene)
    watch = Watch(scene, crash.point % AGAIN, AGAIN)
    scene.finish(watch=watch)
    yield from watch.crashes


ODD = (4_090_000_000, 7)
"""Seconds of 2099 and of 1970."""


def well() -> tuple[str, str] | None:
    """A life without faults in which two lines have odd times: no window is sent before its time, so none is sent twice."""
    scene = Scene()

    async def odd(scene: Scene, life: Life, agent: Agent) -> None:
        scene.log.write(scene.machine, 10)
        for second in ODD:
            scene.log.write(scene.machine, 1, second=second)
        await follow(scene, life, agent)

    try:
        scene.live(odd)
        scene.machine.cut()
        revisions(scene)
        complete(scene)
    except Exception as error:  # noqa: BLE001 — whatever it is, it was found
        return "without a crash", f"{type(error).__name__}: {error}"
    return None


def revisions(scene: Scene) -> None:
    for revision, body in scene.remote.documents.values():
        if revision > 1:
            raise ViolationError(f"a window was sent before its time: {body}")


@dataclass
class Counts:
    points: int = 0
    different: int = 0
    audits: int = 0
    runs: int = 0
    seconds: int = 0
    """Second crashes."""

    def __str__(self) -> str:
        return (
            f"{self.points} points x {len(CUTS)} kinds of power cut: {self.different} different scenes, {self.audits} audited; "
            f"{self.seconds} second crashes; {self.runs} lives run to the end"
        )


class Found(AssertionError):
    """An invariant was broken; says where, so that it can be had again."""


def explore(share: int = 0, shares: int = 1, *, twice: int = 40, thin: int = 1) -> Counts:
    """All crashes of this share, and for one in `twice` of them the crashes of its recovery; `thin` takes one in so many.

    Raises Found at the first that breaks an invariant."""
    counts = Counts()
    try:
        watch = first_life(share, shares * thin)
        counts.audits = first_life(audited=True).audits if share == 0 else 0
    except AssertionError as error:
        raise Found(f"in the first life: {error}") from error
    counts.points, counts.different = watch.points, watch.different
    crashes = deque(watch.crashes)
    watch.crashes.clear()
    for number in range(len(crashes)):
        crash = crashes.popleft()
        if number % twice == twice - 1:
            for last in again(crash):
                counts.seconds += 1
                _complete(last.scene, f"{where(crash)}, then {where(last)}")
        counts.runs += 1
        _complete(crash.scene, where(crash))
    counts.runs += counts.seconds
    return counts


def where(crash: Crash) -> str:
    return f"power cut '{crash.cut}' at point {crash.point} ({crash.what})"


def _complete(scene: Scene, told: str) -> None:
    try:
        complete(scene)
    except Exception as error:
        raise Found(f"{told}: {type(error).__name__}: {error}") from error
