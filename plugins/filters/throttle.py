"""Let so many events of a key through in a time."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

import polars as pl

from pipeline import api

from .remembered import check, hashed, oldest


class Options(api.Options):
    rate: int = api.option("How many events of a key may pass in the time of `per`.", ge=1, le=1_000_000_000)
    per: api.Duration = api.option("The time that `rate` is for.", default=1_000_000, ge=1)
    burst: int | None = api.option(
        "How many events of a key may pass at once, after a time without any; `rate` by default.", default=None, ge=1
    )
    mark: api.NewName | None = api.option(
        "Let all events through, and say in this field, true or false, which are too many.", default=None
    )
    count: int = api.option(
        "How many keys are remembered, of each partition; the one that passed least recently goes first.",
        default=10_000,
        ge=1,
        le=1_000_000,
    )
    by: tuple[api.Field, ...] = api.option("The fields that make the key; without, all events have one.", default=())


Due = dict[int, int]
"""Hash of a key → when its next event is expected at the steady rate (µs times `rate`), in the order of passing."""

ALL = 0
"""The key of all events, where none is named."""


class Throttle(api.Fold[Options, Due]):
    """Lets `rate` events of each key through in the time of `per`, and drops what is too much: it is filtered, counted, and
    gone. With `mark` nothing is dropped: all events have a field of that name, true for those that are too many, so that a `route`
    can part them.

    It is the generic cell rate algorithm (a leaky bucket, also that of network equipment): events pass at the steady rate, and
    `burst` of them at once when the key was quiet. Time is that of the events, `@timestamp`, so reading the same lines again
    gives the same. An event that comes late, with an earlier time, is judged by that time, and never makes the key's time go back.

    The key is made of the fields of `by`. An event that has none of them is let through. What passed is remembered for
    each partition by itself, of a file, or of whatever the input calls one: the rate is that of each, not of all together. Of each
    partition the `count` keys that passed last are remembered; one that is forgotten begins anew with a whole burst. A key takes 24
    bytes of the state, which is written in every commit in which one passed."""

    name = "throttle"
    options_model = Options
    example = """
source access = generate(count: 100)
transform few = access
  | grok('%{NGINX_COMBINED}')
  | throttle(10, per: 1m, burst: 3) by remote_addr
sink out = few -> console()
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        if options.mark is not None and options.mark.startswith("@"):
            raise api.OptionError(f"{options.mark} is metadata", "mark", "name a field of the event")

    def schema(self, columns: api.Columns) -> api.Columns:
        check(self.options.by, columns)
        mark = self.options.mark
        return columns if mark is None else columns.with_field((mark,), api.BOOL)

    def empty(self) -> Due:
        return {}

    def step(self, state: Due, batch: api.Batch, now: int) -> tuple[Due, api.Batch]:
        frame = batch.frame
        keys = hashed(frame, self.options.by) if self.options.by else [ALL] * frame.height
        over, after = self._over(state, keys, frame.get_column("@timestamp").to_physical().to_list())
        mark = self.options.mark
        mask = pl.Series(mark or "over", over, dtype=pl.Boolean)
        if mark is not None:
            return after, batch.with_columns(mask)
        return after, batch.with_frame(frame.filter(~mask)) if any(over) else batch

    def _over(self, state: Due, keys: Iterable[int | None], times: Sequence[int]) -> tuple[list[bool], Due]:
        """Which rows are too many. A row loop, on numbers: whether a row passes depends on each before it.

        Times are multiplied by `rate`, so that the steady distance of two events, `per`, is a whole number."""
        rate, step, count = self.options.rate, self.options.per, self.options.count
        slack = step * ((self.options.burst or rate) - 1)
        due = dict(state)
        again = set[int]()
        first = oldest(due, again)
        over: list[bool] = []
        for key, time in zip(keys, times, strict=True):
            if key is None:
                over.append(False)
                continue
            at = time * rate
            expected = due.get(key)
            if expected is not None:
                if at < expected - slack:
                    over.append(True)
                    continue
                del due[key]
                again.add(key)
            elif len(due) >= count:
                del due[next(first)]
            due[key] = (at if expected is None or at > expected else expected) + step
            over.append(False)
        return over, state if all(over) else due

    def dump(self, state: Due) -> bytes:
        # Beyond 64 bits: microseconds since 1970 times the rate.
        high, low = ([due >> 62 for due in state.values()], [due & (1 << 62) - 1 for due in state.values()])
        return struct.pack(f"<{3 * len(state)}q", *state.keys(), *high, *low)

    def load(self, data: bytes, version: int) -> Due:
        if version != self.state_version or len(data) % 24:
            raise ValueError(f"{len(data)} bytes of version {version} are not what throttle remembers")
        numbers = struct.unpack(f"<{len(data) // 8}q", data)
        size = len(numbers) // 3
        parts = zip(numbers[size : 2 * size], numbers[2 * size :], strict=True)
        return dict(zip(numbers[:size], (high << 62 | low for high, low in parts), strict=True))
