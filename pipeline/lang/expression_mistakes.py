"""Mistakes in expressions, lists and brackets.

Each function recognises one mistake at a place, or passes with None.
"""

from __future__ import annotations

from pipeline.lang.diagnostics import Diagnostic, Label
from pipeline.lang.expected import shown
from pipeline.lang.place import Mistake, Place, at
from pipeline.lang.tokens import BRACKET, CLOSER, ENDS_VALUE

_CLAUSE_WORDS = frozenset({"and", "or", "in", "matches", "contains", "by", "where", "then", "else"})


def else_if_in_one_word(place: Place) -> Mistake | None:
    if "ELSE" not in place.accepts or place.found.type != "NAME" or place.found.text not in ("elif", "elsif", "elseif"):
        return None
    told = at(place, "P034", f"`{place.found.text}` is two words here", "write `else if`")
    return Mistake(told, (place.instead("ELSE", "else"), place.instead("IF", "if")))


def no_then_or_else(place: Place) -> Mistake | None:
    if place.before.type not in ENDS_VALUE or place.found.type in ("NAME", "LITERAL", "RAW", "TEMPLATE", "DEFINE"):
        return None
    if "THEN" in place.accepts and place.found.type != "COMPARE":
        return Mistake(Diagnostic("P034", "this `if` has no `then`", place.gap, help="write `if … then … else …`"))
    if "ELSE" in place.accepts and place.found.type != "COMPARE":
        help = "every expression has a value: write `else null` if there is none"
        return Mistake(Diagnostic("P034", "this `if` has no `else`", place.gap, help=help))
    return None


def chained_comparison(place: Place) -> Mistake | None:
    if place.found.type != "COMPARE" or place.before.type not in ENDS_VALUE or "AND" not in place.accepts:
        return None
    help = "write `a < b and b < c`, or `b in low..high`"
    return Mistake(at(place, "P034", "comparisons do not chain", help))


def unbracketed(place: Place) -> Mistake | None:
    if place.found.type not in ("IF", "NOT") or "LITERAL" not in place.accepts:
        return None
    word = place.found.text
    return Mistake(at(place, "P034", f"`{word}` inside an operation needs parentheses", f"write `({word} …)`"))


def clause_word_as_name(place: Place) -> Mistake | None:
    """`a and and b`: the second `and` was read as a field."""
    before = place.before
    if before.type != "NAME" or before.text not in _CLAUSE_WORDS or place.found.type in ("COLON", "DEFINE"):
        return None
    if place.type_at(-2) in ENDS_VALUE or place.type_at(-2) in ("SOURCE", "TRANSFORM", "SINK", "LET", "PATTERN"):
        return None
    message = f"expected a value before `{before.text}`"
    return Mistake(
        Diagnostic("P031", message, before.span, help=f"a field of this name is written `` `{before.text}` ``")
    )


def not_closed(place: Place) -> Mistake | None:
    opener = place.opener
    if opener is None or opener.closed:
        return None
    closer = CLOSER[opener.type]
    if closer not in place.accepts:
        return None
    where = f"{opener.span.line}:{opener.span.column}"
    message = f"missing `{BRACKET[closer]}` to close the `{opener.text}` at {where}"
    diagnostic = Diagnostic("P010", message, place.gap, labels=(Label(opener.span, "opened here"),))
    return Mistake(diagnostic, (place.new(closer, BRACKET[closer]), place.found))


def no_comma(place: Place) -> Mistake | None:
    if place.opener is None or place.before.type not in ENDS_VALUE or not {"COMMA", "AND"} <= place.accepts:
        return None
    if place.found.type not in ("NAME", "META", "LITERAL", "RAW", "TEMPLATE", "LBRACE", "LPAR", "NOT", "IF"):
        return None
    if place.opener.type == "LBRACE":
        return None
    message = f"missing `,` or an operator between {shown(place.before)} and {shown(place.found)}"
    return Mistake(Diagnostic("P032", message, place.gap), (place.new("COMMA", ","), place.found))


def two_commas(place: Place) -> Mistake | None:
    if place.found.type != "COMMA" or place.before.type not in ("COMMA", "LPAR", "LSQB", "LBRACE"):
        return None
    message = f"expected {'a value' if 'LITERAL' in place.accepts else 'a name'} before `,`"
    return Mistake(at(place, "P031", message), ())
