"""Every crash of one life of the engine, in every way a disk can lose what was not synced."""

from __future__ import annotations

import random

import pytest
from explore import Crash, explore, first_life, follow, moody, well
from scene import Scene

from pipeline.testing import world

SHARES = 16


@pytest.mark.parametrize("share", range(SHARES))
def test_after_a_power_cut_at_any_point_everything_is_exact(share: int) -> None:
    """Also after a second one during what follows; and every durable state on the way keeps the invariants."""
    counts = explore(share, SHARES, twice=40)
    assert counts.points > 1000
    assert counts.different > 1500
    assert (counts.audits > 50) == (share == 0)
    assert counts.seconds > 10


def test_a_window_is_not_sent_before_its_time() -> None:
    """A line of 2099 and one of 1970 close no other window: without faults every window is sent once."""
    assert well() is None


def test_a_scene_taken_at_a_point_is_what_a_kill_there_leaves() -> None:
    """So that a life need not be run anew for each of its points."""
    crashes = first_life().crashes
    for crash in random.Random(1).sample(crashes, 20):
        scene = Scene()
        scene.remote.fate = moody
        with pytest.raises(world.Crash):
            scene.live(follow, kill_at=crash.point)
        scene.machine.cut(crash.cut, random.Random(crash.point))
        assert contents(scene) == contents(crash.scene), where(crash)


def contents(scene: Scene) -> tuple[object, ...]:
    disk = scene.machine.disk
    files = {path: (number, bytes(disk.nodes[number].seen)) for path, number in disk.names.items()}
    return files, scene.remote.objects, scene.remote.documents, scene.log.lines


def where(crash: Crash) -> str:
    return f"{crash.cut} at {crash.point} ({crash.what})"
