"""`=`, `==` and `:` in each other's place.

Each function recognises one mistake at a place, or passes with None.
"""

from __future__ import annotations

from pipeline.lang.place import Mistake, Place, at

_COMPARING_CALLS = frozenset({"where", "drop"})


def define_for_colon(place: Place) -> Mistake | None:
    """`f(x = 1)`, `{x = 1}`, `f(x == 1` where only `:` can follow."""
    if place.found.type != "DEFINE" or place.opener is None or place.opener.type == "LSQB":
        return None
    if "DEFINE" in place.accepts:
        return None
    comparing = _called(place) in _COMPARING_CALLS
    if "COLON" in place.accepts and not comparing:
        name = place.before.text
        message = f"`=` defines; here a `:` gives the option `{place.before.name}` its value"
        return Mistake(at(place, "P030", message, f"write `{name}: …`"), (place.instead("COLON", ":"),))
    if "COMPARE" in place.accepts:
        return Mistake(at(place, "P030", "`=` defines; `==` compares", "write `==`"), (place.instead("COMPARE", "=="),))
    return None


def compare_for_define(place: Place) -> Mistake | None:
    if place.found.type != "COMPARE" or place.found.text != "==":
        return None
    if "DEFINE" in place.accepts:
        message = f"`==` compares; here `=` defines `{place.before.name}`"
        return Mistake(at(place, "P030", message, "write `=`"), (place.instead("DEFINE", "="),))
    if "COLON" in place.accepts and place.before.type in ("NAME", "RAW", "TEMPLATE"):
        message = f"`==` compares; here a `:` gives `{place.before.name}` its value"
        return Mistake(at(place, "P030", message, "write `:`"), (place.instead("COLON", ":"),))
    return None


def colon_for_define(place: Place) -> Mistake | None:
    if place.found.type != "COLON" or "DEFINE" not in place.accepts:
        return None
    message = f"`:` gives an option its value; here `=` defines `{place.before.name}`"
    return Mistake(at(place, "P030", message, "write `=`"), (place.instead("DEFINE", "="),))


def define_outside(place: Place) -> Mistake | None:
    """`let a = b = c`, `a = b = c` in a block."""
    if place.found.type != "DEFINE" or "COMPARE" not in place.accepts:
        return None
    return Mistake(at(place, "P030", "`=` defines; `==` compares", "write `==`"), (place.instead("COMPARE", "=="),))


def _called(place: Place) -> str:
    """The name of the call whose parentheses the place stands in."""
    for index in range(place.at - 1, 0, -1):
        if place.tokens[index] is place.opener:
            return place.tokens[index - 1].text
    return ""
