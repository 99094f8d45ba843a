"""The position (Glushkov) automaton of an expression, and whether it is deterministic.

An expression is one-unambiguous (Brüggemann-Klein, "Regular expressions into finite automata", 1993) when after every
character read, the next one says which place of the expression it belongs to. A greedy one-unambiguous expression has
one path for each text it matches, and tries longer texts before shorter ones.
"""

from dataclasses import dataclass, field

from pipeline.columns.grok.charset import NONE, CharSet
from pipeline.columns.grok.tree import Alt, Atomic, Chars, Mode, Node, Repeat, Seq, nullable

MAX_POSITIONS = 400


@dataclass
class _Automaton:
    chars: list[CharSet] = field(default_factory=list)
    follow: list[set[int]] = field(default_factory=list)

    def link(self, before: frozenset[int], after: frozenset[int]) -> None:
        for position in before:
            self.follow[position] |= after


@dataclass(frozen=True)
class _Part:
    empty: bool
    first: frozenset[int]
    last: frozenset[int]


class _Unsuitable(Exception):
    """The expression has captures, assertions, lazy repetitions or too many positions."""


def extending(node: Node) -> CharSet | None:
    """The characters with which a complete match of `node` may be extended to a longer one.

    None when `node` is not a greedy one-unambiguous expression without captures and assertions. Atomic groups and
    possessive repetitions inside count as plain ones: in such an expression they change nothing.
    """
    automaton = _Automaton()
    try:
        whole = _build(node, automaton)
    except _Unsuitable:
        return None
    for positions in (set(whole.first), *automaton.follow):
        seen = NONE
        for position in positions:
            if seen & automaton.chars[position]:
                return None
            seen |= automaton.chars[position]
    result = NONE
    for end in whole.last:
        for position in automaton.follow[end]:
            result |= automaton.chars[position]
    if whole.empty:
        for position in whole.first:
            result |= automaton.chars[position]
    return result


def _build(node: Node, automaton: _Automaton) -> _Part:
    match node:
        case Chars(chars):
            if len(automaton.chars) >= MAX_POSITIONS:
                raise _Unsuitable
            automaton.chars.append(chars)
            automaton.follow.append(set())
            here = frozenset({len(automaton.chars) - 1})
            return _Part(False, here, here)
        case Seq(items):
            return _sequence([*items], automaton)
        case Alt(branches):
            if any(nullable(b) for b in branches[:-1]):
                raise _Unsuitable
            parts = [_build(b, automaton) for b in branches]
            first = frozenset[int]().union(*(p.first for p in parts))
            last = frozenset[int]().union(*(p.last for p in parts))
            return _Part(parts[-1].empty, first, last)
        case Repeat(body, least, most, mode):
            if mode is Mode.LAZY:
                raise _Unsuitable
            return _repeat(body, least, most, automaton)
        case Atomic(body):
            return _build(body, automaton)
        case _:
            raise _Unsuitable


def _sequence(items: list[Node], automaton: _Automaton) -> _Part:
    whole = _Part(True, frozenset(), frozenset())
    for item in items:
        whole = _then(whole, _build(item, automaton), automaton)
    return whole


def _then(left: _Part, right: _Part, automaton: _Automaton) -> _Part:
    automaton.link(left.last, right.first)
    return _Part(
        left.empty and right.empty,
        left.first | right.first if left.empty else left.first,
        left.last | right.last if right.empty else right.last,
    )


def _repeat(body: Node, least: int, most: int | None, automaton: _Automaton) -> _Part:
    """`x{m,}` is m - 1 copies and a loop; `x{m,n}` is m copies and n - m optional ones, each inside the one before."""
    whole = _Part(True, frozenset(), frozenset())
    for _ in range(least if most is not None else max(least - 1, 0)):
        whole = _then(whole, _build(body, automaton), automaton)
    if most is None:
        loop = _build(body, automaton)
        automaton.link(loop.last, loop.first)
        return _then(whole, _Part(loop.empty or least == 0, loop.first, loop.last), automaton)
    rest = _Part(True, frozenset(), frozenset())
    copies = [_build(body, automaton) for _ in range(most - least)]
    for copy in reversed(copies):
        joined = _then(copy, rest, automaton)
        rest = _Part(True, joined.first, joined.last)
    return _then(whole, rest, automaton)
