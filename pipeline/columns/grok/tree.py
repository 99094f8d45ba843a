"""The syntax tree of a pattern, after references are opened and before an engine is chosen."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from pipeline.columns.grok.charset import NONE, CharSet


class Mode(Enum):
    """What a repetition prefers, and whether it gives back."""

    GREEDY = ""
    LAZY = "?"
    POSSESSIVE = "+"


class At(Enum):
    """A place that an anchor asserts. `^` and `$` are those of lines, as in Oniguruma's Ruby syntax."""

    TEXT_START = r"\A"
    TEXT_END = r"\z"
    TEXT_END_BEFORE_NEWLINE = r"\Z"
    LINE_START = "^"
    LINE_END = "$"
    WORD_EDGE = r"\b"
    NOT_WORD_EDGE = r"\B"


@dataclass(frozen=True, slots=True)
class Chars:
    """One code point out of a set."""

    set: CharSet


@dataclass(frozen=True, slots=True)
class Seq:
    items: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Alt:
    """Branches in order of preference."""

    branches: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Repeat:
    body: "Node"
    least: int
    most: int | None
    mode: Mode


@dataclass(frozen=True, slots=True)
class Atomic:
    """Once matched, never reconsidered."""

    body: "Node"


@dataclass(frozen=True, slots=True)
class Capture:
    """Text kept as the field with this index; the same field may be captured in several places."""

    field: int
    body: "Node"


@dataclass(frozen=True, slots=True)
class Look:
    ahead: bool
    negative: bool
    body: "Node"


@dataclass(frozen=True, slots=True)
class Anchor:
    at: At


Node: TypeAlias = Chars | Seq | Alt | Repeat | Atomic | Capture | Look | Anchor

EMPTY = Seq(())
NEVER = Chars(NONE)


def seq(items: Iterable[Node]) -> Node:
    """Items one after another: flattened, and `NEVER` if one of them can never match."""
    flat: list[Node] = []
    for item in items:
        flat.extend(item.items if isinstance(item, Seq) else (item,))
    if NEVER in flat:
        return NEVER
    return flat[0] if len(flat) == 1 else Seq(tuple(flat))


def alt(branches: Iterable[Node]) -> Node:
    """Branches in order, without those that can never match."""
    kept = tuple(b for b in branches if b != NEVER)
    if len(kept) == 1:
        return kept[0]
    return Alt(kept) if kept else NEVER


def nullable(node: Node) -> bool:
    """Whether the node can match the empty text."""
    match node:
        case Chars():
            return False
        case Seq(items):
            return all(nullable(i) for i in items)
        case Alt(branches):
            return any(nullable(b) for b in branches)
        case Repeat(body, least):
            return least == 0 or nullable(body)
        case Atomic(body) | Capture(_, body):
            return nullable(body)
        case Look() | Anchor():
            return True
