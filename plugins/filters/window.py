"""Windows over event time: facts about the events of every ten seconds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

import polars as pl

from pipeline import api
from pipeline.api import windows

from . import metrics

RESERVED = ("id", "host", "revision", "part", "partial", "window_start", "window_end", "key")


class Options(api.Options):
    size: api.Duration = api.option("Length of a window.", ge=1)
    slide: api.Duration | None = api.option(
        "Distance between the starts of two windows, for windows that overlap; divides `size`.", default=None
    )
    lateness: api.Duration = api.option("How long to wait for late events before a window is sent.", default=0, ge=0)
    on: api.Field | None = api.option("The time of an event, a field of the top level.", default=None)
    keep: api.Duration = api.option(
        "How long a window that was sent is kept, so that later events can revise it.", default=3_600_000_000, ge=0
    )
    idle: api.Duration = api.option(
        "A source partition without new data for so long holds no window back.", default=10_000_000, ge=0
    )
    groups: int = api.option(
        "The most groups that a metric has in one window; those beyond are counted together as `__other__`.",
        default=50_000,
        ge=1,
    )
    by: tuple[api.Field, ...] = api.option("One event per group, with the metrics as columns.", default=())
    block: api.Metrics = api.option("The metrics: `name = aggregate(…) by field where condition`.")


class TimeWindow(api.Window[Options]):
    """Cuts time into windows and turns the events of each window into a few facts.

    A window starts at a multiple of its size since 1970, in UTC; with `slide`, an event is in size/slide windows. It is
    sent once event time has passed its end by `lateness`, as revision 1; events that come later are merged, and it is sent
    again under the same `id` as revision 2, 3, … for as long as it is kept.

    Without `by` after the window there is one event per metric and key: `metric`, `by` (an object with the group, or null),
    `value` (numbers; durations in seconds) or `text` (strings, times, booleans), `rank` for rankings, `window_start` and
    `window_end`. With `by`, there is one event per group: the group's fields, then each metric under its own name; a ranking
    is a list of `{key, count}`. Group fields may be null: null is a group of its own.

    Every group with an event that passes the metric's `where` has a value; null values are skipped by all aggregates but
    `count` and `rate`. A metric without `by` has a value in every window that has events, also when its `where` let none
    pass: 0 for `count`, `sum`, `distinct` and `rate`, null for others, and no event for `top`. Events without a time in `on`
    are rejected (`no_time`).

    Results do not depend on the order in which events arrive, up to `groups` groups of a metric in a window. Of more, those that
    came first keep their names, and all others are counted as one: `__other__` for a key that is a text, null for others. Its
    values are those of all these events together, so counts and sums over the groups stay exact. Metrics with a `by` of their own
    have their own groups. What is kept for each value (`top`, `distinct`, `quantile`) has ten times as many rows at most, over
    all groups: beyond that `top` keeps the most frequent values, and its facts have `partial: true`; others put groups together.
    The value of such a rank is never below the true count, and above it by at most the group's events divided by the values
    that are kept of it."""

    name = "window"
    options_model = Options
    example = """
source access = generate(count: 100)
transform facts = access
  | grok('%{NGINX_COMBINED}')
  | window(10s, lateness: 5s) {
      requests = count() by status
      top_ips  = top(3, remote_addr) where status < 400
      volume   = sum(body_bytes_sent)
    }
sink out = facts -> console()
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        _check(options)
        spec = windows.Spec(
            size=options.size,
            measures=tuple(
                metrics.measure(metric, wide=bool(options.by), length=options.size > 0) for metric in options.block
            ),
            on=self.on,
            slide=None if options.slide == options.size else options.slide,
            by=metrics.keys(options.by, "by"),
            groups=options.groups,
        )
        try:
            self._columns = windows.columns(spec)
        except ValueError as error:
            raise api.OptionError(f"group fields clash: {error}", "by", "name each field once") from error
        try:
            self._plan = windows.plan(spec)
        except ValueError as error:
            raise api.OptionError(str(error), "block") from error

    def schema(self, columns: api.Columns) -> api.Columns:
        on = columns.get((self.on,))
        if on is not None and on.kind != "time":
            raise api.OptionError(
                f"{self.on} is {on}, not a time", "on", "parse it first: set { t = time(field, format) }"
            )
        sending = {"host": api.STRING, "revision": api.INT, "part": api.INT, "partial": api.BOOL}
        return api.Columns({"id": api.STRING, **self._columns, **sending})

    @property
    def size(self) -> int:
        return self.options.size

    @property
    def lateness(self) -> int:
        return self.options.lateness

    @property
    def keep(self) -> int:
        return self.options.keep

    @property
    def idle(self) -> int:
        return self.options.idle

    @property
    def partial(self) -> frozenset[str]:
        return frozenset(metric.name for metric in self.options.block if not metric.aggregate.additive)

    @property
    def on(self) -> str:
        return "@timestamp" if self.options.on is None else self.options.on.path[0]

    @property
    def fingerprint(self) -> str:
        options = self.options
        by = [[field.path, str(field.type)] for field in options.by]
        text = json.dumps(
            [LAYOUT, options.size, options.slide, self.on, by, metrics.meaning(options.block)], ensure_ascii=False
        )
        return hashlib.sha256(text.encode()).hexdigest()

    def describe(self) -> Mapping[str, str]:
        continued = [metric.name for metric in self.options.block if metric.aggregate.additive]
        partial = sorted(self.partial)
        late = [
            *([f"{', '.join(continued)}: an extra part to add"] if continued else []),
            *([f"{', '.join(partial)}: marked partial"] if partial else []),
        ]
        most = self.options.groups
        return {
            "events after keep": "; ".join(late),
            "groups": f"{most:,} of a metric in a window at most; the rest is counted as {windows.OTHER}",
        }

    def deltas(self, batch: api.Batch) -> tuple[api.Batch, Mapping[int, api.Delta]]:
        batch = self._timed(batch)
        return batch, windows.deltas(self._plan, batch.frame)

    def members(self, batch: api.Batch, start: int, event: Mapping[str, object]) -> api.Batch:
        batch = self._timed(batch)
        return batch.with_frame(windows.members(self._plan, batch.frame, start, event))

    def _timed(self, batch: api.Batch) -> api.Batch:
        return metrics.timed(self.options.block, batch, self.on)

    def merge(self, deltas: Sequence[api.Delta]) -> api.Delta:
        return windows.merge(self._plan, deltas)

    def bounded(self, deltas: Sequence[api.Delta]) -> tuple[api.Delta, bool]:
        return windows.bounded(self._plan, deltas)

    def rows(self, start: int, state: api.Delta) -> pl.DataFrame:
        return windows.rows(self._plan, start, state)


OVERLAP = 1000
"""Windows that one event may be in."""

LAYOUT = 2
"""Version of how windows lay out their state; part of the fingerprint."""


def _check(options: Options) -> None:
    if not options.block:
        raise api.OptionError("a window needs a metric", "block", "such as { requests = count() }")
    if options.slide is not None and (options.slide <= 0 or options.size % options.slide or options.size == 0):
        raise api.OptionError("slide must divide size", "slide", "such as window(1m, slide: 10s)")
    if options.slide is not None and options.size // options.slide > OVERLAP:
        raise api.OptionError(
            f"an event would be in {options.size // options.slide} windows, {OVERLAP} is the most",
            "slide",
            "take a longer slide",
        )
    metrics.clock(options.on)
    metrics.names(options.block, options.by, "window", RESERVED)
