"""Random histories: kills, power cuts, failing disks and sinks, clocks that jump, rotations, reloads; always exact in the end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import storm
from planted import planted
from storm import Action, StormError, actions, check, failure, play

SEEDS = 300
SHARES = 6

RUN = Path(__file__).parent / "run.py"


@pytest.mark.parametrize("share", range(SHARES))
def test_any_history_ends_exact(share: int) -> None:
    """`python tests/simulation/run.py --seeds 10000` takes more of them."""
    for seed in range(share, SEEDS, SHARES):
        check(seed)


def test_every_kind_of_action_is_among_them() -> None:
    """No kind is forgotten because of its weight."""
    seen = {action.name for seed in range(SEEDS) for action in actions(seed)[1]}
    assert seen == {
        "write", "sleep", "rotate", "late", "odd", "kill", "stop", "reload", "fates", "fault", "jump", "rewrite", "stutter",
        "compress",
    }  # fmt: skip


def test_a_history_is_the_same_each_time() -> None:
    """In this process and in others, whatever their hash seed: every point is passed in the same order."""
    told = [
        subprocess.run(
            [sys.executable, str(RUN), "--seed", "9"],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert told[0] == told[1]
    assert play(9).trace.hexdigest()[:16] in told[0]


def test_a_failure_names_the_few_actions_that_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the command that plays exactly them again."""
    history = [Action("sleep", 0.1), Action("stutter"), Action("rotate"), Action("write", 150), Action("sleep", 15.0)]
    monkeypatch.setattr(storm, "actions", lambda seed: ("1h", history))
    with planted("offset without CAS"):
        with pytest.raises(StormError, match=r"see it again: python tests/simulation/run.py --seed 5 --only 1,4$"):
            check(5)
        assert failure(5, [1, 4]) is not None
        assert failure(5, [4]) is None
