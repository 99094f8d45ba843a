"""A 64-bit mixing function, for one number and for a column of them, and a stream of draws made of it.

The function is the finalizer of SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators",
OOPSLA 2014, with Stafford's constants, variant 13). It is spelled out here, rather than taken from a library, because
its answers must stay the same across versions and machines: a generated log is named by its seed alone.
"""

from collections.abc import Sequence
from typing import TypeVar

import polars as pl

T = TypeVar("T")

MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15
_FIRST = 0xBF58476D1CE4E5B9
_SECOND = 0x94D049BB133111EB
# Series of one row broadcast; a plain Python integer above 2**63 does not convert.
_FIRST_COLUMN = pl.Series([_FIRST], dtype=pl.UInt64)
_SECOND_COLUMN = pl.Series([_SECOND], dtype=pl.UInt64)


def mix(value: int) -> int:
    """A bijection of the integers in 0..2**64-1 whose every output bit depends on every input bit."""
    value = ((value ^ (value >> 30)) * _FIRST) & MASK
    value = ((value ^ (value >> 27)) * _SECOND) & MASK
    return value ^ (value >> 31)


def mix_column(values: pl.Series) -> pl.Series:
    """`mix` of every row: UInt64 in, UInt64 out, without nulls (Polars multiplies integers modulo 2**64)."""
    values = (values ^ (values // 2**30)) * _FIRST_COLUMN
    values = (values ^ (values // 2**27)) * _SECOND_COLUMN
    return values ^ (values // 2**31)


def key_of(seed: int, purpose: int) -> int:
    """A 64-bit key for one purpose of a seed (any integer), unrelated to the keys of its other purposes."""
    return mix((mix(seed & MASK) + purpose * GOLDEN) & MASK)


def constant(value: int) -> pl.Series:
    """One row of UInt64, to combine a column with a value of up to 64 bits."""
    return pl.Series([value], dtype=pl.UInt64)


class Draws:
    """An endless stream of pseudo-random draws that a 64-bit key determines (SplitMix64)."""

    def __init__(self, key: int) -> None:
        self._state = key & MASK

    def bits(self) -> int:
        """64 random bits."""
        self._state = (self._state + GOLDEN) & MASK
        return mix(self._state)

    def below(self, bound: int) -> int:
        """An integer in 0..bound-1."""
        return (self.bits() * bound) >> 64

    def between(self, low: int, high: int) -> int:
        """An integer in low..high, both included."""
        return low + self.below(high - low + 1)

    def chance(self, share: float) -> bool:
        """True with this probability."""
        return self.bits() < share * 2.0**64

    def pick(self, choices: Sequence[T]) -> T:
        """One of the choices, all equally likely."""
        return choices[self.below(len(choices))]

    def around(self, median: int) -> int:
        """A size that is nearly log-normal around `median` (sigma ≈ 0.56).

        The product of four ratios of uniform numbers: by the central limit theorem its logarithm is nearly normal. Unlike
        `exp` of a Gaussian it uses nothing that differs between C libraries, so every machine writes the same log.
        """
        bits = self.bits()
        size = float(median)
        for _ in range(4):
            size = size * (256 + (bits & 255)) / (256 + (bits >> 8 & 255))
            bits >>= 16
        return int(size)
