"""Rewriting a tree for an engine without atomic groups, possessive repetitions and long look-around.

Every step keeps the result of a match (its captures) the same, or refuses:

- A look at one neighbour is dropped where the pattern around it lets no other neighbour through: `(?![0-9])` before a
  space, `(?<![0-9.+-])` after one. What becomes of any other is up to the engine.
- An atomic group is plain where giving back cannot help: it is greedy and deterministic (`position_automaton`), so it tries
  the longest text first, and what follows cannot start with a character that it would have to give back; or what follows
  matches whatever comes, so that the first way is always taken.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator

from pipeline.columns.grok.neighbours import Next, Symbols, first, last, symbols_of
from pipeline.columns.grok.position_automaton import extending
from pipeline.columns.grok.tree import (
    EMPTY,
    NEVER,
    Alt,
    Anchor,
    At,
    Atomic,
    Capture,
    Chars,
    Look,
    Mode,
    Node,
    Repeat,
    Seq,
    alt,
    nullable,
    seq,
)


class Untranslatable(Exception):
    """Why a pattern cannot run on an engine, as words that follow "because"."""


class Rewriter(ABC):
    """The rewriting for one engine."""

    @abstractmethod
    def open_look(self, look: Look, allowed: Symbols | None, before: Symbols, after: Next) -> Node:
        """What stands for a look that the neighbours do not decide. `allowed` are those that it lets pass, None when it looks
        at more than one. Raises `Untranslatable`."""

    def rewrite(self, node: Node, before: Symbols, after: Next) -> Node:
        """`node` where `before` can stand before it and `after` must come next. Raises `Untranslatable`."""
        match node:
            case Chars():
                return node
            case Seq(items):
                return self._sequence(items, before, after)
            case Alt(branches):
                return alt(self.rewrite(b, before, after) for b in branches)
            case Capture(field, body):
                inner = self.rewrite(body, before, after)
                return NEVER if inner == NEVER else Capture(field, inner)
            case Repeat(body, least, most, mode):
                if mode is Mode.POSSESSIVE:
                    return self._plain(Repeat(body, least, most, Mode.GREEDY), before, after)
                again = most is None or most > 1
                inner = self.rewrite(body, before | last(body, before) if again else before, _looped(node, after))
                if inner == NEVER:
                    return EMPTY if least == 0 else NEVER
                return Repeat(inner, least, most, mode)
            case Atomic(body):
                return self._plain(body, before, after)
            case Look():
                return self._look(node, before, after)
            case Anchor(at):
                if at is At.TEXT_END_BEFORE_NEWLINE:
                    raise Untranslatable(r"it uses `\Z`; `\z` or `$` would do")
                return node

    def _sequence(self, items: tuple[Node, ...], before: Symbols, after: Next) -> Node:
        nexts = [after]
        for item in reversed(items):
            nexts.append(first(item, nexts[-1]))
        out = []
        for item, following in zip(items, reversed(nexts[:-1]), strict=True):
            out.append(self.rewrite(item, before, following))
            before = last(item, before)
        return seq(out)

    def _plain(self, body: Node, before: Symbols, after: Next) -> Node:
        if after.sure:
            return self.rewrite(body, before, after)
        extension = extending(body)
        if extension is None:
            raise Untranslatable("what an atomic group or possessive repetition would give back cannot be told")
        if extension & after.symbols.chars:
            raise Untranslatable("an atomic group or possessive repetition is followed by what it could have taken")
        return _greedy(body)

    def _look(self, look: Look, before: Symbols, after: Next) -> Node:
        allowed = symbols_of(look)
        neighbours = after.symbols if look.ahead else before
        if allowed is not None and neighbours <= allowed:
            return EMPTY
        if allowed is not None and not neighbours & allowed:
            return NEVER
        return self.open_look(look, allowed, before, after)


def empty_rounds(tree: Node) -> Iterator[Node]:
    """What is repeated and can be empty. Whether an empty last round counts differs by engine."""
    match tree:
        case Seq(parts) | Alt(parts):
            for part in parts:
                yield from empty_rounds(part)
        case Repeat(body, _, most):
            if most != 1 and nullable(body):
                yield body
            yield from empty_rounds(body)
        case Atomic(body) | Capture(_, body) | Look(_, _, body):
            yield from empty_rounds(body)
        case _:
            pass


def _looped(loop: Repeat, after: Next) -> Next:
    """What comes after one round of a repetition: another round, or the rest."""
    if loop.most == 1:
        return after
    either = first(loop.body, after) | after
    return Next(either.symbols, after.sure and loop.least <= 1)


def _greedy(node: Node) -> Node:
    match node:
        case Seq(items):
            return seq(_greedy(i) for i in items)
        case Alt(branches):
            return alt(_greedy(b) for b in branches)
        case Repeat(body, least, most, _):
            return Repeat(_greedy(body), least, most, Mode.GREEDY)
        case Atomic(body):
            return _greedy(body)
        case _:
            return node
