"""Mistakes in the shape of statements and chains.

Each function recognises one mistake at a place, or passes with None.
"""

from __future__ import annotations

from pipeline.lang.diagnostics import Diagnostic
from pipeline.lang.place import Mistake, Place, at
from pipeline.lang.tokens import ENDS_VALUE, Token


def several_names(place: Place) -> Mistake | None:
    """`by a, b` and `transform t = a, b | …`."""
    tokens, first = place.tokens, place.at
    if place.found.type == "COMMA" and place.opener is None and "BAR" in place.accepts | {"ARROW"}:
        keys = _keys_before(tokens, place.at)
        if keys is not None:
            return Mistake(_keys(place, keys, place.at))
        if place.statement in ("TRANSFORM", "SINK") and not any(token.type == "BAR" for token in tokens[:first]):
            names = _names_from(tokens, 3)
            message = "several upstreams are written in brackets"
            return Mistake(at(place, "P033", message, f"write `[{names}]`"))
    if "DEFINE" in place.accepts and place.opener is not None and place.opener.type == "LBRACE":
        comma = place.at - 1
        while comma > 0 and tokens[comma].type in ("NAME", "META", "DOT"):
            comma -= 1
        if tokens[comma].type == "COMMA" and comma < place.at - 1:
            keys = _keys_before(tokens, comma)
            if keys is not None:
                return Mistake(_keys(place, keys, comma))
    return None


def _keys_before(tokens: list[Token], end: int) -> int | None:
    """Index of the first token after the `by` whose bare key ends at `end`."""
    index = end - 1
    while index > 0 and tokens[index].type in ("NAME", "META", "DOT"):
        index -= 1
    return index + 1 if tokens[index].type == "BY" and index < end - 1 else None


def _keys(place: Place, start: int, comma: int) -> Diagnostic:
    span = place.tokens[comma].span
    help = f"write `by [{_names_from(place.tokens, start)}]`"
    return Diagnostic("P033", "several keys are written in brackets", span, help=help)


def _names_from(tokens: list[Token], start: int) -> str:
    """`a, b.c` from names, dots and commas."""
    text = ""
    for index in range(start, len(tokens)):
        token = tokens[index]
        follows = tokens[index + 1].type if index + 1 < len(tokens) else ""
        if token.type not in ("NAME", "META", "DOT", "COMMA") or follows in ("DEFINE", "COLON", "LPAR"):
            break
        text += ", " if token.type == "COMMA" else token.text
    return text.rstrip(", ")


def input_as_upstream(place: Place) -> Mistake | None:
    if place.found.type != "LPAR" or place.statement not in ("TRANSFORM", "SINK") or place.at != 4:
        return None
    word = place.before.text
    message = f"a {place.statement.lower()} reads from a name, not from `{word}(…)`"
    return Mistake(at(place, "P021", message, f"write `source NAME = {word}(…)` first, then use NAME here"))


def no_arrow(place: Place) -> Mistake | None:
    if place.statement != "SINK" or "ARROW" not in place.accepts or place.opener is not None:
        return None
    if place.found.type == "$END":
        if any(token.type == "BAR" for token in place.tokens):
            help = "the last step of a sink is its output: write `->` before it, not `|`"
        else:
            help = "write `sink NAME = UPSTREAM -> output(…)`"
        return Mistake(Diagnostic("P021", "a sink needs `->` and an output", place.gap, help=help))
    if place.found.type == "NAME" and place.type_at(1) == "LPAR":
        diagnostic = Diagnostic("P032", f"missing `->` before the output `{place.found.text}`", place.found.span)
        return Mistake(diagnostic, (place.new("ARROW", "->"), place.found))
    return None


def arrow_elsewhere(place: Place) -> Mistake | None:
    if place.found.type != "ARROW" or place.opener is not None or place.before.type not in ENDS_VALUE:
        return None
    if place.statement == "TRANSFORM":
        message, help = "a transform has no output", "write `sink NAME = … -> output(…)` to send its events somewhere"
    elif place.statement == "SOURCE":
        message, help = "a source has no output", "write `sink NAME = SOURCE -> output(…)` to send its events somewhere"
    else:
        return None
    return Mistake(at(place, "P021", message, help))


def pipe_elsewhere(place: Place) -> Mistake | None:
    if place.found.type != "BAR" or place.before.type not in ENDS_VALUE or place.opener is not None:
        return None
    if place.statement == "SOURCE" and place.before.type == "RPAR":
        help = "write `transform NAME = SOURCE | filter(…)`"
        return Mistake(at(place, "P021", "a source is an input alone, filters follow in a transform", help))
    if place.statement == "SINK" and any(token.type == "ARROW" for token in place.tokens[: place.at]):
        return Mistake(at(place, "P021", "nothing follows the output of a sink", "put filters before the `->`"))
    return None


def no_pipe(place: Place) -> Mistake | None:
    """A filter without the `|` before it."""
    if place.found.type not in ("NAME", "WHERE") or "BAR" not in place.accepts or place.opener is not None:
        return None
    if place.type_at(1) not in ("LPAR", "LBRACE"):
        return None
    diagnostic = Diagnostic("P032", f"missing `|` before the filter `{place.found.text}`", place.found.span)
    return Mistake(diagnostic, (place.new("BAR", "|"), place.instead("NAME", place.found.text)))


def no_define(place: Place) -> Mistake | None:
    if place.at != 2 or "DEFINE" not in place.accepts or place.found.type not in ("NAME", "LSQB", "RAW", "LITERAL"):
        return None
    message = f"missing `=` after the name `{place.before.text}`"
    diagnostic = Diagnostic("P032", message, place.gap)
    return Mistake(diagnostic, (place.new("DEFINE", "="), place.found))


def no_parentheses(place: Place) -> Mistake | None:
    """`| geoip` and `source a = stdin`."""
    if place.found.type == "LPAR" or "LPAR" not in place.accepts or "LITERAL" in place.accepts:
        return None
    if place.before.type != "NAME" or "COMPARE" in place.accepts or place.opener is not None:
        return None
    role = _role(place)
    if not role:
        return None
    name = place.before.text
    if place.found.type in ("$END", "BAR", "ARROW"):
        diagnostic = Diagnostic(
            "P031", f"{role} is called with parentheses", place.before.span, help=f"write `{name}(…)`"
        )
        return Mistake(diagnostic, (place.new("LPAR", "("), place.new("RPAR", ")"), place.found))
    return None


def _role(place: Place) -> str:
    """What the name before is, in a place where something is called."""
    two_before = place.type_at(-2)
    if two_before == "BAR":
        return "a filter"
    if two_before == "ARROW":
        return "an output"
    return "an input" if two_before in ("DEFINE", "QUERY") and place.statement in ("SOURCE", "QUERY") else ""


def block_elsewhere(place: Place) -> Mistake | None:
    if place.found.type not in ("LBRACE", "BY") or place.before.type != "RPAR" or place.opener is not None:
        return None
    what = "block" if place.found.type == "LBRACE" else "`by`"
    if place.statement == "SOURCE":
        return Mistake(
            at(place, "P021", f"an input takes no {what}", "options stand in its parentheses: `name: value`")
        )
    if place.statement == "SINK":
        return Mistake(
            at(place, "P021", f"an output takes no {what}", "options stand in its parentheses: `name: value`")
        )
    return None


def template_pattern(place: Place) -> Mistake | None:
    if place.found.type != "TEMPLATE" or place.statement != "PATTERN":
        return None
    return Mistake(at(place, "P035", "a pattern is a raw text", "write it in single quotes: '…'"))
