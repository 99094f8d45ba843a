"""Let one of several events with the same key through."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from pipeline import api

from .remembered import check, hashed, oldest

RAW = (api.Field(("@raw",), api.BYTES),)


class Options(api.Options):
    within: api.Duration = api.option(
        "For how long, by the time of the events, one that was let through stands for those like it.",
        default=600_000_000,
        ge=1,
    )
    count: int = api.option(
        "How many keys are remembered, of each partition; the one that was let through first goes first.",
        default=10_000,
        ge=1,
        le=1_000_000,
    )
    by: tuple[api.Field, ...] = api.option("The fields that make the key; without, the whole record.", default=())


Seen = dict[int, int]
"""Hash of a key → the time (µs) of the event that was let through, in the order of letting through."""


class Dedupe(api.Fold[Options, Seen]):
    """Lets an event through and drops those with the same key whose `@timestamp` is less than `within` away from it, earlier
    or later; they are filtered: counted, and gone. The next one that is further away is let through and stands for those like it.

    The key is made of the fields of `by`, or of the whole record. A field that is missing is a value like others; an event
    that has none of the fields is always let through.

    What was seen is remembered for each partition by itself: of a file, or of whatever the input calls one. So an event that
    comes in two files is let through in both, and a log that is rotated begins anew with each generation. Of each partition
    the `count` keys that were let through last are remembered, whatever `within` says: choose it above the number of different
    keys that come within that time. A key takes 16 bytes of the state, which is written in every commit in which one was let
    through. Keys are told apart by 64 bits of BLAKE2b: of a billion events and 10,000 keys, about one in two million such runs
    drops one event that it should not have."""

    name = "dedupe"
    options_model = Options
    example = """
source access = generate(count: 100)
transform visits = access
  | grok('%{NGINX_COMBINED}')
  | dedupe(within: 1h, count: 50_000) by [remote_addr, user_agent]
sink out = visits -> console()
"""

    def schema(self, columns: api.Columns) -> api.Columns:
        check(self.options.by, columns)
        return columns

    def empty(self) -> Seen:
        return {}

    def step(self, state: Seen, batch: api.Batch, now: int) -> tuple[Seen, api.Batch]:
        frame = batch.frame
        times = frame.get_column("@timestamp").to_physical()
        passed, after = self._pass(state, hashed(frame, self.options.by or RAW), times.to_list())
        if len(passed) == frame.height:
            return after, batch
        return after, batch.with_frame(frame[passed])

    def _pass(self, state: Seen, keys: Iterable[int | None], times: Sequence[int]) -> tuple[list[int], Seen]:
        """The rows that are let through. A row loop, on numbers: what is remembered for the next row depends on each."""
        within, count = self.options.within, self.options.count
        seen = dict(state)
        again = set[int]()
        first = oldest(seen, again)
        passed: list[int] = []
        for row, (key, time) in enumerate(zip(keys, times, strict=True)):
            if key is not None:
                last = seen.get(key)
                if last is not None:
                    if -within < time - last < within:
                        continue
                    del seen[key]
                    again.add(key)
                elif len(seen) >= count:
                    del seen[next(first)]
                seen[key] = time
            passed.append(row)
        return passed, seen if passed else state

    def dump(self, state: Seen) -> bytes:
        return struct.pack(f"<{2 * len(state)}q", *state.keys(), *state.values())

    def load(self, data: bytes, version: int) -> Seen:
        if version != self.state_version or len(data) % 16:
            raise ValueError(f"{len(data)} bytes of version {version} are not what dedupe remembers")
        numbers = struct.unpack(f"<{len(data) // 8}q", data)
        half = len(numbers) // 2
        return dict(zip(numbers[:half], numbers[half:], strict=True))
