"""The words of a program: a type, the place, and what a literal says."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.lang.ast import Expression
from pipeline.lang.diagnostics import Diagnostic
from pipeline.lang.spans import Source, Span

STATEMENTS = ("source", "transform", "sink", "let", "pattern", "include", "test")
CLOSER = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}
BRACKET = {"LPAR": "(", "RPAR": ")", "LSQB": "[", "RSQB": "]", "LBRACE": "{", "RBRACE": "}"}
ENDS_VALUE = frozenset({"NAME", "META", "RAW", "TEMPLATE", "LITERAL", "RPAR", "RSQB", "RBRACE"})


@dataclass(slots=True, eq=False)
class Token:
    """One word of a program.

    `type` is a terminal of the grammar, or TEST, STATEMENT (an unknown statement word) or ORPHAN (no width: a statement
    starts here without its word). `node` is what a literal says, None when that cannot be read. `opener` is the bracket
    that the token stands in, or closes. `closed` is false for an opening bracket that has no partner.
    """

    type: str
    text: str
    source: Source
    start: int
    end: int
    node: Expression | None = None
    opener: Token | None = None
    closed: bool = True

    @property
    def span(self) -> Span:
        return Span(self.source, self.start, self.end)

    @property
    def name(self) -> str:
        """What a NAME or META says, without back-ticks."""
        return self.text[1:-1] if self.text[:1] == "`" else self.text


@dataclass(frozen=True, slots=True)
class Lexed:
    """A text as tokens.

    `starts` are indexes of `tokens` where statements start. `comments` are (start, end) offsets in order. `spoilt` are
    offsets of texts that are not closed: what follows on their line is lost, so their statement means nothing."""

    tokens: list[Token]
    starts: list[int]
    comments: list[tuple[int, int]]
    diagnostics: list[Diagnostic]
    spoilt: list[int]
    balanced: bool
