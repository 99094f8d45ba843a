"""Programs, queries and expressions: text to tree, with everything that is wrong with the text.

Nothing here raises, whatever the text. A program is read statement by statement, so several errors are reported at once
and every statement that can be read is in the tree.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from pipeline.lang.ast import Expression, Name, Node, Program, Query, Statement, Template
from pipeline.lang.diagnostics import Diagnostic, suggestion
from pipeline.lang.lexer import MOST_ERRORS, lex
from pipeline.lang.spans import Source, Span
from pipeline.lang.table import Machine
from pipeline.lang.tokens import BRACKET, CLOSER, STATEMENTS, Lexed, Token

if TYPE_CHECKING:
    from pipeline.lang.place import Mistake

DEEPEST = 128
"""How deep brackets and operators nest: every walk over a tree may recurse."""

LONGEST = 50_000
"""Most tokens of one statement, so that reading any text ends soon."""

_MOST_READINGS = 8
_PLAIN = {"TEST": "the name of a test", "FROM": "the path of a file", "AT": "a time", "TO": "a time"}
_DEEPENS = frozenset({"IF", "OR", "AND", "NOT", "COMPARE", "COALESCE", "RANGE", "PLUS", "MINUS", "TIMES"})
_ENDS_EXPRESSION = frozenset({"COMMA", "DEFINE", "BAR", "COLON"})
_KNOWN = ("SOURCE", "TRANSFORM", "SINK", "LET", "PATTERN", "TEST", "INCLUDE")

_TreeT = TypeVar("_TreeT", covariant=True)


@dataclass(frozen=True, slots=True)
class Parsed(Generic[_TreeT]):
    """What was read, and what is wrong with it.

    The tree of a program holds the statements that could be read, including those where an error left no doubt about
    the meaning; a query or an expression with an error may have none. `broken` are the names that unreadable statements
    would have defined, so that nobody calls them undefined."""

    tree: _TreeT | None
    diagnostics: tuple[Diagnostic, ...]
    broken: tuple[Name, ...] = ()


def parse_program(source: Source) -> Parsed[Program]:
    """The statements of one file. The tree is never None."""
    lexed = lex(source)
    diagnostics = list(lexed.diagnostics)
    statements: list[Statement] = []
    broken: list[Name] = []
    for tokens, until in _statements(lexed, len(source.text)):
        if len(diagnostics) > MOST_ERRORS:
            break
        spoilt = any(tokens[0].start <= offset < until for offset in lexed.spoilt)
        node, found = (None, []) if spoilt else _statement(tokens)
        diagnostics += found
        if node is not None:
            statements.append(cast("Statement", node))
        elif len(tokens) > 1 and tokens[1].type == "NAME" and tokens[0].type not in ("INCLUDE", "TEST"):
            broken.append(Name(tokens[1].span, tokens[1].name, tokens[1].text[:1] == "`"))
    tree = Program(Span(source, 0, len(source.text)), tuple(statements))
    return Parsed(tree, _ordered(diagnostics), tuple(broken))


def parse_query(source: Source) -> Parsed[Query]:
    """`input(…) | filter(…) | …`, the argument of `pipe query`."""
    tree, diagnostics = _whole(source, "QUERY")
    return Parsed(cast("Query | None", tree), diagnostics)


def parse_expression(source: Source) -> Parsed[Expression]:
    """One expression, such as the value of a `--set`."""
    tree, diagnostics = _whole(source, "EXPRESSION")
    return Parsed(cast("Expression | None", tree), diagnostics)


def _whole(source: Source, kind: str) -> tuple[Node | None, tuple[Diagnostic, ...]]:
    lexed = lex(source, statements=False)
    start = Token(kind, "", source, 0, 0)
    node, diagnostics = (None, []) if lexed.spoilt else _read([start, *lexed.tokens])
    return node, _ordered([*lexed.diagnostics, *diagnostics])


def _ordered(diagnostics: list[Diagnostic]) -> tuple[Diagnostic, ...]:
    """From top to bottom; after the most that are reported, a last one says so."""
    ordered = sorted(diagnostics, key=lambda diagnostic: diagnostic.span.start)
    if len(ordered) > MOST_ERRORS:
        ordered[MOST_ERRORS:] = [
            Diagnostic("P036", "too many errors; the rest is not shown", ordered[MOST_ERRORS].span)
        ]
    return tuple(ordered)


def _statements(lexed: Lexed, end: int) -> list[tuple[list[Token], int]]:
    """The tokens of each statement, and where the next one starts. Those before the first have no statement word."""
    bounds = [*lexed.starts, len(lexed.tokens)]
    if bounds[0] > 0:
        bounds.insert(0, 0)
    parts = [lexed.tokens[low:high] for low, high in pairwise(bounds)]
    return [
        (part, following[0].start if following else end)
        for part, following in zip(parts, [*parts[1:], []], strict=False)
    ]


def _statement(tokens: list[Token]) -> tuple[Node | None, list[Diagnostic]]:
    first = tokens[0]
    if first.type in ("STATEMENT", "ORPHAN"):
        return _guessed(tokens)
    if first.type not in _KNOWN:
        return None, [_stray(first)]
    return _read(tokens)


def _stray(token: Token) -> Diagnostic:
    close = suggestion(token.text, STATEMENTS) if token.type == "NAME" else ""
    help = close or "a program is made of source, transform, sink, let, pattern, include and test statements"
    return Diagnostic("P020", "no statement starts like this", token.span, help=help)


def _guessed(tokens: list[Token]) -> tuple[Node | None, list[Diagnostic]]:
    """A statement whose word is unknown or missing, read as the one that it looks most like."""
    first, types = tokens[0], {token.type for token in tokens}
    shape = "SINK" if "ARROW" in types else "TRANSFORM" if "BAR" in types else ""
    if first.type == "ORPHAN":
        word = shape.lower() or "source"
        message = f"the statement that defines `{tokens[1].name}` has no word before the name"
        help = f"write `{word} {tokens[1].text} = …`" if shape else f"write `source {tokens[1].text} = …` or `let …`"
        diagnostic = Diagnostic("P020", message, tokens[1].span, help=help)
    else:
        close = suggestion(first.text, STATEMENTS[:5])
        shape = next((word.upper() for word in STATEMENTS[:5] if f"`{word}`" in close), "")
        help = close or "statements are source, transform, sink, let, pattern, include and test"
        diagnostic = Diagnostic("P020", f"unknown statement `{first.text[:40]}`", first.span, help=help)
    if not shape:
        return None, [diagnostic]
    meant = Token(shape, first.text, first.source, first.start, first.end)
    node, further = _read([meant, *tokens[1:]])
    return node, [diagnostic, *further]


def _read(tokens: list[Token]) -> tuple[Node | None, list[Diagnostic]]:
    """One statement, query or expression. The tree is None where its meaning is in doubt."""
    last = tokens[-1]
    if len(tokens) > LONGEST:
        message = f"a statement of more than {LONGEST:,} words"
        return None, [
            Diagnostic("P013", message, tokens[0].span, help="keep long lists in a file and read it with `lookup`")
        ]
    deep = _too_deep(tokens)
    if deep is not None:
        return None, [
            Diagnostic("P012", "nested too deeply", deep.span, help="split the expression with `let` or `set`")
        ]
    end = Token("$END", "", last.source, last.end, last.end)
    node, diagnostics = _run([*tokens, end])
    holes = _with_holes(tokens)
    unreadable = bool(holes) or any(
        token.node is None for token in tokens if token.type in ("LITERAL", "RAW", "TEMPLATE")
    )
    return (None if unreadable else node), [*diagnostics, *holes]


def _run(tokens: list[Token]) -> tuple[Node | None, list[Diagnostic]]:
    machine, at, readings = Machine(), 0, 0
    opened: list[Token] = []
    trusted = 0
    diagnostics: list[Diagnostic] = []
    while True:
        token = tokens[at]
        if token.type == "$END":
            node = machine.finish(token)
            if node is not None:
                return node, diagnostics
        elif machine.feed(token):
            at += 1
            if token.type in CLOSER:
                opened.append(token)
            elif token.type in BRACKET:
                opened.pop()
            continue
        if at < trusted or readings == _MOST_READINGS:
            return None, diagnostics
        mistake = _mistake(tokens, at, machine, opened[-1] if opened else None)
        diagnostics.append(mistake.diagnostic)
        if mistake.reading is None:
            return None, diagnostics
        tokens[at : at + 1] = mistake.reading
        readings += 1
        trusted = at + len(mistake.reading)


def _mistake(tokens: list[Token], at: int, machine: Machine, opener: Token | None) -> Mistake:
    """What is wrong at the token that the machine refused. A program without mistakes does without what knows them."""
    from pipeline.lang.mistakes import explain
    from pipeline.lang.place import Place

    return explain(Place(tokens, at, machine.accepts(), opener))


def _with_holes(tokens: list[Token]) -> list[Diagnostic]:
    """Templates with holes where a plain text is meant: the path of an include, the key of a map."""
    wrong = []
    for index, token in enumerate(tokens):
        if not isinstance(token.node, Template) or token.node.plain is not None:
            continue
        if tokens[index - 1].type == "INCLUDE":
            wrong.append(Diagnostic("P035", "the path of an include has no fields in it", token.span))
        elif tokens[index - 1].type in _PLAIN:
            what = _PLAIN[tokens[index - 1].type]
            wrong.append(Diagnostic("P035", f"{what} has no fields in it", token.span))
        elif index + 1 < len(tokens) and tokens[index + 1].type == "COLON":
            wrong.append(Diagnostic("P035", "the key of a map has no fields in it", token.span))
    return wrong


def _too_deep(tokens: list[Token]) -> Token | None:
    """The token at which brackets and operators nest deeper than DEEPEST, counted from above."""
    levels = [0]
    depth = 0
    before = ""
    for token in tokens:
        kind = token.type
        if kind in _DEEPENS or (kind == "LSQB" and before in ("NAME", "META", "RPAR", "RSQB")):
            levels[-1] += 1
            depth += 1
        elif kind in _ENDS_EXPRESSION:
            depth -= levels[-1]
            levels[-1] = 0
        if kind in CLOSER:
            levels.append(0)
            depth += 1
        elif kind in BRACKET and len(levels) > 1:
            depth -= levels.pop() + 1
        if depth > DEEPEST:
            return token
        before = kind
    return None
