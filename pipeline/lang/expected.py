"""What can stand at a place of a program, in words."""

from __future__ import annotations

from pipeline.lang.diagnostics import Diagnostic
from pipeline.lang.spans import Span
from pipeline.lang.tokens import BRACKET, ENDS_VALUE, Token

_NAMELESS = {"SOURCE", "TRANSFORM", "SINK", "LET", "PATTERN"}
_STEPS = "a step: given, advance, restart, crash, fail or expect,"


def shown(token: Token) -> str:
    """A token as a message names it."""
    if token.type == "$END":
        return "the end"
    text = token.text if len(token.text) <= 30 else token.text[:29] + "…"
    return text if text[:1] in ("'", '"') else f"`{text}`" if "`" not in text else text


def expected(found: Token, before: Token, accepts: frozenset[str], statement: str) -> Diagnostic:
    """`expected a filter after `|`, found `->``."""
    wanted = _wanted(before, accepts, statement)
    after = "" if before.type in ("QUERY", "EXPRESSION") else f" after {shown(before)}"
    message = f"expected {wanted}{after}"
    if found.type == "$END":
        return Diagnostic("P031", message, Span(before.source, before.end, before.end))
    return Diagnostic("P031", f"{message}, found {shown(found)}", found.span)


def _wanted(before: Token, accepts: frozenset[str], statement: str) -> str:
    if before.type in _NAMELESS:
        return "a name"
    if statement == "TEST" and (step := _in_a_test(before, accepts)):
        return step
    if before.type == "BAR":
        return "a filter"
    if before.type == "ARROW":
        return "an output"
    if before.type == "INCLUDE":
        return "the path of a program, in quotes,"
    if before.type == "DEFINE" and statement in ("TRANSFORM", "SINK") and "LITERAL" not in accepts:
        return "the name of a source or transform"
    if before.type in ("DEFINE", "QUERY") and statement in ("SOURCE", "QUERY"):
        return "an input such as `file(…)`"
    if "LITERAL" in accepts:
        closing = next((BRACKET[kind] for kind in ("RPAR", "RSQB", "RBRACE") if kind in accepts), "")
        return f"a value or `{closing}`" if closing else "a value"
    if accepts == {"RAW"}:
        return "a text in single quotes"
    words = []
    if "DEFINE" in accepts:
        words.append("`=`")
    elif "COLON" in accepts and "AND" not in accepts:
        words.append("`:`")
    elif {"NAME", "RBRACE"} <= accepts and "AND" not in accepts:
        words.append("`name = value`" if "META" in accepts else "`name: value`")
    elif "NAME" in accepts and before.type not in ENDS_VALUE:
        words.append("a field" if "META" in accepts else "a name")
    if "AND" in accepts:
        words.append("an operator")
    words += ["a step"] * ("EXPECT" in accepts)
    words += [f"`{BRACKET[kind]}`" for kind in ("LPAR", "LBRACE") if kind in accepts and "AND" not in accepts]
    words += ["`,`"] * ("COMMA" in accepts)
    words += [f"`{BRACKET[kind]}`" for kind in ("RPAR", "RSQB", "RBRACE") if kind in accepts]
    words += ["`|` and a filter"] * ("BAR" in accepts)
    words += ["`->` and an output"] * ("ARROW" in accepts)
    if "$END" in accepts and not words:
        return "nothing more" if statement in ("QUERY", "EXPRESSION") else "the next statement"
    return " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words) or "something else"


def _in_a_test(before: Token, accepts: frozenset[str]) -> str:
    """What can stand at a place that only tests have; empty for other places."""
    match before.type:
        case "TEST":
            return "the name of the test, in quotes,"
        case "GIVEN":
            return "the name of a source"
        case "FAIL":
            return "the name of a sink"
        case "EXPECT":
            return "the name of a node"
        case "AT" | "TO":
            return "a time such as 10:00:00 or '2026-11-23T10:00:00Z'"
    if "HAS" in accepts:
        return "`{ condition }`, `all { … }`, `has N`, `is empty` or `== [ … ]`"
    if accepts == {"LBRACE"}:
        return "`{`"
    if accepts == {"EMPTY"}:
        return "`empty`"
    if accepts == {"FOR"}:
        return "`for` and how long"
    if "FROM" in accepts:
        return "`:` and a list of records, or `from` and a file"
    if "EXPECT" in accepts and "AND" not in accepts:
        return _STEPS + (" or `}`" if "RBRACE" in accepts else "")
    return ""
