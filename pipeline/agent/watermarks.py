"""How far event time has come: the watermark of each window stage.

The watermark of a partition is its highest event time; times more than an hour ahead of the wall clock do not count. That of a
stage is the lowest of its partitions that have unread or recent data. When all are idle it advances with elapsed time. A partition
with unread data and no event time yet holds everything back: the clock never closes a window while unread input exists.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pipeline.plan.effects import LEAD, Effects
from pipeline.plan.graph import AnyWindow, Graph


@dataclass
class Activity:
    """When there was data last (monotonic seconds): of each partition by source, until it is forgotten, and of each source."""

    started: float
    seen: dict[str, dict[str, float]] = field(default_factory=dict)
    last: dict[str, float] = field(default_factory=dict)

    def saw(self, source: str, partition: str, at: float) -> None:
        self.seen.setdefault(source, {})[partition] = at
        self.last[source] = at

    def forget(self, source: str, partition: str) -> None:
        """The partition is gone for good. That its source had data stays known."""
        self.seen.get(source, {}).pop(partition, None)


def watermarks(
    graph: Graph,
    windows: Mapping[str, AnyWindow],
    stored: Mapping[str, Mapping[str, int]],
    effects: Iterable[Effects],
    backlogs: Mapping[str, Mapping[str, int]],
    computing: Mapping[str, frozenset[str]],
    activity: Activity,
    *,
    now: int,
    monotonic: float,
) -> dict[str, int]:
    """The watermark (µs) of each window stage once these effects are committed; stages of which nothing is known are left out.

    `stored`: stage → partition → highest event time of what is committed. `backlogs` are of all sources; the rest as for
    `watermark`."""
    found = {}
    effects = list(effects)
    for name, window in windows.items():
        high = dict(stored.get(name, {}))
        for effect in effects:
            for partition, mark in effect.high.get(name, {}).items():
                high[partition] = max(mark, high.get(partition, mark))
        reached = watermark(
            high=high,
            backlogs={source: backlogs.get(source, {}) for source in graph.sources_of(name)},
            computing=computing,
            activity=activity,
            idle=window.idle,
            now=now,
            monotonic=monotonic,
        )
        if reached is not None:
            found[name] = reached
    return found


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
            mark = min(mark, now + LEAD)
            lowest = mark if lowest is None else min(lowest, mark)
        last = max(last, activity.last.get(source, last))
    if busy or not high:
        return lowest
    quiet = round((monotonic - last) * 1e6)
    return min(max(high.values()), now + LEAD) + quiet if quiet >= idle else None
