"""The LALR parser that `pipe.lark` describes, built when first needed (some 50 ms)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, cast

from lark import Lark, UnexpectedToken
from lark.lexer import Lexer, LexerState
from lark.lexer import Token as LarkToken

from pipeline.lang.ast import Node
from pipeline.lang.build import Build
from pipeline.lang.tokens import Token

if TYPE_CHECKING:
    from lark import Transformer


class _NoLexer(Lexer):
    """Tokens are fed one by one, so the parser never asks for any."""

    def __init__(self, lexer_conf: object) -> None:
        pass

    def lex(self, lexer_state: LexerState, parser_state: object) -> Iterator[LarkToken]:
        raise NotImplementedError


class Machine:
    """One run of the parser over the tokens of one statement."""

    def __init__(self) -> None:
        self._run = _parser().parse_interactive()
        self._fed: list[Token] = []

    def feed(self, token: Token) -> bool:
        """Take one token. False if nothing that the language knows continues with it; the machine then stands before it."""
        try:
            self._run.feed_token(cast("LarkToken", token))
        except UnexpectedToken:
            self._rewind()
            return False
        self._fed.append(token)
        return True

    def finish(self, end: Token) -> Node | None:
        """The tree, or None if the tokens so far are not a whole statement."""
        try:
            return cast("Node", self._run.feed_token(cast("LarkToken", end)))
        except UnexpectedToken:
            self._rewind()
            return None

    def accepts(self) -> frozenset[str]:
        """Types of all tokens that can come next."""
        return frozenset(self._run.accepts())  # type: ignore[no-untyped-call]  # lark has no types here

    def _rewind(self) -> None:
        """A refused token may have reduced what came before it, which makes `accepts` forget what else could follow."""
        self._run = _parser().parse_interactive()
        for token in self._fed:
            self._run.feed_token(cast("LarkToken", token))


@cache
def _parser() -> Lark:
    grammar = files(__package__).joinpath("pipe.lark").read_text(encoding="utf-8")
    return Lark(
        grammar,
        parser="lalr",
        lexer=_NoLexer,
        transformer=cast("Transformer[LarkToken, Node]", Build()),
        maybe_placeholders=False,
    )
