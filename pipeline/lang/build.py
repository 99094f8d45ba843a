"""Reductions of the grammar to nodes. The parser calls them bottom up, so a deep program needs no deep stack."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar, cast

from pipeline.lang import ast
from pipeline.lang.ast import Argument, Block, Call, Entry, Expression, Name, Node, Path, Ref, String, Template
from pipeline.lang.spans import Span
from pipeline.lang.tokens import Token


@dataclass(frozen=True, slots=True)
class _Several:
    """Nodes on their way to the node that will hold them."""

    span: Span


@dataclass(frozen=True, slots=True)
class _By(_Several):
    keys: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class _Arguments(_Several):
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class _Chain(_Several):
    filters: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class _Upstream(_Several):
    refs: tuple[Ref, ...]


@dataclass(frozen=True, slots=True)
class _Condition(_Several):
    expression: Expression


@dataclass(frozen=True, slots=True)
class _Such(_Several):
    expression: Expression


Part = Token | Node | _Several
Parts = list[Part]
_T = TypeVar("_T")


class Build:
    """One method for each rule that makes something; each takes the parts of its rule in order. It has no state."""

    # ── statements ──

    def source(self, parts: Parts) -> Node:
        return ast.SourceStatement(_over(parts), _name(parts[1]), _first(parts, Call))

    def transform(self, parts: Parts) -> Node:
        upstream, filters = _first(parts, _Upstream).refs, _first(parts, _Chain).filters
        return ast.TransformStatement(_over(parts), _name(parts[1]), upstream, filters)

    def sink(self, parts: Parts) -> Node:
        upstream, chain = _first(parts, _Upstream).refs, _optional(parts, _Chain)
        filters = chain.filters if chain else ()
        return ast.SinkStatement(_over(parts), _name(parts[1]), upstream, filters, _first(parts, Call))

    def let(self, parts: Parts) -> Node:
        return ast.LetStatement(_over(parts), _name(parts[1]), _expression(parts[3]))

    def pattern(self, parts: Parts) -> Node:
        return ast.PatternStatement(_over(parts), _name(parts[1]), _text(parts[3]))

    def include(self, parts: Parts) -> Node:
        return ast.IncludeStatement(_over(parts), _text(parts[1]))

    def query(self, parts: Parts) -> Node:
        chain = _optional(parts, _Chain)
        return ast.Query(_over(parts[1:]), (_first(parts, Call), *(chain.filters if chain else ())))

    def lone(self, parts: Parts) -> Node:
        return _expression(parts[1])

    def upstream(self, parts: Parts) -> _Upstream:
        return _Upstream(_over(parts), _every(parts, Ref))

    def ref(self, parts: Parts) -> Node:
        return Ref(_over(parts), _name(parts[0]), _name(parts[2]) if len(parts) > 1 else None)

    # ── tests ──

    def test(self, parts: Parts) -> Node:
        steps = tuple(cast("ast.TestStep", part) for part in parts if isinstance(part, Node))
        return ast.TestStatement(_over(parts), _text(parts[1]), steps)

    def given(self, parts: Parts) -> Node:
        at = _optional(parts, ast.Moment)
        listed = cast("Token", parts[2]).type == "COLON"
        records, file = (_expression(parts[3]), None) if listed else (None, _text(parts[3]))
        return ast.Given(_over(parts), _name(parts[1]), records, file, at)

    def at(self, parts: Parts) -> Node:
        return cast("Node", parts[1])

    def moment(self, parts: Parts) -> Node:
        token = cast("Token", parts[0])
        return ast.Moment(token.span, token.text if token.type == "CLOCK" else _text(token).value)

    def advance(self, parts: Parts) -> Node:
        to = _optional(parts, ast.Moment)
        return ast.Advance(_over(parts), None if to else _expression(parts[1]), to)

    def restart(self, parts: Parts) -> Node:
        return ast.Restart(_over(parts), clean=True)

    def crash(self, parts: Parts) -> Node:
        return ast.Restart(_over(parts), clean=False)

    def fail(self, parts: Parts) -> Node:
        return ast.Fail(_over(parts), _name(parts[1]), _expression(parts[3]))

    def expect(self, parts: Parts) -> Node:
        ref, such = _first(parts, Ref), _optional(parts, _Such)
        condition = such.expression if such else None
        word = parts[2].type if isinstance(parts[2], Token) else ""
        match word:
            case "HAS":
                return ast.Expect(_over(parts), ref, "has", condition, count=_expression(parts[3]))
            case "EQUALS":
                return ast.Expect(_over(parts), ref, "equals", events=_expression(parts[3]))
            case "IS":
                return ast.Expect(_over(parts), ref, "empty")
            case _:
                return ast.Expect(_over(parts), ref, "all" if word else "some", condition)

    def such(self, parts: Parts) -> _Such:
        return _Such(_over(parts), _expression(parts[1]))

    # ── filters ──

    def chain(self, parts: Parts) -> _Chain:
        return _Chain(_over(parts), _every(parts, Call))

    def filter(self, parts: Parts) -> Node:
        arguments, by = _optional(parts, _Arguments), _optional(parts, _By)
        return Call(
            _over(parts),
            _name(parts[0]),
            arguments.arguments if arguments else (),
            by=by.keys if by else (),
            block=_optional(parts, Block),
        )

    def call(self, parts: Parts) -> Node:
        return Call(_over(parts), _name(parts[0]), _first(parts, _Arguments).arguments)

    def arguments(self, parts: Parts) -> _Arguments:
        return _Arguments(_over(parts), _every(parts, Argument))

    def option(self, parts: Parts) -> Node:
        return Argument(_over(parts), _name(parts[0]), _expression(parts[2]))

    def positional(self, parts: Parts) -> Node:
        return Argument(_over(parts), None, _expression(parts[0]))

    def by(self, parts: Parts) -> _By:
        return _By(_over(parts), _every(parts, Path))

    def block(self, parts: Parts) -> Node:
        return Block(_over(parts), _every(parts, Entry))

    def entry(self, parts: Parts) -> Node:
        by, condition = _optional(parts, _By), _optional(parts, _Condition)
        return Entry(
            _over(parts),
            _first(parts, Path),
            _expression(parts[2]),
            by.keys if by else (),
            condition.expression if condition else None,
        )

    def condition(self, parts: Parts) -> _Condition:
        return _Condition(_over(parts), _expression(parts[1]))

    # ── expressions ──

    def conditional(self, parts: Parts) -> Node:
        return ast.Conditional(_over(parts), _expression(parts[1]), _expression(parts[3]), _expression(parts[5]))

    def binary(self, parts: Parts) -> Node:
        operator = cast("Token", parts[1])
        return ast.Binary(
            _over(parts),
            operator.text,  # type: ignore[arg-type]  # the lexer makes no others
            _expression(parts[0]),
            _expression(parts[2]),
            operator.span,
        )

    def unary(self, parts: Parts) -> Node:
        return ast.Unary(_over(parts), "-" if cast("Token", parts[0]).type == "MINUS" else "not", _expression(parts[1]))

    def interval(self, parts: Parts) -> Node:
        return ast.Range(_over(parts), _expression(parts[0]), _expression(parts[2]))

    def index(self, parts: Parts) -> Node:
        return ast.Index(_over(parts), _expression(parts[0]), _expression(parts[2]))

    def group(self, parts: Parts) -> Node:
        """The expression itself, with a span that includes its parentheses."""
        return replace(_expression(parts[1]), span=_over(parts))

    def function(self, parts: Parts) -> Node:
        strict = len(parts) == 3
        return Call(_over(parts), _name(parts[0]), _first(parts, _Arguments).arguments, strict)

    def list(self, parts: Parts) -> Node:
        return ast.ListOf(_over(parts), tuple(_expression(part) for part in parts if isinstance(part, Node)))

    def map(self, parts: Parts) -> Node:
        return ast.MapOf(_over(parts), _every(parts, ast.Pair))

    def pair(self, parts: Parts) -> Node:
        key = cast("Token", parts[0])
        name = _name(key) if key.type == "NAME" else Name(key.span, _text(key).value, quoted=True)
        return ast.Pair(_over(parts), name, _expression(parts[2]))

    def literal(self, parts: Parts) -> Node:
        token = cast("Token", parts[0])
        return token.node if token.node is not None else ast.Null(token.span)

    def path(self, parts: Parts) -> Node:
        return Path(_over(parts), tuple(_name(part) for part in parts[::2]))


def _over(parts: Parts) -> Span:
    return parts[0].span.to(parts[-1].span)


def _name(part: Part) -> Name:
    token = cast("Token", part)
    return Name(token.span, token.name, token.text[:1] == "`")


def _text(part: Part) -> String:
    """The text of a RAW or TEMPLATE token. What holes say is lost: the parser has reported them."""
    token = cast("Token", part)
    if isinstance(token.node, String):
        return token.node
    plain = token.node.plain if isinstance(token.node, Template) else None
    return String(token.span, plain or "")


def _expression(part: Part) -> Expression:
    return cast("Expression", part)


def _every(parts: Parts, kind: type[_T]) -> tuple[_T, ...]:
    return tuple(part for part in parts if isinstance(part, kind))


def _optional(parts: Parts, kind: type[_T]) -> _T | None:
    return next((part for part in parts if isinstance(part, kind)), None)


def _first(parts: Parts, kind: type[_T]) -> _T:
    return next(part for part in parts if isinstance(part, kind))
