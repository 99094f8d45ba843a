"""Sessions: facts about the events of a key that follow each other closely."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

import polars as pl

from pipeline import api
from pipeline.api import windows
from pipeline.api.windows import sessions, turns

from . import metrics

RESERVED = (
    *("id", "host", "revision", "part", "partial", "window_start", "window_end", "key"),
    *("retracted", "session"),
)


class Options(api.Options):
    gap: api.Duration = api.option("The most time between two events of a session.", ge=1)
    lateness: api.Duration = api.option("How long to wait for late events before a session is sent.", default=0, ge=0)
    on: api.Field | None = api.option("The time of an event, a field of the top level.", default=None)
    keep: api.Duration = api.option(
        "How long, in event time, a session that was sent is kept, so that later events can revise it.",
        default=3_600_000_000,
        ge=0,
    )
    max: api.Duration | None = api.option(
        "Sessions are cut at each multiple of this time since 1970, in UTC, so that none is longer.", default=None, ge=1
    )
    idle: api.Duration = api.option(
        "A source partition without new data for so long holds no session back.", default=10_000_000, ge=0
    )
    count: int = api.option(
        "The most sessions that are open or kept; of more, those whose last event is longest ago are sent and let go.",
        default=100_000,
        ge=1,
    )
    by: tuple[api.Field, ...] = api.option("The fields that make the key.", default=())
    block: api.Metrics = api.option("The metrics: `name = aggregate(…) where condition`.")


class Session(api.Sessions[Options]):
    """Turns the events of a key that follow each other by at most `gap` of event time into one event: a session, with its key,
    the times of its first and its last event, and the metrics as fields.

    Which sessions there are depends on the events alone, not on the order in which they arrive, nor on which file they
    are in. A session is sent once event time has passed its last event by more than `gap` and `lateness`, as revision 1. An
    event that comes later and belongs to it is merged, and the session is sent again under the same `id` as revision 2, 3, … when
    it is over again. Where an event makes one session of several that were sent, the one that began first goes on,
    and each of the others is sent a last time as it was, without metrics and with `retracted: true`.

    A session is kept until event time has passed its last event by more than `gap`, `lateness` and `keep`. What belongs to it and comes
    after that makes a session of its own, which is sent at once; where all of that session is so late, it has `partial: true`.
    No event is left out.

    `max` bounds the length: sessions are cut at its multiples since 1970, in UTC, also those that are shorter: with
    `max: 1d`, no session goes on past midnight. Without it, a key that is never quiet for `gap` has one session without an end.

    `window_start` and `window_end` are the times of the first and the last event; they are equal where there is but one. The key may be
    null: null is a key of its own. A metric whose `where` no event passed has the value of no events: 0 for `count`, `sum` and
    `distinct`, null for others. `rate` is not there, as a session has no length before it is over. Events without a time in
    `on` are rejected (`no_time`).

    All sessions that are open or kept are one state, which is read and written whole when one of them is sent: bytes for each
    session and metric, and more for what is kept for each value (`top`, `distinct`, `quantile`). `count` bounds how many they
    are; those that are sent because of it have `partial: true`, and what comes of them later is a session of its own."""

    name = "session"
    options_model = Options
    example = """
source access = generate(count: 100)
transform visits = access
  | grok('%{NGINX_COMBINED}')
  | session(30m, lateness: 5s) by remote_addr {
      pages  = count()
      volume = sum(body_bytes_sent)
      errors = count() where status >= 500
    }
sink out = visits -> console()
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        if not options.by:
            raise api.OptionError("a session needs a key", "by", "such as session(30m) by user { pages = count() }")
        if not options.block:
            raise api.OptionError("a session needs a metric", "block", "such as { pages = count() }")
        metrics.clock(options.on)
        metrics.names(options.block, options.by, "session", RESERVED)
        spec = windows.Spec(
            size=0,
            measures=tuple(metrics.measure(metric, wide=True, length=False) for metric in options.block),
            on=self.on,
            by=metrics.keys(options.by, "by"),
        )
        try:
            self._plan = sessions.plan(spec, options.gap, options.max)
        except ValueError as error:
            raise api.OptionError(str(error), "block") from error
        try:
            self._told = turns.told(self._plan)
        except ValueError as error:
            raise api.OptionError(f"key fields clash: {error}", "by", "name each field once") from error

    def schema(self, columns: api.Columns) -> api.Columns:
        on = columns.get((self.on,))
        if on is not None and on.kind != "time":
            raise api.OptionError(
                f"{self.on} is {on}, not a time", "on", "parse it first: set { t = time(field, format) }"
            )
        sending = {"host": api.STRING, "revision": api.INT, "part": api.INT, "partial": api.BOOL}
        return api.Columns({"id": api.STRING, **self._told, **sending})

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
    def on(self) -> str:
        return "@timestamp" if self.options.on is None else self.options.on.path[0]

    @property
    def fingerprint(self) -> str:
        options = self.options
        by = [[field.path, str(field.type)] for field in options.by]
        told = ["session", LAYOUT, options.gap, options.max, self.on, by, metrics.meaning(options.block)]
        return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()

    def describe(self) -> Mapping[str, str]:
        kept = f"{self.options.count:,} at most; of more, those whose last event is longest ago are sent and let go"
        return {"sessions": kept}

    def deltas(self, batch: api.Batch) -> tuple[api.Batch, Mapping[int, api.Delta]]:
        batch = metrics.timed(self.options.block, batch, self.on)
        return batch, sessions.pieces(self._plan, batch.frame)

    def merge(self, deltas: Sequence[api.Delta]) -> api.Delta:
        return sessions.together(self._plan, deltas)

    def due(self, delta: api.Delta) -> int | None:
        last = sessions.last(delta)
        return None if last is None else last + self.options.gap + self.options.lateness + 1

    def turn(self, state: api.Delta, mark: int | None, before: int | None, number: int, *, final: bool) -> turns.Turn:
        options = self.options
        wait = options.gap + options.lateness
        moment = turns.Moment(mark, before, number, wait, options.keep, options.count, final)
        return turns.turned(self._plan, state, moment)

    def rows(self, start: int, state: api.Delta) -> pl.DataFrame:
        return turns.rows(self._plan, state)


LAYOUT = 1
"""Version of how sessions lay out their state; part of the fingerprint."""
