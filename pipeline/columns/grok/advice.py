"""What to change in a pattern so that it matches lines that it does not match.

Every suggestion was tried: the changed pattern is compiled and run on the examples. Up to `CHANGES` changes are made one after
another, each where the pattern stops then. They are told when some of the examples match in the end; or when the pattern gets further,
and had matched half of its elements before: lines of another format deserve another pattern, and not a patched one.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline.columns.grok.changes import Change, changes
from pipeline.columns.grok.failure import GrokError
from pipeline.columns.grok.ladder import Ladder

CHANGES = 4
"""Changes of one pattern, at most."""

CLIMBED = 3
"""Examples of which it is measured how far a changed pattern gets."""

TRIED = 24
"""Changed patterns that are tried for one kind of lines, at most."""

NAMES = (
    "COMBINEDAPACHELOG",
    "NGINX_COMBINED",
    "COMMONAPACHELOG",
    "NGINX_ERROR",
    "HTTPD_ERRORLOG",
    "HAPROXYHTTP",
    "HAPROXYTCP",
    "HAPROXYERROR",
    "SYSLOG5424LINE",
    "CRONLOG",
    "SYSLOGPAMSESSION",
    "SYSLOGLINE",
    "REDISMONLOG",
    "JAVASTACKTRACEPART",
)
"""Patterns of the library that describe a whole line, the narrower ones first."""


@dataclass(frozen=True, slots=True)
class Advice:
    """A suggestion. `say` tells what to do; `old` is the part of the pattern that goes, `new` what comes instead (both empty
    where it is not a change of the pattern). `pattern` is the whole pattern then, `matched` of the `tried` examples match it; if none does, it gets further."""

    say: str
    old: str
    new: str
    pattern: str
    matched: int
    tried: int


class Adviser:
    """Gives advice on the lines that a pattern does not match. Keeps what it compiled, for the next kind of lines."""

    def __init__(self, definitions: Mapping[str, str] | None = None, timeout: float = 0.1) -> None:
        self._definitions = definitions or {}
        self._timeout = timeout
        self._ladders: dict[str, Ladder | None] = {}

    def advise(self, ladder: Ladder, lines: Sequence[str]) -> list[Advice]:
        """Suggestions for lines (at least one) that are alike and that the pattern of `ladder` does not match.

        First the changes of the pattern, in the order in which they are made; then a pattern of the library that matches all of the
        lines; or that they are no text for grok at all."""
        if not any(line.strip() for line in lines):
            return [Advice("these lines are empty: there is nothing to match", "", "", "", 0, len(lines))]
        if all(_is_object(line) for line in lines):
            return [Advice("these lines are JSON: read them with the filter `json`", "", "", "", 0, len(lines))]
        return [*self._changed(ladder, lines), *self._library(lines)]

    def _changed(self, ladder: Ladder, lines: Sequence[str]) -> list[Advice]:
        made: list[Advice] = []
        if not ladder.rewritable:
            return made
        climbed = lines[:CLIMBED]
        now, matched, reached, tries = ladder, 0, sum(ladder.climb(line).end for line in climbed), 0
        close = 2 * ladder.climb(lines[0]).index >= len(ladder.elements)
        while len(made) < CHANGES and (missed := [line for line in climbed if not now.matches(line)]):
            best: tuple[int, int, Change, Ladder] | None = None
            for change in changes(now, missed[0], self._definitions, shorten=close):
                tries += 1
                tried = self._ladder("".join(change.texts))
                if tried is None or tries > TRIED:
                    continue
                whole = sum(tried.matches(line) for line in lines)
                if whole < (best[0] if best else matched):
                    continue
                far = 0 if whole else sum(tried.climb(line).end for line in climbed)
                if (whole, far) > (best[:2] if best else (matched, reached)):
                    best = whole, far, change, tried
                if whole == len(lines):
                    break
            if best is None:
                break
            matched, reached, change, now = best
            made.append(Advice(change.say, change.old, change.new, now.pattern, matched, len(lines)))
        return made if matched or close else []

    def _library(self, lines: Sequence[str]) -> Iterator[Advice]:
        for name in NAMES:
            ladder = self._ladder(f"^%{{{name}}}")
            if ladder is not None and all(ladder.matches(line) for line in lines):
                pattern = f"%{{{name}}}"
                yield Advice("another pattern matches these lines", "", pattern, pattern, len(lines), len(lines))
                return

    def _ladder(self, pattern: str) -> Ladder | None:
        if pattern not in self._ladders:
            try:
                self._ladders[pattern] = Ladder(pattern, self._definitions, self._timeout)
            except GrokError:
                self._ladders[pattern] = None
        return self._ladders[pattern]


def _is_object(line: str) -> bool:
    try:
        return line.startswith("{") and isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
