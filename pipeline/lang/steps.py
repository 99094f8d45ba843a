"""Words of a test: which of them are keywords, seen from what stands before.

A step starts where the one before can have ended; its other words are known by the step that they stand in. So every name
may be that of a source, a sink or a constant.
"""

from __future__ import annotations

import re

from pipeline.lang.tokens import ENDS_VALUE, Token
from pipeline.lang.vocabulary import SKIP

STEPS = {
    "given": "GIVEN",
    "advance": "ADVANCE",
    "restart": "RESTART",
    "crash": "CRASH",
    "fail": "FAIL",
    "expect": "EXPECT",
}
NAMING = frozenset({"GIVEN", "FAIL", "EXPECT"})
"""After these comes a name, whatever the word."""

_OVER = frozenset({"RESTART", "CRASH", "EMPTY"})
_CALLS_FOR = {"all": "ALL", "has": "HAS", "is": "IS"}
_MOMENT = re.compile(SKIP + r"(?:\d{1,2}:|['\"])")


def keyword(word: str, step: str, tokens: list[Token], text: str, end: int) -> str:
    """The type of a word that ends at `end` and stands directly in the braces of a test; "" for a name.

    `step` is the type of the word that the current step began with, "" before the first. `tokens` are those before, at
    least the title and the opening brace."""
    before, earlier = tokens[-1].type, tokens[-2].type
    if before in NAMING:
        return ""
    named = before == "NAME"
    match step, word:
        case "GIVEN", "from" if named and earlier == "GIVEN":
            return "FROM"
        case "GIVEN", "at" if before in ENDS_VALUE and earlier != "GIVEN":
            return "AT"
        case "ADVANCE", "to" if before == "ADVANCE" and _MOMENT.match(text, end):
            return "TO"
        case "FAIL", "for" if named and earlier == "FAIL":
            return "FOR"
        case "EXPECT", ("all" | "has" | "is") if named and earlier in ("EXPECT", "DOT"):
            return _CALLS_FOR[word]
        case "EXPECT", "empty" if before == "IS":
            return "EMPTY"
    can_start = before in ENDS_VALUE or before in _OVER or before == "CLOCK" or (before == "LBRACE" and not step)
    return STEPS.get(word, "") if can_start else ""


def compares_events(step: str, tokens: list[Token]) -> bool:
    """Whether a `==` stands right after what a step expects something of."""
    return step == "EXPECT" and tokens[-1].type == "NAME" and tokens[-2].type in ("EXPECT", "DOT")
