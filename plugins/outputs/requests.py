"""Segments as requests: how a segment's events are cut into them, and what is done with those that a server does not take.

The cut is a function of the segment: its limits are part of the segment's form, so that the same request has the same name and
bytes whenever it is sent, by a later program too. Requests are sent one after the other, in the order of events."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field

from pipeline import api

SEGMENT = 4 << 20
"""Bytes at which a segment is complete, or a request's where these are more."""

MOST_REFUSED = 200
"""Events that one call looks for and finds refused. More of them are no bad events, but a bad setting, or bad weather."""

REMEMBERED = 100
"""Segments of which it is known how far they are: the one at hand, and those that were set aside."""


class Gathered(api.Options):
    """How events are gathered."""

    age: api.Duration = api.option("How long events are gathered for a request.", default=1_000_000, ge=1)
    events: int = api.option("Events in a request, at most.", default=1_000, ge=1)
    size: api.Size = api.option(
        "Bytes of events in a request, at most. A larger event is sent alone.", default=1 << 20, ge=1
    )


@dataclass(frozen=True)
class Limits:
    """How large a request may be."""

    events: int
    size: int

    @classmethod
    def of(cls, options: Gathered) -> Limits:
        return cls(options.events, options.size)

    @property
    def form(self) -> str:
        return json.dumps({"events": self.events, "size": self.size})

    def begun(self, form: str) -> Limits:
        """Those that a segment was begun with. Raises ConfigurationError for the form of something else."""
        if not form:
            return self
        try:
            found = json.loads(form)
            return Limits(found["events"], found["size"])
        except (ValueError, KeyError, TypeError):
            raise api.ConfigurationError(
                "these events were written for another output", "Run the program as it was to deliver them."
            ) from None

    def layout(self, age: int, extension: str) -> api.Layout:
        roll = api.Roll(age=age, size=max(SEGMENT, self.size))
        return api.Layout(roll=roll, extension=extension, form=self.form)

    def cuts(self, events: Sequence[bytes]) -> Iterator[tuple[int, int]]:
        """The first event of each request, and the one after its last."""
        first, size = 0, 0
        for number, event in enumerate(events):
            # What is between two events is counted with them.
            more = len(event) + 1
            if number > first and (size + more > self.size or number - first >= self.events):
                yield first, number
                first, size = number, 0
            size += more
        if first < len(events):
            yield first, len(events)


@dataclass(frozen=True)
class Request:
    """Some of a segment's events. `name` is the same whenever they are sent, and that of no others."""

    name: str
    segment: str
    events: Sequence[bytes]


@dataclass(frozen=True)
class Taken:
    """The server has all of them."""


@dataclass(frozen=True)
class TooLarge:
    """The server takes no request of this size."""

    told: str


@dataclass(frozen=True)
class Refused:
    """The server takes none of them, since one is not as it should be: `event` where it says which."""

    reason: str
    told: str
    event: int | None = None


Verdict = Taken | TooLarge | Refused | api.Result
"""What became of a request; a Result where it is to be sent again."""

Send = Callable[[Request], Awaitable[Verdict]]


@dataclass
class _Progress:
    """What of a segment was not answered yet, as events from and to, in order; which of its events are refused."""

    waiting: deque[tuple[int, int]]
    refused: list[api.Refusal] = field(default_factory=list)


class Requests:
    """Sends segments for an output of this name. What a server has taken of one is known while this process lives, and not sent again."""

    def __init__(self, name: str, limits: Limits, send: Send, ctx: api.Context) -> None:
        self._name = name
        self._limits = limits
        self._send = send
        self._ctx = ctx
        self._begun: dict[str, _Progress] = {}
        self._warned = False

    async def put(self, segment: api.Segment) -> api.Result:
        """Send what was not taken yet of a segment. Raises OSError, and ValueError where too many events are refused."""
        events = await self._ctx.run(_events, segment, self._ctx)
        progress = self._begun.get(segment.name)
        if progress is None:
            progress = _Progress(deque(self._limits.begun(segment.form).cuts(events)))
            if len(self._begun) >= REMEMBERED:
                del self._begun[next(iter(self._begun))]
            self._begun[segment.name] = progress
        before = len(progress.refused)
        while progress.waiting:
            first, last = progress.waiting[0]
            name = f"{segment.name}/{first}-{last - 1}"
            self._ctx.metrics.count(f"{self._name}.requests")
            verdict = await self._send(Request(name, segment.name, events[first:last]))
            if isinstance(verdict, api.Result):
                return verdict
            progress.waiting.popleft()
            if not isinstance(verdict, Taken):
                self._part(progress, first, last, verdict)
                if len(progress.refused) - before > MOST_REFUSED:
                    raise ValueError(
                        f"more than {MOST_REFUSED} events of one segment are refused, so something else may be wrong than these "
                        f"events: {progress.refused[-1].detail}"
                    )
        del self._begun[segment.name]
        return api.Result(refused=tuple(sorted(progress.refused, key=lambda refusal: refusal.row)))

    def _part(self, progress: _Progress, first: int, last: int, verdict: TooLarge | Refused) -> None:
        """Let go of the event that is at fault, and send the others without it; or look for it in both halves."""
        if isinstance(verdict, TooLarge) and last - first > 1 and not self._warned:
            self._warned = True
            told = "the server takes no requests of this size, so they are sent in halves: lower `size` or `events`"
            self._ctx.log.warning(told, reason=verdict.told)
        middle = (first + last) // 2
        left, right = (first, middle), (middle, last)
        bad = first if last - first == 1 else None
        if isinstance(verdict, Refused) and verdict.event is not None and first + verdict.event < last:
            bad = first + verdict.event
        if bad is not None:
            reason = "too_large" if isinstance(verdict, TooLarge) else verdict.reason
            progress.refused.append(api.Refusal(bad, reason, verdict.told))
            self._ctx.metrics.count(f"{self._name}.refused")
            left, right = (first, bad), (bad + 1, last)
        progress.waiting.extendleft(part for part in (right, left) if part[0] < part[1])


def _events(segment: api.Segment, ctx: api.Context) -> list[bytes]:
    """The rows of a segment, a line each. Blocks the thread."""
    data = segment.read(ctx.files)
    found = data.removesuffix(b"\n").split(b"\n") if data else []
    if len(found) != segment.rows:
        raise ValueError(
            f"{segment.rows:,} events have {len(found):,} lines: write them with a codec that makes a line of each"
        )
    return found
