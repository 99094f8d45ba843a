"""A grok pattern with its references opened: the tree, the fields it captures, and its top-level elements.

Recursion stops at 32 levels and the text opened at 64 KiB, so a definition that doubles itself is an error at once.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from pipeline.columns.grok.failure import GrokError
from pipeline.columns.grok.names import MATCHED, REASON
from pipeline.columns.grok.parse import Parser
from pipeline.columns.grok.patterns import LIBRARY
from pipeline.columns.grok.render import Rendered
from pipeline.columns.grok.tree import Capture as Captured
from pipeline.columns.grok.tree import Node

MAX_DEPTH = 32
MAX_TEXT = 64 * 1024

FieldType = Literal["string", "int", "float", "bool"]
_TYPES: dict[str, FieldType] = {
    "string": "string",
    "str": "string",
    "int": "int",
    "integer": "int",
    "float": "float",
    "bool": "bool",
    "boolean": "bool",
}
_FIELD = re.compile(r"[A-Za-z_@][\w@-]*(?:\.[\w@-]+)*")
_BRACKETS = re.compile(r"(?:\[[^\[\]]+\])+")


@dataclass(frozen=True, slots=True)
class Capture:
    """A field of the result. `a.b` and `[a][b]` are the same field, written `a.b`."""

    field: str
    type: FieldType


@dataclass(frozen=True, slots=True)
class Element:
    """One item of the pattern's top level: the text it was written as, and what it matches."""

    text: str
    node: Node


@dataclass(frozen=True, slots=True)
class Expanded:
    """A pattern ready for an engine.

    `captures` are the fields in order of first appearance; `Capture` nodes of `tree` index them. `names` are the
    patterns opened. `elements` are those of the outermost sequence (of the pattern itself, or of the definition it is
    nothing but a reference to), empty when that is an alternation.
    """

    tree: Node
    captures: tuple[Capture, ...]
    names: frozenset[str]
    elements: tuple[Element, ...]

    @property
    def source(self) -> str:
        """The regex in the syntax of the `regex` module, with groups `c0`, `c1`, …"""
        return Rendered(self.tree, rust=False).source


def expand(pattern: str, definitions: Mapping[str, str] | None = None) -> Expanded:
    """Parse `pattern` with `definitions` over the library. Raises `GrokError`."""
    return _Expansion(dict(definitions or {})).run(pattern)


def lone_reference(pattern: str) -> str | None:
    """The NAME when the pattern is `%{NAME}` and nothing else."""
    found = re.fullmatch(r"%\{(\w+)\}", pattern)
    return found[1] if found else None


class _Expansion:
    def __init__(self, definitions: dict[str, str]) -> None:
        self._definitions = definitions
        self._types: dict[str, FieldType] = {}
        self._names: set[str] = set()
        self._path: list[str] = []
        self._size = 0

    def run(self, pattern: str) -> Expanded:
        tree, parser = self._parse(pattern)
        captures = tuple(Capture(f, t) for f, t in self._types.items())
        return Expanded(tree, captures, frozenset(self._names), tuple(self._elements(parser)))

    def _elements(self, parser: Parser) -> Iterator[Element]:
        """The items of a sequence; an unnamed reference to a sequence with fields is opened in its place."""
        for start, end, node in parser.elements:
            text = parser.source[start:end]
            name = lone_reference(text)
            definition = self._definition(name) if name else None
            inner = _Expansion(self._definitions)
            if definition is not None:
                _, inside = inner._parse(definition)
                if inner._types and inside.elements:
                    yield from inner._elements(inside)
                    continue
            yield Element(text, node)

    def _definition(self, name: str) -> str | None:
        if name in self._definitions:
            return self._definitions[name]
        return LIBRARY[name].source if name in LIBRARY else None

    def _parse(self, source: str) -> tuple[Node, Parser]:
        self._size += len(source.encode())
        if self._size > MAX_TEXT:
            raise GrokError(f"the pattern is larger than {MAX_TEXT // 1024} KiB when opened", 0, "split the pattern")
        parser = Parser(source, self._open, self._declare)
        return parser.parse(), parser

    def _open(self, reference: re.Match[str]) -> Node:
        name, field, type_name = reference.groups()
        position = reference.start()
        definition = self._definition(name)
        if definition is None:
            close = difflib.get_close_matches(name.upper(), [*self._definitions, *LIBRARY], 1)
            help = f"did you mean `{close[0]}`?" if close else "define it with `pattern NAME = '…'`"
            raise GrokError(f"there is no pattern `{name}`", position, help)
        if name in self._path:
            loop = " -> ".join([*self._path[self._path.index(name) :], name])
            raise GrokError(f"pattern `{name}` refers to itself: {loop}", position, "remove the reference")
        if len(self._path) >= MAX_DEPTH:
            raise GrokError(f"patterns are nested deeper than {MAX_DEPTH}", position, "flatten the definitions")
        index = None if field is None else self._declare(field, type_name, position)
        self._names.add(name)
        self._path.append(name)
        try:
            body, _ = self._parse(definition)
        except GrokError as error:
            where = "" if error.message.startswith("in pattern ") else f"in pattern `{name}`: "
            raise GrokError(where + error.message, position, error.help) from error
        self._path.pop()
        return body if index is None else Captured(index, body)

    def _declare(self, field: str, type_name: str | None, position: int) -> int:
        name = ".".join(field[1:-1].split("][")) if _BRACKETS.fullmatch(field) else field
        if not _FIELD.fullmatch(name):
            help = "a field is a name, `a.b` or `[a][b]`"
            raise GrokError(f"`{field}` is not the name of a field", position, help)
        if name in (MATCHED, REASON):
            raise GrokError(f"the field `{name}` is grok's own", position, "choose another name")
        type_ = _TYPES.get(type_name or "string")
        if type_ is None:
            close = difflib.get_close_matches(type_name or "", list(_TYPES), 1)
            help = f"did you mean `{close[0]}`?" if close else "types are int, float, string, bool"
            raise GrokError(f"there is no type `{type_name}`", position, help)
        known = self._types.setdefault(name, type_)
        if known != type_:
            raise GrokError(f"the field `{name}` is {known} and {type_}", position, "give both the same type")
        return list(self._types).index(name)
