"""Who asks what on line n: a pure function of the seed and the line number, so that any line can be the first.

The traffic is `count` lanes side by side. Each round gives every lane one line, in an order of its own. A lane replays
the tape from a place of its own, for ever, and its visits come one after another; the client of a visit is drawn from
the lane and the place where the visit began. So all lines of a visit agree, and no state is carried from line to line.
"""

import polars as pl

from pipeline.columns.traffic.mix import constant, key_of, mix_column

# Odd numbers: multiplying by one modulo a power of two is a permutation.
_TURN_STRIDE = 0x5BD1_E995
_ROUND_STRIDE = 0x9E37_79B9

_FEWEST, _MOST = 2**6, 2**20


def lanes_for(rate: float) -> int:
    """How many visits run at a time: a power of two that lets a visitor ask again after one to two seconds."""
    lanes = _FEWEST
    while lanes < rate and lanes < _MOST:
        lanes *= 2
    return lanes


class Lanes:
    """Finds places on the tape and clients for line numbers. `step` and `pool` are columns (UInt64) over the tape: the
    step of a visit, and where the clients of its kind begin among all slots; `slots` is the number of them per kind."""

    def __init__(self, seed: int, count: int, step: pl.Series, pool: pl.Series, slots: int) -> None:
        self._key = constant(key_of(seed, 1))
        self._count = count
        self._step = step
        self._pool = pool
        self._slots = slots

    def places(self, numbers: pl.Series) -> tuple[pl.Series, pl.Series]:
        """For line numbers (UInt64): the place on the tape and the slot of the client (both UInt64)."""
        rounds = numbers // self._count
        turn = numbers * _TURN_STRIDE
        lane = (turn ^ (rounds * _ROUND_STRIDE // 2**16)) % self._count
        lane_key = mix_column(lane ^ self._key)
        walked = rounds + lane_key // 2**40
        place = walked % len(self._step)
        began = walked - self._step.gather(place)
        visit = mix_column(lane_key ^ began)
        return place, self._pool.gather(place) + visit % self._slots
