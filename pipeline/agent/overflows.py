"""Windows with more groups than they may have: told once an hour a stage, and counted."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.agent.telemetry import Journal, NodeMeter
from pipeline.env import Clock

HOUR = 3600.0


class Overflows:
    """Of one run. Not safe to call from several threads."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._told: dict[str, float] = {}

    def heed(self, overflowed: Mapping[str, int], meters: Mapping[str, NodeMeter]) -> None:
        """What a commit put together: how often the state of a window of each stage was cut down to its bound."""
        now = self._clock.monotonic()
        for stage, times in overflowed.items():
            if not times:
                continue
            meters[stage].count("windows.overflowed", times)
            if now - self._told.get(stage, float("-inf")) >= HOUR:
                self._told[stage] = now
                self._journal.say(
                    "warning",
                    stage,
                    "more groups in a window than it may have: the rest is counted as __other__, rankings are partial",
                    {"overflowed": times, "help": "group by fewer values, or raise groups: of the window"},
                )
