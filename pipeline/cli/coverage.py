"""What `pipe grok --explain` says: the coverage of patterns over a file, as text or as JSON."""

from __future__ import annotations

import math
import re

from pipeline.columns.encode.printable import printable
from pipeline.columns.grok import Example
from pipeline.columns.grok.advice import Advice
from pipeline.columns.grok.coverage import Coverage, FieldUse
from pipeline.columns.grok.misses import Explained, Place

_FRACTION = re.compile(r"[+-]?[0-9]*\.[0-9]+")

LONGEST = 120
"""Characters of a text of the data that are shown."""

VALUES = 3
"""Values of a field that are shown."""

KINDS = 10
"""Kinds of lines that are explained."""


def told(coverage: Coverage, most: int = KINDS) -> str:
    """The coverage for people. Nothing in it can talk to the terminal."""
    lines = [f"matched   {_of(coverage.matched, coverage.lines, 'lines')}"]
    if len(coverage.patterns) > 1:
        pairs = zip(coverage.patterns, coverage.hits, strict=True)
        lines += [f"          {_of(hits, coverage.lines, 'lines')} by {shown(pattern)}" for pattern, hits in pairs]
    if coverage.timeouts:
        lines.append(f"timeouts  {coverage.timeouts:,}")
    lines.append(f"engine    {coverage.engine}{f': {coverage.reason}' if coverage.reason else ''}")
    uses = coverage.fields()
    if not uses:
        lines.append("fields    none")
    width = max((len(_name(use)) for use in uses), default=0)
    for number, use in enumerate(uses):
        lines.append(
            f"{'fields' if number == 0 else '':<10}{_name(use):<{width}}  {_use(use, coverage.matched)}".rstrip()
        )
    missed = coverage.lines - coverage.matched
    for number, explained in enumerate(coverage.explained(most), 1):
        lines += ["", *_kind(number, explained, missed, several=len(coverage.patterns) > 1)]
    kinds = coverage.misses.kinds()[most:]
    if kinds:
        rest = sum(kind.lines for kind in kinds)
        lines += ["", f"… and {_lines(rest)} of {len(kinds):,} more {'kind' if len(kinds) == 1 else 'kinds'}"]
    if coverage.misses.other:
        lines += ["", f"… and {_lines(coverage.misses.other)} of kinds that were not told apart"]
    return "\n".join(lines)


def plain(coverage: Coverage, most: int = KINDS) -> dict[str, object]:
    """The coverage as JSON values: shares are left to the reader, texts are whole."""
    missed = coverage.misses.kinds()[most:]
    return {
        "lines": coverage.lines,
        "matched": coverage.matched,
        "timeouts": coverage.timeouts,
        "engine": coverage.engine,
        "reason": coverage.reason,
        "patterns": [
            {"pattern": pattern, "matched": hits}
            for pattern, hits in zip(coverage.patterns, coverage.hits, strict=True)
        ],
        "fields": [_plain_use(use) for use in coverage.fields()],
        "kinds": [_plain_kind(explained) for explained in coverage.explained(most)],
        "more_kinds": {"kinds": len(missed), "lines": sum(kind.lines for kind in missed)},
        "other_lines": coverage.misses.other,
    }


def shown(text: str, longest: int = LONGEST) -> str:
    """Text in quotes that cannot talk to the terminal; a long one is cut."""
    cut = text if len(text) <= longest else text[: longest - 1] + "…"
    return f"`{printable(cut)}`" if cut else "nothing"


def matched(place: Place) -> str:
    """The text of the example that the pattern matched before it stopped."""
    return place.example.text[place.stop.start : place.stop.end]


def _kind(number: int, explained: Explained, missed: int, *, several: bool) -> list[str]:
    kind, first = explained.kind, explained.kind.examples[0]
    what = shown(kind.template) if kind.template else "empty lines"
    told = [
        f"{number}. {_lines(kind.lines)}, {100 * kind.lines / missed:.2f} % of the misses: {what}",
        f"   first     line {first.line:,}, byte {first.offset:,}{f': {shown(first.text)}' if kind.template else ''}",
    ]
    for place in explained.places if kind.template else ():
        if len(explained.places) > 1:
            told.append(f"   stops     {place.examples} of {len(kind.examples)} examples stop here")
            if place.example is not first:
                told.append(f"   example   line {place.example.line:,}: {shown(place.example.text)}")
        told += _place(place, several=several)
    return told


def _place(place: Place, *, several: bool) -> list[str]:
    stop, text = place.stop, matched(place)
    begins = f", from character {stop.start + 1:,}" if stop.start and text else ""
    of = f" of {shown(stop.pattern, 60)}" if several else ""
    told = [
        f"   matched   {shown(_tail(text))}{begins}",
        f"   wanted    {shown(stop.element) if stop.element else 'another alternative'}{of}",
        f"   saw       {_saw(stop.saw)}",
    ]
    if stop.inside:
        told.append(f"   inside    {shown(stop.inside[0])} saw {_saw(stop.inside[1])}")
    return told + _advice(place.advice)


def _saw(text: str) -> str:
    return shown(text) if text else "the end of the line"


def _advice(advice: tuple[Advice, ...]) -> list[str]:
    told: list[str] = []
    for item in advice:
        if item.old and item.new == f"(?:{item.old})?":
            what = f"{item.say}: put {shown(item.old, 60)} into `(?:…)?`"
        elif item.old:
            new = f"write {shown(item.new)} for {shown(item.old)}" if item.new else f"leave out {shown(item.old)}"
            what = f"{item.say}: {new}"
        else:
            what = f"{item.say}: {shown(item.new)}" if item.new else item.say
        result = f"; then {item.matched} of {item.tried} examples match" if item.matched else "; then it gets further"
        told.append(
            f"   {'try' if not told else 'and' if item.old else 'or':<9} {what}{result if item.pattern else ''}"
        )
    return told


def _use(use: FieldUse, matched: int) -> str:
    values = ", ".join(shown(str(value), 30) for value, _ in use.top[:VALUES])
    share = 100 * use.present / matched if matched else 0.0
    told = f"{share:6.2f} %  {values}"
    if use.failed and use.failure is not None:
        nulls = matched - use.present
        looked = "" if use.looked >= nulls else f" of the first {use.looked:,} without a value"
        first = f"{shown(use.failure.text, 30)} in line {use.failure.line:,}"
        help = "; `:float` would take it" if use.capture.type == "int" and _FRACTION.fullmatch(use.failure.text) else ""
        told += f" — {use.failed:,}{looked} did not convert, the first {first}{help}"
    return told


def _name(use: FieldUse) -> str:
    return f"{use.capture.field}: {use.capture.type}"


def _tail(text: str) -> str:
    """The end of a long text: what stands before the stop says most."""
    return text if len(text) <= LONGEST else "…" + text[1 - LONGEST :]


def _lines(count: int) -> str:
    return f"{count:,} {'line' if count == 1 else 'lines'}"


def _of(count: int, total: int, what: str) -> str:
    return f"{count:,} of {total:,} {what} ({100 * count / total if total else 0.0:.2f} %)"


def _plain_use(use: FieldUse) -> dict[str, object]:
    return {
        "field": use.capture.field,
        "type": use.capture.type,
        "present": use.present,
        "nulls_looked_at": use.looked,
        "failed": use.failed,
        "failure": use.failure and {"line": use.failure.line, "text": use.failure.text},
        "top": [{"value": _finite(value), "lines": lines} for value, lines in use.top],
    }


def _finite(value: object) -> object:
    """JSON has no word for a number that is none."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _plain_kind(explained: Explained) -> dict[str, object]:
    kind = explained.kind
    return {
        "template": kind.template,
        "lines": kind.lines,
        "first": _plain_example(kind.examples[0]),
        "examples": len(kind.examples),
        "stops": [_plain_place(place) for place in explained.places],
    }


def _plain_example(example: Example) -> dict[str, object]:
    return {"line": example.line, "offset": example.offset, "text": example.text}


def _plain_place(place: Place) -> dict[str, object]:
    stop = place.stop
    return {
        "examples": place.examples,
        "example": _plain_example(place.example),
        "pattern": stop.pattern,
        "matched": matched(place),
        "element": stop.element,
        "saw": stop.saw,
        "inside": {"element": stop.inside[0], "saw": stop.inside[1]} if stop.inside else None,
        "advice": [
            {"say": a.say, "old": a.old, "new": a.new, "pattern": a.pattern, "matched": a.matched, "examples": a.tried}
            for a in place.advice
        ],
    }
