"""The tape: visits of all kinds written one after another, which the lanes of a traffic replay from different places."""

from bisect import bisect_right
from itertools import accumulate
from typing import NamedTuple

from pipeline.columns.traffic.clients import KINDS
from pipeline.columns.traffic.mix import Draws
from pipeline.columns.traffic.outage import SHARE_ALWAYS, SHARE_IN_OUTAGE, perhaps_failed
from pipeline.columns.traffic.request import Request


class Tape(NamedTuple):
    """Lists of equal length, one entry per request: which kind of client asks (its index in `KINDS`), the step of its
    visit (0 is the first), what it asks on a normal day, and the same during an outage (the same
    object where the outage makes no difference)."""

    kind: list[int]
    step: list[int]
    normal: list[Request]
    outage: list[Request]


def record(draws: Draws, length: int) -> Tape:
    """Record `length` requests; the last visit is cut off there."""
    tape = Tape([], [], [], [])
    upto = list(accumulate(kind.visits for kind in KINDS))
    while len(tape.kind) < length:
        number = bisect_right(upto, draws.below(upto[-1]))
        requests = KINDS[number].journey(draws)[: length - len(tape.kind)]
        tape.kind.extend([number] * len(requests))
        tape.step.extend(range(len(requests)))
        normal = [perhaps_failed(request, SHARE_ALWAYS, draws) for request in requests]
        tape.normal.extend(normal)
        tape.outage.extend(perhaps_failed(request, SHARE_IN_OUTAGE, draws) for request in normal)
    return tape
