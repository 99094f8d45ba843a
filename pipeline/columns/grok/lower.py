"""A tree → the program that the native scanner runs.

The scanner is an automaton over bytes that sees one neighbour on each side. So looks at one character stay, and a longer
one is dropped where its first character cannot come (a look behind: its last cannot have been). Its programs are trees in
postfix order, as numbers: `native/src/grok/program.rs` has the table.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.columns.grok.charset import LAST, NEWLINE, NONE, CharSet
from pipeline.columns.grok.expand import Expanded
from pipeline.columns.grok.neighbours import ANYTHING, END, Next, Symbols, first, last, symbols_of
from pipeline.columns.grok.rewrite import Rewriter, Untranslatable, empty_rounds
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
    nullable,
)

_CHARS, _SEQ, _ALT, _REPEAT, _CAPTURE, _AHEAD, _BEHIND, _WORD_EDGE = range(8)
_UNBOUNDED = 2**32 - 1
_WIDE = CharSet(((128, LAST),))
_ANCHORS = {
    At.TEXT_START: (_BEHIND, Symbols(NONE, True)),
    At.LINE_START: (_BEHIND, Symbols(NEWLINE, True)),
    At.TEXT_END: (_AHEAD, Symbols(NONE, True)),
    At.LINE_END: (_AHEAD, Symbols(NEWLINE, True)),
}


@dataclass(frozen=True, slots=True)
class Program:
    """`numbers` for the scanner; `fields` has the index of the field for each place that captures, in order."""

    numbers: tuple[int, ...]
    fields: tuple[int, ...]


def lower(expanded: Expanded) -> Program:
    """The program of a pattern. Raises `Untranslatable`."""
    fields: list[int] = []
    try:
        tree = _Native().rewrite(expanded.tree, ANYTHING, END)
        if any(map(_captures, empty_rounds(tree))):
            raise Untranslatable("a repetition of what can be empty has a field in it")
        return Program(tuple(_numbers(tree, fields)), tuple(fields))
    except RecursionError:
        raise Untranslatable("it is nested too deeply") from None


class _Native(Rewriter):
    def open_look(self, look: Look, allowed: Symbols | None, before: Symbols, after: Next) -> Node:
        if allowed is not None:
            return look
        if nullable(look.body):
            seen = ANYTHING
        elif look.ahead:
            seen = first(look.body, END).symbols & after.symbols
        else:
            seen = last(look.body, ANYTHING) & before
        if seen:
            raise Untranslatable("it looks ahead or behind at more than one character")
        return EMPTY if look.negative else NEVER


def _numbers(node: Node, fields: list[int]) -> Iterator[int]:
    match node:
        case Chars(chars):
            yield _CHARS
            yield from _ranges(chars)
        case Seq(items) | Alt(items):
            for item in items:
                yield from _numbers(item, fields)
            yield _SEQ if isinstance(node, Seq) else _ALT
            yield len(items)
        case Repeat(body, least, most, mode):
            yield from _numbers(body, fields)
            yield from (_REPEAT, least, _UNBOUNDED if most is None else most, int(mode is Mode.LAZY))
        case Capture(field, body):
            place = len(fields)
            fields.append(field)
            yield from _numbers(body, fields)
            yield from (_CAPTURE, place)
        case Look(ahead):
            yield from _look(_AHEAD if ahead else _BEHIND, symbols_of(node))
        case Anchor(At.WORD_EDGE | At.NOT_WORD_EDGE as at):
            yield from (_WORD_EDGE, int(at is At.NOT_WORD_EDGE))
        case Anchor(at):
            yield from _look(*_ANCHORS[at])
        case Atomic():
            raise Untranslatable("an atomic group is left")


def _look(kind: int, allowed: Symbols | None) -> Iterator[int]:
    if allowed is None:
        raise Untranslatable("it looks ahead or behind at more than one character")
    wide = allowed.chars & _WIDE
    if wide and wide != _WIDE:
        raise Untranslatable("it looks ahead or behind at a character that is not ASCII")
    yield from (kind, int(allowed.edge))
    yield from _ranges(allowed.chars)


def _ranges(chars: CharSet) -> Iterator[int]:
    yield len(chars.spans)
    for low, high in chars.spans:
        yield from (low, high)


def _captures(node: Node) -> bool:
    match node:
        case Capture():
            return True
        case Seq(items) | Alt(items):
            return any(_captures(i) for i in items)
        case Repeat(body) | Atomic(body):
            return _captures(body)
        case _:
            return False
