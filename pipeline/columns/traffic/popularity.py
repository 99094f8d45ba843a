"""Popularity that falls with rank as Zipf and Mandelbrot found it: rank k (from 0) weighs 1 / (k + flat)."""

from bisect import bisect_right
from itertools import accumulate

from pipeline.columns.traffic.mix import Draws


def _weights(count: int, flat: int) -> list[int]:
    # Integers, so that no rounding of a sum can move a boundary.
    return [2**40 // (rank + flat) for rank in range(count)]


class Popularity:
    """Draws ranks 0..count-1. `flat` ≥ 1 flattens the head: 1 is Zipf's law, 50 makes the first fifty nearly equal."""

    def __init__(self, count: int, flat: int = 1) -> None:
        self._upto = list(accumulate(_weights(count, flat)))

    def rank(self, draws: Draws) -> int:
        """A rank, the lower the likelier."""
        return bisect_right(self._upto, draws.below(self._upto[-1]))


def quantiles(count: int, flat: int, slots: int) -> list[int]:
    """A table of `slots` ranks in which each rank has its share of the slots: a uniform index draws a rank in one look-up."""
    upto = list(accumulate(_weights(count, flat)))
    total = upto[-1]
    table: list[int] = []
    for rank, weight in enumerate(upto):
        table.extend([rank] * ((weight * slots + total // 2) // total - len(table)))
    return table
