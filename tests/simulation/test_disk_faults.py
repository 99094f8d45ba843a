"""Disks that fail at the k-th call, for every k: the process ends with the right error, and the next one makes everything exact."""

from __future__ import annotations

from typing import get_args

import pytest
from explore import LINES, STEPS, step
from judge import judge
from scene import Scene, to_the_end

from pipeline.errors import BrokenDiskError, DiskFullError, PipeError
from pipeline.testing.kernel import Fault, FaultKind
from pipeline.testing.machine import Life

ENDS: dict[FaultKind, type[PipeError]] = {"full": DiskFullError, "sync": BrokenDiskError, "io": PipeError}
"""How a process ends; the other kinds are nobody's business but that of the call."""


def written() -> Scene:
    scene = Scene()
    while scene.log.number < STEPS * LINES:
        step(scene)
    return scene


def lived(scene: Scene, fault: Fault) -> tuple[Life, PipeError | None]:
    """A life to the end of the input or to the fault."""
    lives: list[Life] = []

    async def script(scene: Scene, life: Life, agent: object) -> None:
        lives.append(life)
        await to_the_end(scene, life, agent)

    try:
        scene.live(script, once=True, fault=fault)
    except PipeError as error:
        return lives[0], error
    return lives[0], None


@pytest.mark.parametrize("kind", get_args(FaultKind))
def test_a_fault_at_any_call_costs_nothing_but_a_start(kind: FaultKind) -> None:
    """ENOSPC, EIO, a failed sync (which is never tried again), a short write, EINTR."""
    count = lived(written(), Fault(kind, 0))[0].kernel.chances(kind)
    assert count > 5
    ended = 0
    for at in range(1, count + 1, 1 if kind in ENDS and kind != "io" else 5):
        scene = written()
        life, error = lived(scene, Fault(kind, at, lasting=kind == "full"))
        assert not life.kernel.believed, f"{kind} at {at}: {life.kernel.believed} was synced again"
        assert error is None or (kind in ENDS and isinstance(error, ENDS[kind])), f"{kind} at {at}: {error!r}"
        ended += error is not None
        scene.machine.cut("dropped" if kind == "sync" else "kept")
        scene.finish()
        scene.machine.cut()
        judge(scene)
    assert (ended > 0) == (kind in ENDS)
