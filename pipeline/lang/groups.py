"""Tokens to groups: what stands in which brackets, and between which commas. Nothing is decided about white space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from pipeline.lang.steps import STEPS
from pipeline.lang.tokens import CLOSER, ENDS_VALUE, Token


@dataclass(frozen=True, slots=True)
class Group:
    """A pair of brackets and what stands between its commas, or the entries of a block."""

    open: Token
    elements: list[list[Piece]]
    close: Token
    kind: str
    """call, list, map, index, parentheses, block; in tests, steps or condition"""


Piece = Token | Group


def pieces(tokens: Sequence[Token]) -> list[Piece]:
    """Tokens of a correct statement, those in brackets grouped."""
    stack: list[tuple[Token, str, list[Piece]]] = []
    current: list[Piece] = []
    before = ""
    in_test = bool(tokens) and tokens[0].type == "TEST"
    for token in tokens:
        if token.type in CLOSER:
            kind = _kind(token.type, before)
            if in_test and token.type == "LBRACE" and not stack:
                kind = "steps"
            elif in_test and len(stack) == 1 and (kind == "block" or before == "ALL"):
                kind = "condition"
            stack.append((token, kind, current))
            current = []
        elif token.type in CLOSER.values():
            opener, kind, outer = stack.pop()
            elements = _elements(kind, current)
            outer.append(Group(opener, elements, token, kind))
            current = outer
        else:
            current.append(token)
        before = token.type
    return current


def _kind(opener: str, before: str) -> str:
    after_value = before in ENDS_VALUE or before == "BANG"
    if opener == "LPAR":
        return "call" if after_value else "parentheses"
    if opener == "LSQB":
        return "index" if after_value else "list"
    return "block" if after_value else "map"


def _elements(kind: str, items: list[Piece]) -> list[list[Piece]]:
    if kind == "block":
        return _entries(items)
    if kind == "steps":
        starts = [index for index, item in enumerate(items) if type_of(item) in STEPS.values()]
        return [items[start:end] for start, end in pairwise([*starts, len(items)])]
    return _between_commas(items)


def _between_commas(items: list[Piece]) -> list[list[Piece]]:
    """Elements with their comma, which may carry a comment, as the last piece."""
    elements: list[list[Piece]] = [[]]
    for item in items:
        elements[-1].append(item)
        if type_of(item) == "COMMA":
            elements.append([])
    return elements if elements[-1] else elements[:-1]


def _entries(items: list[Piece]) -> list[list[Piece]]:
    starts = []
    for index, item in enumerate(items):
        if type_of(item) == "DEFINE":
            start = index - 1
            while start > 0 and type_of(items[start - 1]) == "DOT":
                start -= 2
            starts.append(start)
    return [items[start:end] for start, end in pairwise([*starts, len(items)])]


def type_of(piece: Piece) -> str:
    return piece.kind if isinstance(piece, Group) else piece.type


def first_token(items: Sequence[Piece]) -> Token:
    return items[0].open if isinstance(items[0], Group) else items[0]


def last_token(items: Sequence[Piece]) -> Token:
    return items[-1].close if isinstance(items[-1], Group) else items[-1]


def without_comma(items: list[Piece]) -> list[Piece]:
    return items[:-1] if type_of(items[-1]) == "COMMA" else items
