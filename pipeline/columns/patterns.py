"""Regular expressions and literal texts as columns: replace, extract, count, split.

The engine is Polars' (Rust's regex crate): linear time, no look-around, no back-references.
"""

from __future__ import annotations

import re

import polars as pl


class Regex(str):
    """The value of a regex literal, flags written into it (`(?i)…`), given to a constant parameter. A plain text in its place
    is taken literally where a function takes both."""

    __slots__ = ()


def checked(pattern: str) -> str:
    """The same regex. Raises TypeError for one that the engine does not run."""
    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.ComputeError as error:
        reason, large = refusal(error)
        help = f"; {SMALLER}" if large else ""
        raise TypeError(f"this regex cannot be used: {reason or 'its syntax is wrong'}{help}") from None
    return pattern


SMALLER = "take smaller numbers in {…}, and classes such as [a-z] instead of \\w and \\d, which are of all alphabets"
"""What to do about a regex that is too large."""


def refusal(error: Exception) -> tuple[str, bool]:
    """Why the engine does not run a regex, in its words where it has some, and whether it is only too large."""
    told = str(error)
    if "exceeds size limit" in told:
        return "it is too large", True
    return next((line.removeprefix("error: ") for line in told.splitlines() if line.startswith("error: ")), ""), False


def _groups(pattern: str) -> tuple[int, frozenset[str]]:
    """The number of groups of a regex, and the names among them."""
    names = pl.Series([""]).str.extract_groups(checked(pattern)).struct.fields
    return len(names), frozenset(name for name in names if not name.isdecimal())


_REFERENCE = re.compile(r"\$(?:(\$)|(\d+)|\{(\w+)\}|([A-Za-z_]\w*))", re.ASCII)


def replace(x: pl.Expr, pattern: str, new: str) -> pl.Expr:
    """Replace every occurrence. With a `Regex`, `$1`, `$name` and `${name}` in `new` stand for its groups, `$0` for the whole
    match and `$$` for a dollar; with a plain text, `new` is taken as it is.

    Raises TypeError for a bad regex, a group that it does not have, or an empty text."""
    if not isinstance(pattern, Regex):
        return x.str.replace_all(_filled(pattern), new, literal=True)
    count, names = _groups(pattern)

    def braced(found: re.Match[str]) -> str:
        dollar, number, inside, name = found.groups()
        key = number or inside or name
        if dollar:
            return "$$"
        if (key.isdecimal() and int(key) <= count) or key in names:
            return f"${{{key}}}"
        raise TypeError(f"the regex has no group {key}; write $$ for a dollar sign")

    return x.str.replace_all(str(pattern), _REFERENCE.sub(braced, new))


def extract(x: pl.Expr, pattern: str) -> pl.Expr:
    """What the first group matches, or the whole match of a regex without groups; null where it does not match or the group
    took no part. A plain text is a regex too. Raises TypeError for a bad regex."""
    return x.str.extract(str(pattern), min(1, _groups(pattern)[0]))


def every(x: pl.Expr, pattern: str) -> pl.Expr:
    """Every match from left to right (List(String)). A plain text is a regex too. Raises TypeError for a bad regex and for one
    with groups, of which `extract` would give the first instead."""
    if _groups(pattern)[0]:
        raise TypeError("it gives whole matches: write groups as (?:…)")
    return x.str.extract_all(str(pattern))


def count(x: pl.Expr, pattern: str) -> pl.Expr:
    """The number of matches that do not overlap (Int64). Raises TypeError for a bad regex or an empty text."""
    if isinstance(pattern, Regex):
        return x.str.count_matches(str(checked(pattern))).cast(pl.Int64)
    return x.str.count_matches(_filled(pattern), literal=True).cast(pl.Int64)


def split(x: pl.Expr, separator: str, limit: int | None = None) -> pl.Expr:
    """The parts between separators (List(String)), empty ones included; at most `limit`, of which the last is all the rest.

    Raises TypeError for a bad regex, an empty text, and a limit below 1 or of a regex."""
    if limit is not None:
        return _few(x, separator, limit)
    if isinstance(separator, Regex):
        return x.str.split(str(checked(separator)), literal=False)
    return x.str.split(_filled(separator))


def _few(x: pl.Expr, separator: str, limit: int) -> pl.Expr:
    if isinstance(separator, Regex):
        raise TypeError("a limit needs a text as separator, not a regex")
    if not 1 <= limit <= LIMIT:
        raise TypeError(f"a text is split into 1 to {LIMIT} parts, not {limit}")
    parts = x.str.splitn(_filled(separator), limit)
    fields = [parts.struct.field(f"field_{number}") for number in range(limit)]
    return pl.when(x.is_not_null()).then(pl.concat_list(fields).list.drop_nulls())


LIMIT = 100
"""The highest limit of `split`: every part is a column for a moment."""


def _filled(text: str) -> str:
    if not text:
        raise TypeError("an empty text cannot be searched for")
    return text
