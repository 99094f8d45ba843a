"""How far a pattern gets on the lines that it does not match."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl
import regex  # type: ignore[import-untyped]  # it has no stubs

from pipeline.columns.grok.engine import Grok
from pipeline.columns.grok.expand import Element, expand
from pipeline.columns.grok.names import MATCHED, REASON
from pipeline.columns.grok.render import Rendered
from pipeline.columns.grok.tree import seq

_SEEN = 60


@dataclass(frozen=True, slots=True)
class Miss:
    """Why one line does not match: `matched` is the text of the longest prefix of `pattern` that does match, `element` the
    item of the pattern after it (empty when the pattern is an alternation), `saw` the text there, cut to 60 characters."""

    row: int
    pattern: str
    matched: str
    element: str
    saw: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """Counts over all lines, and the first misses."""

    lines: int
    matched: int
    timeouts: int
    misses: tuple[Miss, ...]


def coverage(
    grok: Grok, lines: pl.Series, definitions: Mapping[str, str] | None = None, *, most: int = 20, timeout: float = 0.1
) -> Coverage:
    """Match `lines` (String) and explain the first `most` that do not match, each by the pattern that got furthest.

    `definitions` are those that `grok` was made with. Null lines count as unmatched and are not explained.
    """
    frame = grok.match(lines)
    ladders = [_Ladder(p, expand(p, definitions).elements, timeout) for p in grok.patterns]
    rows = (~frame[MATCHED] & lines.is_not_null()).arg_true().head(most).to_list()
    misses = tuple(max((ladder.climb(row, lines[row]) for ladder in ladders), key=_progress) for row in rows)
    return Coverage(lines.len(), int(frame[MATCHED].sum()), int((frame[REASON] == "timeout").sum()), misses)


def _progress(miss: Miss) -> int:
    return len(miss.matched)


class _Ladder:
    """The prefixes of a pattern, longest first."""

    def __init__(self, pattern: str, elements: tuple[Element, ...], timeout: float) -> None:
        self._pattern = pattern
        self._elements = elements
        self._timeout = timeout
        nodes = [e.node for e in elements]
        sources = [Rendered(seq(nodes[:n]), rust=False).source for n in range(1, len(nodes))]
        self._prefixes = [regex.compile(source, regex.ASCII) for source in sources]

    def climb(self, row: int, line: str) -> Miss:
        for count in range(len(self._prefixes), 0, -1):
            try:
                found = self._prefixes[count - 1].search(line, timeout=self._timeout)
            except TimeoutError:
                continue
            if found:
                saw = line[found.end() : found.end() + _SEEN]
                return Miss(row, self._pattern, found.group(), self._wanted(count), saw)
        return Miss(row, self._pattern, "", self._wanted(0), line[:_SEEN])

    def _wanted(self, index: int) -> str:
        """The element at `index`, with the single characters after it that belong to the same literal text."""
        texts = [e.text for e in self._elements[index:]]
        if not texts:
            return ""
        count = 1
        while len(texts[0]) == 1 and count < len(texts) and len(texts[count]) == 1:
            count += 1
        return "".join(texts[:count])
