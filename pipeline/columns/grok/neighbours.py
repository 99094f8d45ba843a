"""Which characters can stand before and after a place in a pattern, if the pattern is to match."""

from dataclasses import dataclass

from pipeline.columns.grok.charset import ANY, NEWLINE, NONE, CharSet
from pipeline.columns.grok.tree import Alt, Anchor, At, Atomic, Capture, Chars, Look, Node, Repeat, Seq, nullable


@dataclass(frozen=True, slots=True)
class Symbols:
    """A set of characters, and whether the edge of the text is among the possibilities."""

    chars: CharSet
    edge: bool

    def __or__(self, other: "Symbols") -> "Symbols":
        return Symbols(self.chars | other.chars, self.edge or other.edge)

    def __and__(self, other: "Symbols") -> "Symbols":
        return Symbols(self.chars & other.chars, self.edge and other.edge)

    def __invert__(self) -> "Symbols":
        return Symbols(~self.chars, not self.edge)

    def __bool__(self) -> bool:
        return bool(self.chars) or self.edge

    def __le__(self, other: "Symbols") -> bool:
        return not self & ~other


ANYTHING = Symbols(ANY, True)
NOTHING = Symbols(NONE, False)


@dataclass(frozen=True, slots=True)
class Next:
    """What must come next for the rest to match; `sure` when the rest matches whatever comes."""

    symbols: Symbols
    sure: bool

    def __or__(self, other: "Next") -> "Next":
        return Next(self.symbols | other.symbols, self.sure or other.sure)


END = Next(ANYTHING, True)


def symbols_of(look: Look) -> Symbols | None:
    """The neighbours that a look-around lets pass, when it looks at one character or edge; else None."""
    seen = _single(look.body, look.ahead)
    return None if seen is None else (~seen if look.negative else seen)


def _single(node: Node, ahead: bool) -> Symbols | None:
    match node:
        case Chars(chars):
            return Symbols(chars, False)
        case Alt(branches):
            parts = [_single(b, ahead) for b in branches]
            known = [p for p in parts if p is not None]
            whole = NOTHING
            for part in known:
                whole |= part
            return whole if len(known) == len(parts) else None
        case Anchor(At.TEXT_END) if ahead:
            return Symbols(NONE, True)
        case Anchor(At.LINE_END) if ahead:
            return Symbols(NEWLINE, True)
        case Anchor(At.TEXT_START) if not ahead:
            return Symbols(NONE, True)
        case Anchor(At.LINE_START) if not ahead:
            return Symbols(NEWLINE, True)
        case _:
            return None


def first(node: Node, after: Next) -> Next:
    """What must come next where `node` begins, when `after` must come where it ends."""
    match node:
        case Chars(chars):
            return Next(Symbols(chars, False), False)
        case Seq(items):
            for item in reversed(items):
                after = first(item, after)
            return after
        case Alt(branches):
            result = Next(NOTHING, False)
            for branch in branches:
                result |= first(branch, after)
            return result
        case Repeat(body, least):
            once = first(body, after)
            return once | after if least == 0 else once
        case Atomic(body) | Capture(_, body):
            return first(body, after)
        case Look(ahead, _, _):
            allowed = symbols_of(node) if ahead else None
            return Next(after.symbols & (allowed or ANYTHING), False)
        case Anchor(at):
            if at is At.TEXT_END:
                return Next(after.symbols & Symbols(NONE, True), False)
            if at in (At.LINE_END, At.TEXT_END_BEFORE_NEWLINE):
                return Next(after.symbols & Symbols(NEWLINE, True), False)
            return Next(after.symbols, False)


def last(node: Node, before: Symbols) -> Symbols:
    """What can stand before the place where `node` ends, when `before` can stand where it begins."""
    match node:
        case Chars(chars):
            return Symbols(chars, False)
        case Seq(items):
            for item in items:
                before = last(item, before)
            return before
        case Alt(branches):
            result = NOTHING
            for branch in branches:
                result |= last(branch, before)
            return result
        case Repeat(body, least):
            once = last(body, before)
            return once | before if least == 0 or nullable(body) else once
        case Atomic(body) | Capture(_, body):
            return last(body, before)
        case Look(ahead, _, _):
            allowed = None if ahead else symbols_of(node)
            return before if allowed is None else before & allowed
        case Anchor(at):
            if at is At.TEXT_START:
                return before & Symbols(NONE, True)
            if at is At.LINE_START:
                return before & Symbols(NEWLINE, True)
            return before
