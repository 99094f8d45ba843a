"""What expressions mean: literals, operators and their order, calls."""

import pytest

from pipeline.lang import Source, parse_expression
from pipeline.lang.ast import (
    Binary,
    Boolean,
    Call,
    Conditional,
    Duration,
    Expression,
    Float,
    Hole,
    Index,
    Integer,
    ListOf,
    MapOf,
    Null,
    Path,
    Range,
    Regex,
    Size,
    String,
    Template,
    Unary,
)


def read(text: str) -> Expression:
    parsed = parse_expression(Source("e", text))
    assert parsed.diagnostics == ()
    assert parsed.tree is not None
    return parsed.tree


def shape(node: Expression) -> str:
    """The tree with every operation in parentheses."""
    match node:
        case Binary():
            return f"({shape(node.left)} {node.operator} {shape(node.right)})"
        case Unary():
            return f"({node.operator} {shape(node.operand)})"
        case Conditional():
            return f"(if {shape(node.condition)} then {shape(node.then)} else {shape(node.otherwise)})"
        case Range():
            return f"({shape(node.low)}..{shape(node.high)})"
        case Index():
            return f"{shape(node.value)}[{shape(node.index)}]"
        case Path():
            return node.dotted
        case ListOf():
            return f"[{', '.join(shape(item) for item in node.items)}]"
        case MapOf():
            return "{" + ", ".join(f"{pair.key.text}: {shape(pair.value)}" for pair in node.pairs) + "}"
        case Call():
            arguments = (
                f"{a.name.text}: " * (a.name is not None) + shape(a.value) if a.name else shape(a.value)
                for a in node.arguments
            )
            return f"{node.name.text}{'!' if node.strict else ''}({', '.join(arguments)})"
        case Integer() | Float():
            return str(node.value)
        case _:
            return node.span.text


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("12", Integer, 12),
        ("1_000", Integer, 1000),
        ("9223372036854775807", Integer, 2**63 - 1),
        ("1.5", Float, 1.5),
        ("10ms", Duration, 10_000),
        ("1.5s", Duration, 1_500_000),
        ("2m", Duration, 120_000_000),
        ("3h", Duration, 10_800_000_000),
        ("1d", Duration, 86_400_000_000),
        ("7B", Size, 7),
        ("1KB", Size, 1000),
        ("10MB", Size, 10_000_000),
        ("1GB", Size, 10**9),
        ("1KiB", Size, 1024),
        ("64MiB", Size, 64 * 2**20),
        ("0.5GiB", Size, 2**29),
        ("true", Boolean, True),
        ("false", Boolean, False),
        ("'it''s %{raw} \\n {x}'", String, "it's %{raw} \\n {x}"),
        ("''", String, ""),
    ],
)
def test_literals(text: str, kind: type, value: object) -> None:
    """Each kind of literal has the value that its text says, durations in microseconds and sizes in bytes."""
    node = read(text)
    assert type(node) is kind
    assert node.value == value  # type: ignore[union-attr]


def test_null() -> None:
    """`null` is a value of its own."""
    assert isinstance(read("null"), Null)


def test_regex() -> None:
    """A regex keeps its escapes but for that of the slash; flags are in order."""
    node = read(r"/a\/b\d[x]\\/mi")
    assert isinstance(node, Regex)
    assert (node.pattern, node.flags) == (r"a/b\d[x]\\", "im")


def test_template() -> None:
    """Texts around holes are joined and unescaped; holes know their path, format and place."""
    node = read('"a {{x}} \\"\\n\\t\\\\{geo.country}{@timestamp:%Y.%m}{`odd-name`} z"')
    assert isinstance(node, Template)
    first, *holes, last = node.parts
    assert (first, last) == ('a {x} "\n\t\\', " z")
    assert [(hole.path.dotted, hole.format, hole.span.text) for hole in holes if isinstance(hole, Hole)] == [
        ("geo.country", "", "{geo.country}"),
        ("@timestamp", "%Y.%m", "{@timestamp:%Y.%m}"),
        ("odd-name", "", "{`odd-name`}"),
    ]
    assert node.plain is None


def test_plain_template() -> None:
    """A template without holes is a plain text."""
    node = read('"a{{b"')
    assert isinstance(node, Template)
    assert node.plain == "a{b"


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a or b and not c == d", "(a or (b and (not (c == d))))"),
        ("a and b or c", "((a and b) or c)"),
        ("not a and b", "((not a) and b)"),
        ("a == b ?? c", "(a == (b ?? c))"),
        ("a ?? b + c", "(a ?? (b + c))"),
        ("a - b - c", "((a - b) - c)"),
        ("a + b * c % d", "(a + ((b * c) % d))"),
        ("-a * b", "((- a) * b)"),
        ("--a", "(- (- a))"),
        ("-a[0]", "(- a[0])"),
        ("a[0]['k']", "a[0]['k']"),
        ("x in 200..299", "(x in (200..299))"),
        ("x not in [1, 2,]", "(x not in [1, 2])"),
        ("x in -1..n + 1", "(x in ((- 1)..(n + 1)))"),
        ("a matches /x/i and b contains 'c'", "((a matches /x/i) and (b contains 'c'))"),
        ("a / b / c", "((a / b) / c)"),
        ("if a then b else if c then d else e", "(if a then b else (if c then d else e))"),
        ("if a or b then 1 else 2 + 3", "(if (a or b) then 1 else (2 + 3))"),
        ("(a or b) and c", "((a or b) and c)"),
        ("int!(x) ?? 0", "(int!(x) ?? 0)"),
        ("f()", "f()"),
        ("f(a, n: 1, by: c, )", "f(a, n: 1, by: c)"),
        ("{age: 1h, `odd-name`: 2, 'X-Y': 3, by: 4}", "{age: 1h, odd-name: 2, X-Y: 3, by: 4}"),
        ("[]", "[]"),
        ("{}", "{}"),
        ("geo.`odd-name`.else.in", "geo.odd-name.else.in"),
        ("@timestamp - @received", "(@timestamp - @received)"),
        ("source + test", "(source + test)"),
        ("null(null)", "null(null)"),
        ("f(by, where)", "f(by, where)"),
        ("a # comment\n  +\n\tb", "(a + b)"),
    ],
)
def test_shapes(text: str, tree: str) -> None:
    """Operators bind as the description of the language orders them."""
    assert shape(read(text)) == tree


def test_spans() -> None:
    """Nodes know their place; parentheses belong to what is in them, and operators have a place of their own."""
    node = read("(a + b) == c")
    assert isinstance(node, Binary)
    assert (node.span.text, node.left.span.text, node.operator_span.text) == ("(a + b) == c", "(a + b)", "==")


def test_depth_is_bounded() -> None:
    """An expression of the greatest depth survives every recursive walk; one more level is refused."""
    deepest = "(" * 127 + "a + b" + ")" * 127
    assert read(deepest) == read(deepest)
    chain = " + ".join(["a"] * 129)
    assert hash(read(chain)) == hash(read(chain))
    for text in (f"({deepest})", f"{chain} + a", "not " * 129 + "a", "a" + "[0]" * 129):
        (diagnostic,) = parse_expression(Source("e", text)).diagnostics
        assert (diagnostic.code, diagnostic.message) == ("P012", "nested too deeply")
