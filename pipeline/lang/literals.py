"""What a literal says: the text of one token to a node, or to a diagnostic that says what is wrong with it."""

from __future__ import annotations

import re
from fractions import Fraction

from pipeline.lang.ast import (
    Boolean,
    Duration,
    Float,
    Hole,
    Integer,
    Name,
    Null,
    Path,
    Regex,
    Size,
    String,
    Template,
)
from pipeline.lang.diagnostics import Diagnostic
from pipeline.lang.spans import Span

_DURATIONS = {"ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_SIZES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_NUMBER = re.compile(r"([0-9]+(?:_[0-9]+)*)(?:\.([0-9]+))?([A-Za-z]*)")
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}
_PIECE = re.compile(r"\{\{|\}\}|\\(?s:.)|\{[^{}]*+\}?|\}|[^{}\\]++")
_HOLE = re.compile(r"\{\s*((?:@?[A-Za-z_]\w*|`[^`]+`)(?:\.(?:@?[A-Za-z_]\w*|`[^`]+`))*)\s*(?::([^{}]*))?\}", re.ASCII)
_PART = re.compile(r"`[^`]+`|@?\w+", re.ASCII)
_LARGEST = 2**63 - 1
_SCIENTIFIC = re.compile(r"[0-9]+(?:\.[0-9]+)?[eE][0-9]+")
_EXPONENT = "a number with an exponent is a text that is converted, such as float('1e-9')"


def read_word(text: str, span: Span) -> Boolean | Null:
    """`true`, `false` or `null`."""
    return Null(span) if text == "null" else Boolean(span, text == "true")


def read_number(text: str, span: Span) -> Integer | Float | Duration | Size | Diagnostic:
    """`1_000`, `1.5`, `10s` (exact microseconds, cut off), `64MiB` (bytes, cut off)."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        help = "texts such as addresses and versions stand in quotes: '" + text + "'" if text.count(".") > 1 else ""
        help = _EXPONENT if _SCIENTIFIC.fullmatch(text) else help
        return Diagnostic("P004", f"`{_short(text)}` is not a number", span, help=help)
    whole, fraction, unit = found.groups()
    factor = 1 if not unit else _DURATIONS.get(unit) or _SIZES.get(unit)
    if factor is None:
        return Diagnostic("P004", f"`{_short(unit)}` is not a unit", span, help=_unit_meant(text, unit))
    digits = whole.replace("_", "")
    if len(digits) > 19:
        return Diagnostic("P004", "this number does not fit into 64 bits", span, help=f"the largest is {_LARGEST}")
    if fraction is not None and not unit:
        return Float(span, float(f"{digits}.{fraction}"))
    value = int(digits) * factor
    if text == str(_LARGEST + 1):
        help = f"the largest is {_LARGEST}; the smallest is written as -{_LARGEST} - 1"
        return Diagnostic("P004", "this number does not fit into 64 bits", span, help=help)
    if fraction is not None:
        value += int(Fraction(int(fraction[:30]), 10 ** len(fraction[:30])) * factor)
    if value > _LARGEST:
        return Diagnostic("P004", "this number does not fit into 64 bits", span, help=f"the largest is {_LARGEST}")
    if not unit:
        return Integer(span, value)
    return Duration(span, value, text) if unit in _DURATIONS else Size(span, value, text)


def read_raw(text: str, span: Span) -> String:
    """`'it''s raw'`: verbatim, `''` is a quote."""
    return String(span, text[1:-1].replace("''", "'"))


def read_regex(text: str, span: Span) -> Regex | Diagnostic:
    r"""`/pattern/flags`: `\/` is a slash; whether the pattern is one is for the checker."""
    pattern, _, flags = text[1:].rpartition("/")
    wrong = sorted(set(flags) - set("ims"))
    if wrong:
        return Diagnostic("P006", f"`{wrong[0]}` is not a flag of a regex", span, help="the flags are i, m and s")
    unescaped = re.sub(r"\\(?:/|(.))", lambda m: "/" if m[1] is None else m[0], pattern, flags=re.DOTALL)
    return Regex(span, unescaped, "".join(sorted(set(flags))))


def read_template(text: str, span: Span) -> Template | Diagnostic:
    r"""`"text {field} {@timestamp:%Y}"`: neighbouring literal texts are joined, escapes resolved."""
    parts: list[str | Hole] = []
    literal: list[str] = []
    for found in _PIECE.finditer(text, 1, len(text) - 1):
        piece = found[0]
        at = Span(span.source, span.start + found.start(), span.start + found.end())
        if piece in ("{{", "}}"):
            literal.append(piece[0])
        elif piece[0] == "\\":
            if piece[1] not in _ESCAPES:
                return Diagnostic(
                    "P005",
                    f"`{piece}` is not an escape",
                    at,
                    help="the escapes are \\\" \\\\ \\n and \\t; a text in ' is taken as it stands",
                )
            literal.append(_ESCAPES[piece[1]])
        elif piece == "}":
            return Diagnostic("P005", "`}` without a `{` before it", at, help="write `}}` for a brace in the text")
        elif piece[0] == "{":
            hole = _read_hole(piece, at)
            if isinstance(hole, Diagnostic):
                return hole
            if literal:
                parts.append("".join(literal))
                literal = []
            parts.append(hole)
        else:
            literal.append(piece)
    if literal:
        parts.append("".join(literal))
    return Template(span, tuple(parts))


def _read_hole(piece: str, span: Span) -> Hole | Diagnostic:
    found = _HOLE.fullmatch(piece)
    if found is None:
        help = "a hole is `{field}` or `{field:format}`; write `{{` for a brace in the text"
        return Diagnostic("P005", f"`{_short(piece)}` is not a field of the event", span, help=help)
    begin = span.start + found.start(1)
    parts = tuple(
        Name(Span(span.source, begin + part.start(), begin + part.end()), part[0].strip("`"), part[0][0] == "`")
        for part in _PART.finditer(found[1])
    )
    return Hole(span, Path(Span(span.source, begin, span.start + found.end(1)), parts), found[2] or "")


def _unit_meant(text: str, unit: str) -> str:
    """`10sec` is 10s, `10kb` is 10KB; else the units that there are."""
    if unit in ("e", "E"):
        return _EXPONENT
    letter = next((word[0] for word in ("seconds", "minutes", "hours", "days") if word.startswith(unit.lower())), "")
    letter = {"hr": "h", "hrs": "h", "secs": "s", "mins": "m"}.get(unit.lower(), letter)
    size = next((known for known in _SIZES if unit.lower() in (known.lower(), known.lower().rstrip("b"))), "")
    if letter or size:
        return f"write `{_short(text.removesuffix(unit))}{letter or size}`"
    return "durations end in ms, s, m, h or d, sizes in B, KB, MB, GB, KiB, MiB or GiB"


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "…"
