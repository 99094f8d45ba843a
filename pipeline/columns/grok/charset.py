"""Sets of code points, as sorted disjoint inclusive ranges.

Every class of a pattern becomes such a set, so that both engines are given the same explicit ranges and never their own
idea of `\\w` or `(?i)`, and so that two classes can be proven disjoint.
"""

import functools
import sys
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

LAST = sys.maxunicode


@dataclass(frozen=True, slots=True)
class CharSet:
    """An immutable set of code points; build it with `of` or `ranges`."""

    spans: tuple[tuple[int, int], ...] = ()

    @staticmethod
    def ranges(spans: Iterable[tuple[int, int]]) -> "CharSet":
        merged: list[tuple[int, int]] = []
        for low, high in sorted(spans):
            if merged and low <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
            else:
                merged.append((low, high))
        return CharSet(tuple(merged))

    @staticmethod
    def of(characters: str) -> "CharSet":
        return CharSet.ranges((ord(c), ord(c)) for c in characters)

    def __or__(self, other: "CharSet") -> "CharSet":
        return CharSet.ranges(self.spans + other.spans)

    def __invert__(self) -> "CharSet":
        gaps, start = [], 0
        for low, high in self.spans:
            if low > start:
                gaps.append((start, low - 1))
            start = high + 1
        if start <= LAST:
            gaps.append((start, LAST))
        return CharSet(tuple(gaps))

    def __and__(self, other: "CharSet") -> "CharSet":
        shared, i, j = [], 0, 0
        while i < len(self.spans) and j < len(other.spans):
            (a, b), (c, d) = self.spans[i], other.spans[j]
            if max(a, c) <= min(b, d):
                shared.append((max(a, c), min(b, d)))
            if b < d:
                i += 1
            else:
                j += 1
        return CharSet(tuple(shared))

    def __sub__(self, other: "CharSet") -> "CharSet":
        return self & ~other

    def __bool__(self) -> bool:
        return bool(self.spans)

    def __le__(self, other: "CharSet") -> bool:
        return not self - other

    def ignoring_case(self) -> "CharSet":
        """This set with the other case of its ASCII letters, and of its single non-ASCII characters."""
        extra = []
        for low, high in self.spans:
            for first, last, shift in ((65, 90, 32), (97, 122, -32)):
                if max(low, first) <= min(high, last):
                    extra.append((max(low, first) + shift, min(high, last) + shift))
            if low == high > 127:
                cases = (chr(low).lower(), chr(low).upper())
                extra.extend((ord(c), ord(c)) for c in cases if len(c) == 1)
        return CharSet.ranges(self.spans + tuple(extra))


NONE = CharSet()
ANY = CharSet(((0, LAST),))
NEWLINE = CharSet.of("\n")
DIGIT = CharSet.ranges([(48, 57)])
UPPER = CharSet.ranges([(65, 90)])
LOWER = CharSet.ranges([(97, 122)])
WORD = DIGIT | UPPER | LOWER | CharSet.of("_")
SPACE = CharSet.of("\t\n\v\f\r ")
HEX = DIGIT | CharSet.ranges([(65, 70), (97, 102)])
GRAPH = CharSet.ranges([(33, 126)])

POSIX = {
    "alnum": DIGIT | UPPER | LOWER,
    "alpha": UPPER | LOWER,
    "ascii": CharSet.ranges([(0, 127)]),
    "blank": CharSet.of(" \t"),
    "cntrl": CharSet.ranges([(0, 31), (127, 127)]),
    "digit": DIGIT,
    "graph": GRAPH,
    "lower": LOWER,
    "print": GRAPH | CharSet.of(" "),
    "punct": GRAPH - DIGIT - UPPER - LOWER,
    "space": SPACE,
    "upper": UPPER,
    "word": WORD,
    "xdigit": HEX,
}


@functools.cache
def category(name: str) -> CharSet:
    """The code points of a Unicode general category: `L`, `Lu`, `Nd`, … Empty when there is none of that name."""
    if len(name) > 2:
        return NONE
    return CharSet.ranges((c, c) for c in range(LAST + 1) if unicodedata.category(chr(c)).startswith(name))
