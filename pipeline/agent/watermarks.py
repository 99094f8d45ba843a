"""How far event time has come: the watermark of each window stage.

The watermark of a partition is its highest event time, at most an hour ahead of the wall clock. That of a stage is the
lowest of its partitions that have unread or recent data. When all are idle it advances with elapsed time. A partition
with unread data and no event time yet holds everything back: the clock never closes a window while unread input exists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

AHEAD = 3600 * 1_000_000
"""How far (µs) event time may run ahead of the wall clock."""


@dataclass
class Activity:
    """When each partition last had data (monotonic seconds), by source."""

    started: float
    seen: dict[str, dict[str, float]] = field(default_factory=dict)

    def saw(self, source: str, partition: str, at: float) -> None:
        self.seen.setdefault(source, {})[partition] = at


def watermark(
    *,
    high: Mapping[str, int],
    backlogs: Mapping[str, Mapping[str, int]],
    computing: Mapping[str, frozenset[str]],
    activity: Activity,
    idle: int,
    now: int,
    monotonic: float,
) -> int | None:
    """The watermark (µs) of a stage, or None while nothing is known.

    `high`: partition → highest event time of what this commit will cover. `backlogs`: source → partition → unread bytes,
    finished partitions left out. `computing`: source → partitions with rows that were read but are not in this commit."""
    lowest: int | None = None
    last = activity.started
    busy = False
    for source, backlog in backlogs.items():
        seen = activity.seen.get(source, {})
        waiting = computing.get(source, frozenset())
        for partition in {*backlog, *waiting}:
            unread = backlog.get(partition, 0) > 0 or partition in waiting
            recent = partition in seen and (monotonic - seen[partition]) * 1e6 < idle
            if not (unread or recent):
                continue
            mark = high.get(partition)
            if mark is None:
                if unread:
                    return None
                continue
            busy = True
            mark = min(mark, now + AHEAD)
            lowest = mark if lowest is None else min(lowest, mark)
        last = max([last, *seen.values()])
    if busy or not high:
        return lowest
    quiet = int((monotonic - last) * 1e6)
    return min(max(high.values()), now + AHEAD) + quiet if quiet >= idle else None
