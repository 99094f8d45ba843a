"""A tree → an equal tree without look-around, atomic groups and possessive repetitions, for Rust's `regex` crate.

Besides what `rewrite` does:

- At the start of the pattern a look-behind becomes the character before, matched: `(?<![0-9])x` is `(?:\\A|[^0-9])x`.
  The leftmost match of one is that of the other, as both reach x at the same places in the same order.
- At the end a look-ahead becomes the character after, outside of every capture.
"""

from collections.abc import Iterator

from pipeline.columns.grok.charset import ANY, CharSet
from pipeline.columns.grok.neighbours import ANYTHING, END, Next, Symbols, first, last, symbols_of
from pipeline.columns.grok.rewrite import Rewriter, Untranslatable
from pipeline.columns.grok.tree import EMPTY, Alt, Anchor, At, Atomic, Capture, Chars, Look, Node, Repeat, Seq, alt, seq

_MAX_SPLITS = 3


class _Rust(Rewriter):
    def open_look(self, look: Look, allowed: Symbols | None, before: Symbols, after: Next) -> Node:
        if allowed is None:
            raise Untranslatable("it looks ahead or behind at more than one character")
        what, where = ("ahead", "after") if look.ahead else ("behind", "before")
        raise Untranslatable(f"it looks {what} and what stands {where} that place is not known")


_rewrite = _Rust().rewrite


def anchored(tree: Node) -> Node:
    """The pattern, at the start of the text only. Raises `Untranslatable`."""
    return seq([Anchor(At.TEXT_START), _translate(tree, Symbols(CharSet(), True))])


def unanchored(tree: Node) -> Node:
    """The pattern anywhere in the text. Raises `Untranslatable`."""
    try:
        return _translate(tree, ANYTHING)
    except Untranslatable:
        looks = {s for s in map(symbols_of, _looks_behind(tree)) if s is not None}
        if not 0 < len(looks) <= _MAX_SPLITS:
            raise
    classes = [ANY]
    for look in looks:
        classes = [part for c in classes for part in (c & look.chars, c - look.chars) if part]
    merged: dict[Node, CharSet] = {}
    for chars in classes:
        rest = _translate(tree, Symbols(chars, False))
        merged[rest] = merged.get(rest, CharSet()) | chars
    return alt([anchored(tree), *(seq([Chars(chars), rest]) for rest, chars in merged.items())])


def _translate(tree: Node, before: Symbols) -> Node:
    """A pattern, or what ends one, when `before` can stand before it and anything after it."""
    match tree:
        case Seq(items) if items:
            head = seq(items[:-1])
            return seq([_rewrite(head, before, first(items[-1], END)), _translate(items[-1], last(head, before))])
        case Alt(branches):
            return alt(_translate(b, before) for b in branches)
    ways = _open_end(tree, before)
    if ways is None:
        return _rewrite(tree, before, END)
    return alt(node if follows is None else seq([node, _consuming(follows)]) for node, follows in ways)


def _looks_behind(node: Node) -> Iterator[Look]:
    match node:
        case Look(ahead, _, _) if not ahead:
            yield node
        case Seq(parts) | Alt(parts):
            for part in parts:
                yield from _looks_behind(part)
        case Repeat(body) | Atomic(body) | Capture(_, body):
            yield from _looks_behind(body)
        case _:
            pass


def _consuming(follows: Symbols) -> Node:
    return alt([*([Anchor(At.TEXT_END)] if follows.edge else []), Chars(follows.chars)])


def _open_end(node: Node, before: Symbols) -> list[tuple[Node, Symbols | None]] | None:
    """The ways in which a node at the end of the pattern matches, each with what must follow it; None when not known."""
    match node:
        case Look(ahead, _, _) if ahead:
            follows = symbols_of(node)
            return None if follows is None else [(EMPTY, follows)]
        case Alt(branches):
            lists = [_open_end(b, before) for b in branches]
            return [way for ways in lists if ways is not None for way in ways] if None not in lists else None
        case Capture(field, body):
            inner = _open_end(body, before)
            return None if inner is None else [(Capture(field, n), f) for n, f in inner]
        case Seq(items) if items:
            head, tail = seq(items[:-1]), items[-1]
            ends = _open_end(tail, last(head, before))
            if ends is None or len(ends) != 1:
                return [(_rewrite(node, before, END), None)] if not _ends_in_look(tail) else None
            end, follows = ends[0]
            rest = END if follows is None else Next(follows, False)
            return [(seq([_rewrite(head, before, first(tail, rest)), end]), follows)]
        case _:
            return [(_rewrite(node, before, END), None)]


def _ends_in_look(node: Node) -> bool:
    match node:
        case Look(ahead, _, _):
            return ahead
        case Seq(items):
            return bool(items) and _ends_in_look(items[-1])
        case Alt(branches):
            return any(_ends_in_look(b) for b in branches)
        case Capture(_, body) | Atomic(body) | Repeat(body):
            return _ends_in_look(body)
        case _:
            return False
