"""How far a pattern gets on a line that it does not match."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import regex  # type: ignore[import-untyped]  # it has no stubs

from pipeline.columns.grok.expand import Element, expand
from pipeline.columns.grok.failure import GrokError
from pipeline.columns.grok.parse import REFERENCE
from pipeline.columns.grok.patterns import LIBRARY
from pipeline.columns.grok.render import Rendered
from pipeline.columns.grok.tree import Node, seq

SEEN = 60
"""Characters that are told of a text."""

_GROUP = re.compile(r"\((?:\?(?::|P?<[^=!<>]+>))?(?!\?)(.*)\)", re.DOTALL)
_DEEP = 2
"""Elements of a part that must match before the place inside of it is worth telling."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a pattern does not match a line.

    The elements of `pattern` before the one at `index` match the text from `start` to `end`, and with it they match
    nowhere. `element` is how that one is written (empty where the pattern is an alternation; literal characters together),
    `saw` the text there, cut to 60 characters. `inside` is how far the element itself got, if it did: a part of it, and the text there.
    """

    pattern: str
    index: int
    start: int
    end: int
    element: str
    saw: str
    inside: tuple[str, str] | None = None


class Ladder:
    """The prefixes of a pattern. A longer one matches only where a shorter one does, so that the longest is found by halving.

    Runs on a backtracking engine, with a time limit of `timeout` seconds for each try; what takes longer counts as no match.
    """

    def __init__(self, pattern: str, definitions: Mapping[str, str] | None = None, timeout: float = 0.1) -> None:
        self.pattern = pattern
        expanded = expand(pattern, definitions)
        self.elements = expanded.elements
        self.texts = tuple(element.text for element in self.elements)
        self._definitions = definitions or {}
        self._timeout = timeout
        self._whole = seq([expanded.tree])
        self._compiled: dict[tuple[int, int], regex.Pattern] = {}
        self._opened: dict[int, tuple[Element, ...]] = {}
        self.rewritable = self._faithful(expanded.source)

    def matches(self, line: str) -> bool:
        return self._search((len(self.elements), -1), [self._whole], line) is not None

    def climb(self, line: str) -> Stop:
        """Where the pattern stops on a line that it does not match."""
        nodes = [element.node for element in self.elements]
        low, start, end = 0, 0, 0
        high = max(len(nodes) - 1, 0)
        while low < high:
            middle = (low + high + 1) // 2
            found = self._search((middle, 0), nodes[:middle], line)
            if found is None:
                high = middle - 1
            else:
                low, (start, end) = middle, found.span()
        saw = line[end : end + SEEN]
        return Stop(self.pattern, low, start, end, self._wanted(self.texts[low:]), saw, self._inside(low, line))

    def _inside(self, index: int, line: str) -> tuple[str, str] | None:
        if not self.elements or not self.rewritable:
            return None
        if index not in self._opened:
            self._opened[index] = _parts(self.elements[index].text, self._definitions)
        parts = self._opened[index]
        before = [element.node for element in self.elements[:index]]
        for count in range(len(parts) - 1, _DEEP - 1, -1):
            found = self._search((index, count), [*before, *(part.node for part in parts[:count])], line)
            if found is not None:
                wanted = self._wanted([part.text for part in parts[count:]])
                return wanted, line[found.end() : found.end() + SEEN]
        return None

    def _search(self, key: tuple[int, int], nodes: Sequence[Node], line: str) -> "regex.Match[str] | None":
        if key not in self._compiled:
            self._compiled[key] = regex.compile(Rendered(seq(nodes), rust=False).source, regex.ASCII)
        try:
            return self._compiled[key].search(line, timeout=self._timeout)
        except TimeoutError:
            return None

    def _faithful(self, source: str) -> bool:
        """Whether the elements as they are written, one after another, are the pattern: no flag stands between them."""
        try:
            return bool(self.texts) and expand("".join(self.texts), self._definitions).source == source
        except GrokError:
            return False

    @staticmethod
    def _wanted(texts: Sequence[str]) -> str:
        """The first element, with the single characters after it that belong to the same literal text."""
        if not texts:
            return ""
        count = 1
        while len(texts[0]) == 1 and count < len(texts) and len(texts[count]) == 1:
            count += 1
        return "".join(texts[:count])


def furthest(ladders: Sequence[Ladder], line: str) -> Stop:
    """The stop of the pattern that matches most of the line, the first of those."""
    return max((ladder.climb(line) for ladder in ladders), key=lambda stop: stop.end - stop.start)


def _parts(text: str, definitions: Mapping[str, str]) -> tuple[Element, ...]:
    """What a reference or a group is made of; nothing where it is no sequence."""
    reference, group = REFERENCE.fullmatch(text), _GROUP.fullmatch(text)
    if reference:
        name = reference[1]
        source = definitions.get(name) or LIBRARY[name].source
    elif group:
        source = group[1]
    else:
        return ()
    try:
        return expand(source, definitions).elements
    except GrokError:
        return ()
