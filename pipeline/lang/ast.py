"""The syntax tree: what a program says, before anybody asks whether it makes sense.

Nodes are frozen and carry the span they came from. Spans do not take part in equality, so two trees are equal when
they say the same thing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from pipeline.lang.spans import Span


@dataclass(frozen=True, slots=True)
class Node:
    span: Span = field(compare=False, repr=False)


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Name(Node):
    """One identifier; `quoted` when written in back-ticks."""

    text: str
    quoted: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Path(Node):
    """A dotted path: `status`, `geo.country`, `@timestamp`, `` `odd-name` ``. Metadata parts keep their `@`."""

    parts: tuple[Name, ...]

    @property
    def dotted(self) -> str:
        return ".".join(part.text for part in self.parts)


# ── expressions ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Integer(Node):
    value: int


@dataclass(frozen=True, slots=True)
class Float(Node):
    value: float


@dataclass(frozen=True, slots=True)
class Duration(Node):
    """`10s`: microseconds. `text` is what was written."""

    value: int
    text: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class Size(Node):
    """`64MiB`: bytes. `text` is what was written."""

    value: int
    text: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class Boolean(Node):
    value: bool


@dataclass(frozen=True, slots=True)
class Null(Node):
    pass


@dataclass(frozen=True, slots=True)
class String(Node):
    """`'raw text'`, taken verbatim, with `''` for a quote."""

    value: str


@dataclass(frozen=True, slots=True)
class Hole(Node):
    """`{field}` or `{@timestamp:%Y}` in a template. `format` is empty when there is none."""

    path: Path
    format: str


@dataclass(frozen=True, slots=True)
class Template(Node):
    """`"text {field}"`: literal texts (escapes resolved) and holes, in order. Without holes it is a plain text."""

    parts: tuple[str | Hole, ...]

    @property
    def plain(self) -> str | None:
        """The text, if there are no holes."""
        return (
            "".join(p for p in self.parts if isinstance(p, str))
            if all(isinstance(p, str) for p in self.parts)
            else None
        )


@dataclass(frozen=True, slots=True)
class Regex(Node):
    """`/pattern/flags`, `\\/` already resolved to `/`; flags out of `ims`."""

    pattern: str
    flags: str


@dataclass(frozen=True, slots=True)
class ListOf(Node):
    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Pair(Node):
    key: Name
    value: Expression


@dataclass(frozen=True, slots=True)
class MapOf(Node):
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Range(Node):
    """`200..299`, both ends included."""

    low: Expression
    high: Expression


@dataclass(frozen=True, slots=True)
class Unary(Node):
    operator: Literal["-", "not"]
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """`operator_span` is where a caret for the operator goes."""

    operator: Literal[
        "or",
        "and",
        "==",
        "!=",
        "<",
        "<=",
        ">",
        ">=",
        "in",
        "not in",
        "matches",
        "contains",
        "??",
        "+",
        "-",
        "*",
        "/",
        "%",
    ]
    left: Expression
    right: Expression
    operator_span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Conditional(Node):
    condition: Expression
    then: Expression
    otherwise: Expression


@dataclass(frozen=True, slots=True)
class Index(Node):
    """`x[i]`: an element of a list or a member of a record."""

    value: Expression
    index: Expression


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function, filter, input, output or aggregate call. `strict` is the `!` of `int!(x)`.

    `by`, `block` stand only where the grammar allows them (filters of a chain)."""

    name: Name
    arguments: tuple[Argument, ...]
    strict: bool = False
    by: tuple[Path, ...] = ()
    block: Block | None = None


@dataclass(frozen=True, slots=True)
class Argument(Node):
    """`value`, or `name: value`."""

    name: Name | None
    value: Expression


Expression = (
    Integer
    | Float
    | Duration
    | Size
    | Boolean
    | Null
    | String
    | Template
    | Regex
    | ListOf
    | MapOf
    | Range
    | Unary
    | Binary
    | Conditional
    | Index
    | Call
    | Path
)


# ── blocks ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Entry(Node):
    """`name = expression [by …] [where …]` in a block."""

    target: Path
    value: Expression
    by: tuple[Path, ...] = ()
    where: Expression | None = None


@dataclass(frozen=True, slots=True)
class Block(Node):
    entries: tuple[Entry, ...]


# ── statements ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Ref(Node):
    """`NAME` or `NAME.port`, as an upstream."""

    name: Name
    port: Name | None = None

    @property
    def dotted(self) -> str:
        return self.name.text if self.port is None else f"{self.name.text}.{self.port.text}"


@dataclass(frozen=True, slots=True)
class SourceStatement(Node):
    name: Name
    call: Call


@dataclass(frozen=True, slots=True)
class TransformStatement(Node):
    name: Name
    upstream: tuple[Ref, ...]
    filters: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class SinkStatement(Node):
    name: Name
    upstream: tuple[Ref, ...]
    filters: tuple[Call, ...]
    output: Call


@dataclass(frozen=True, slots=True)
class LetStatement(Node):
    name: Name
    value: Expression


@dataclass(frozen=True, slots=True)
class PatternStatement(Node):
    name: Name
    pattern: String


@dataclass(frozen=True, slots=True)
class IncludeStatement(Node):
    path: String


# ── tests ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Moment(Node):
    """`10:00:00`, or a text with a date. `text` is what it says."""

    text: str


@dataclass(frozen=True, slots=True)
class Given(Node):
    """`given NAME: [lines]` or `given NAME from 'file'`, with an `at`."""

    source: Name
    records: Expression | None
    file: String | None
    at: Moment | None


@dataclass(frozen=True, slots=True)
class Advance(Node):
    """`advance 10s` or `advance to 10:00:00`."""

    by: Expression | None
    to: Moment | None


@dataclass(frozen=True, slots=True)
class Restart(Node):
    """`restart`, or `crash`: the end of a process and the start of the next."""

    clean: bool


@dataclass(frozen=True, slots=True)
class Fail(Node):
    """`fail SINK for 30s`."""

    sink: Name
    duration: Expression


@dataclass(frozen=True, slots=True)
class Expect(Node):
    """`expect NODE[.port]` and one of: `{ condition }`, `all { … }`, `has N`, `has N { … }`, `is empty`, `== [ … ]`."""

    ref: Ref
    how: Literal["some", "all", "has", "empty", "equals"]
    condition: Expression | None = None
    count: Expression | None = None
    events: Expression | None = None


TestStep = Given | Advance | Restart | Fail | Expect


@dataclass(frozen=True, slots=True)
class TestStatement(Node):
    name: String
    steps: tuple[TestStep, ...]


Definition = SourceStatement | TransformStatement | SinkStatement | LetStatement | PatternStatement
Statement = Definition | IncludeStatement | TestStatement


@dataclass(frozen=True, slots=True)
class Program(Node):
    """The statements of one file, includes not yet resolved."""

    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Query(Node):
    """`input(…) | filter(…) | …`, as `pipe query` takes it."""

    stages: tuple[Call, ...]
