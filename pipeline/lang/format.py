"""The canonical layout of a program: same tokens, same comments, other white space."""

from __future__ import annotations

from itertools import pairwise

from pipeline.errors import ProgramError
from pipeline.lang.comments import Comments, attach
from pipeline.lang.groups import Piece, first_token, pieces, type_of
from pipeline.lang.layout import WIDTH, Layout
from pipeline.lang.lexer import lex
from pipeline.lang.parse import parse_program
from pipeline.lang.spans import Source
from pipeline.lang.tokens import Token

_TOGETHER = frozenset({"SOURCE", "SINK", "LET", "PATTERN", "INCLUDE"})
_INDENT = 2


def format_program(source: Source) -> str:
    """The program in its canonical layout, with a newline at the end; an empty program stays empty.

    Every comment is kept, the tree stays equal, and formatting the result again changes nothing. Raises ProgramError
    with the diagnostics if the program has syntax errors."""
    parsed = parse_program(source)
    if parsed.diagnostics:
        number = len(parsed.diagnostics)
        message = f"{source.name} has {number} syntax error{'s' * (number > 1)} and is left as it is"
        raise ProgramError(message, "correct what is listed, then format it again", parsed.diagnostics)
    lexed = lex(source)
    comments = attach(lexed, source.text)
    bounds = [*lexed.starts, len(lexed.tokens)]
    statements = [lexed.tokens[start:end] for start, end in pairwise(bounds)]
    lines: list[str] = []
    layout = Layout(comments)
    for group in _groups(statements, comments):
        heads = [_head(statement) for statement in group]
        width = max(len(head) for head in heads)
        for number, (statement, head) in enumerate(zip(group, heads, strict=True)):
            if lines and number == 0:
                lines.append("")
            lines += _statement(statement, head, width, layout)
    lines += layout.remark_lines(comments.after.above, 0, bool(lines) and comments.after.apart)
    while lines and not lines[-1]:
        lines.pop()
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _groups(statements: list[list[Token]], comments: Comments) -> list[list[list[Token]]]:
    """Neighbours of one kind that no empty line divides."""
    groups: list[list[list[Token]]] = []
    for statement in statements:
        remarks = comments.of(statement[0])
        apart = remarks.apart or "" in remarks.above
        kind = statement[0].type
        if groups and kind in _TOGETHER and groups[-1][-1][0].type == kind and not apart:
            groups[-1].append(statement)
        else:
            groups.append([statement])
    return groups


def _head(statement: list[Token]) -> str:
    """`sink search`, what stands before the `=`."""
    nameless = statement[0].type in ("INCLUDE", "TEST")
    return statement[0].text if nameless else f"{statement[0].text} {statement[1].text}"


def _statement(tokens: list[Token], head: str, width: int, layout: Layout) -> list[str]:
    named = 1 if tokens[0].type == "INCLUDE" else 3
    start = f"{head} " if named == 1 else f"{head:<{width}} = "
    whole = pieces(tokens)
    if tokens[0].type == "TEST":
        said = [*layout.remark_lines(layout.above(whole), 0, apart=False), *layout.lines(whole, 0, 0)]
        return [*said[:-1], _with(said[-1], layout.beside(whole))]
    body = whole[named:]
    first, *steps = _steps(body)
    opening = [*whole[:named], *first]
    lines = layout.remark_lines(layout.above(opening), 0, apart=False)
    if tokens[0].type == "SINK" and not _is_interrupted(opening, steps, layout):
        flat = layout.flat(body)
        if flat is not None and len(start) + len(flat) <= WIDTH:
            return [*lines, _with(start + flat, layout.beside(body))]
    indent = 0 if not steps else _INDENT if tokens[0].type == "TRANSFORM" else len(start)
    said = layout.lines(first, indent, len(start))
    said[0] = start + said[0]
    said[-1] = _with(said[-1], layout.beside(opening))
    lines += said
    for step in steps:
        sign = first_token(step).text + " "
        lines += layout.remark_lines(layout.above(step), indent, apart=False)
        inner = indent + len(sign)
        said = layout.lines(step[1:], inner, inner)
        said[0] = " " * indent + sign + said[0]
        said[-1] = _with(said[-1], layout.beside(step))
        lines += said
    return lines


def _is_interrupted(opening: list[Piece], steps: list[list[Piece]], layout: Layout) -> bool:
    """Whether comments divide the steps."""
    between = [layout.beside(part) for part in [opening, *steps[:-1]]]
    return any(between) or any(layout.above(step) for step in steps)


def _with(line: str, comment: str) -> str:
    return f"{line}  {comment}" if comment else line


def _steps(body: list[Piece]) -> list[list[Piece]]:
    """The upstream, then each filter with its `|` and the output with its `->`."""
    parts: list[list[Piece]] = [[]]
    for item in body:
        if type_of(item) in ("BAR", "ARROW"):
            parts.append([])
        parts[-1].append(item)
    return parts
