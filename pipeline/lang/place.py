"""A place where the parser cannot go on, and what may be said about it."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.lang.diagnostics import Diagnostic
from pipeline.lang.spans import Span
from pipeline.lang.tokens import Token


@dataclass(frozen=True, slots=True)
class Place:
    """`tokens[at]` was refused; `accepts` are the types that would not have been. `opener` is the innermost open bracket."""

    tokens: list[Token]
    at: int
    accepts: frozenset[str]
    opener: Token | None

    @property
    def found(self) -> Token:
        return self.tokens[self.at]

    @property
    def before(self) -> Token:
        return self.tokens[self.at - 1]

    @property
    def statement(self) -> str:
        return self.tokens[0].type

    def type_at(self, offset: int) -> str:
        index = self.at + offset
        return self.tokens[index].type if 0 <= index < len(self.tokens) else ""

    @property
    def gap(self) -> Span:
        """The place right after the token before."""
        return Span(self.before.source, self.before.end, self.before.end)

    def new(self, kind: str, text: str) -> Token:
        """A token that is not in the text, to be read before the refused one."""
        return Token(kind, text, self.before.source, self.before.end, self.before.end, opener=self.opener)

    def instead(self, kind: str, text: str) -> Token:
        """The refused token, read as another one."""
        found = self.found
        return Token(kind, text, found.source, found.start, found.end, found.node, found.opener)


@dataclass(frozen=True, slots=True)
class Mistake:
    """`reading` takes the place of the refused token and goes on; None gives the statement up."""

    diagnostic: Diagnostic
    reading: tuple[Token, ...] | None = None


def at(place: Place, code: str, message: str, help: str = "", label: str = "") -> Diagnostic:
    """A diagnostic at the refused token."""
    return Diagnostic(code, message, place.found.span, label, (), help)
