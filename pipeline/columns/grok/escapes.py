"""What follows a backslash in Oniguruma's Ruby syntax."""

import re

from pipeline.columns.grok.charset import DIGIT, HEX, SPACE, WORD, CharSet, category
from pipeline.columns.grok.charset import POSIX as POSIX
from pipeline.columns.grok.tree import At

CLASSES = {
    "d": DIGIT, "D": ~DIGIT, "w": WORD, "W": ~WORD, "s": SPACE, "S": ~SPACE, "h": HEX, "H": ~HEX,
}  # fmt: skip
ANCHORS = {
    "A": At.TEXT_START,
    "z": At.TEXT_END,
    "Z": At.TEXT_END_BEFORE_NEWLINE,
    "b": At.WORD_EDGE,
    "B": At.NOT_WORD_EDGE,
}
CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "a": "\a", "e": "\x1b"}
REFUSED = {
    "k": "a back-reference",
    "g": "a subexpression call",
    "G": "an anchor at the last match",
    "K": "keep-out",
    "R": "a general newline; write (?:\\r\\n|\\n)",
    "X": "a grapheme cluster",
}

NUMERIC = re.compile(r"x\{([0-9A-Fa-f]{1,6})\}|x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{4})|(0[0-7]{0,2})")
PROPERTY = re.compile(r"([pP])\{(\^?)([A-Za-z]+)\}")


def property_set(name: str) -> CharSet:
    """`\\p{…}`: a POSIX name is ASCII, as in classes; else a Unicode general category. Empty when there is none."""
    posix = POSIX.get(name.lower())
    return category(name) if posix is None else posix
