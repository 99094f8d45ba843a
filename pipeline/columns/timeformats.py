"""Formats of times, and what Polars must be told to read them.

Formats are strftime's, in the letters of the C library:

    %Y %y %m %d %e %j %b %B %h %a %A   date           %D = %m/%d/%y   %F = %Y-%m-%d
    %H %I %M %S %p %P %k %l            time of day    %T = %H:%M:%S   %R = %H:%M
    %f     fraction of a second; any number of digits is read (beyond microseconds: cut), six are written
    %z %Z  offset (+0200, +02:00, Z); name of the zone (only UTC, GMT and Z are read)
    %s     seconds since 1970         %G %V %u   ISO year, week, weekday        %n %t %%   white space, percent

When reading, numbers may have fewer digits, names any case, and white space matches any amount of white space.
"""

from __future__ import annotations

import re

_SHORTHANDS = {"%D": "%m/%d/%y", "%F": "%Y-%m-%d", "%T": "%H:%M:%S", "%R": "%H:%M", "%h": "%b"}

_TEXTS = {
    "Y": r"[0-9]{4}",
    "y": r"[0-9]{2}",
    "m": r"[0-9]{1,2}",
    "d": r"[0-9 ]?[0-9]",
    "e": r"[0-9 ]?[0-9]",
    "j": r"[0-9]{1,3}",
    "b": r"[A-Za-z]+",
    "B": r"[A-Za-z]+",
    "a": r"[A-Za-z]+",
    "A": r"[A-Za-z]+",
    "H": r"[0-9]{1,2}",
    "I": r"[0-9]{1,2}",
    "k": r"[0-9 ]?[0-9]",
    "l": r"[0-9 ]?[0-9]",
    "M": r"[0-9]{1,2}",
    "S": r"[0-9]{1,2}",
    "p": r"[AaPp][Mm]",
    "P": r"[AaPp][Mm]",
    "f": r"[0-9]+",
    "z": r"(?:Z|[+-][0-9]{2}:?[0-9]{2})",
    "Z": r"(?:UTC|GMT|Z)",
    "s": r"-?[0-9]+",
    "G": r"[0-9]{4}",
    "V": r"[0-9]{1,2}",
    "u": r"[1-7]",
    "n": r"\s*",
    "t": r"\s*",
    "%": "%",
}
"""What each directive reads."""


def demand_day(form: str, kinds: set[str]) -> None:
    """Raise TypeError for a format that does not tell the day, or only half of the hour."""
    if kinds & {"I", "l"} and not kinds & {"p", "P"}:
        raise TypeError(f"the format {form!r} has an hour of twelve without %p")
    if "s" in kinds or kinds >= {"G", "V", "u"}:
        return
    if not kinds & {"Y", "y"}:
        raise TypeError(f"the format {form!r} has no year: put one before the text, time(concat('2024 ', x), '%Y …')")
    if "j" not in kinds and not (kinds & {"m", "b", "B"} and kinds & {"d", "e"}):
        raise TypeError(f"the format {form!r} does not tell the day: give a month (%m, %b) and a day (%d), or %j")


def rewritten(read: list[tuple[bool, str]]) -> tuple[str, str, str]:
    """The format in Polars' letters, and the regex and replacement that make texts fit it.

    Polars reads a fraction only with its point (`%.f`) and offsets only as numbers; so `,123` becomes `.123`, `UTC` becomes `+0000`."""
    format = find = replacement = before = ""
    groups = 0
    for at, (directive, letter) in enumerate(read):
        previous = read[at - 1] if at else (False, "")
        if (directive, letter) == (True, "f") and previous == (False, "."):
            format, before = format.removesuffix(".") + "%.f", before.removesuffix(re.escape(".")) + r"(?:\.[0-9]+)?"
        elif directive and letter in "fZ":
            if letter == "f" and not previous[0] and previous[1] and not previous[1].isalnum():
                cut = r"\s*" if previous[1].isspace() else re.escape(previous[1])
                format, before, dropped = format[: -len(previous[1])], before.removesuffix(cut), cut
            else:
                dropped = ""
            groups += 1
            find += f"({before}){dropped}" + ("([0-9]+)" if letter == "f" else _TEXTS["Z"])
            replacement += f"${{{groups}}}" + (f".${{{groups + 1}}}" if letter == "f" else "+0000")
            groups += letter == "f"
            before = ""
            format += "%.f" if letter == "f" else "%z"
        elif directive:
            format += "%#z" if letter == "z" else f"%{letter}"
            before += _TEXTS[letter]
        else:
            format += "%%" if letter == "%" else letter
            before += r"\s*" if letter.isspace() else re.escape(letter)
    return format, f"^{find}" if find else "", replacement


def directives(form: str) -> list[tuple[bool, str]]:
    """A format as (is directive, letter or literal character). Raises TypeError for an unknown directive."""
    for short, long in _SHORTHANDS.items():
        form = re.sub(rf"(?<!%)((?:%%)*){short}", rf"\g<1>{long}", form)
    found = []
    for directive, letter, literal in re.findall(r"(%)(.?)|(.)", form, re.DOTALL):
        if directive and letter not in _TEXTS:
            raise TypeError(f"a time format has no %{letter}; it has " + " ".join(f"%{known}" for known in _TEXTS))
        found.append((bool(directive), letter or literal))
    return found
