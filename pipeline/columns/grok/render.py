"""A tree as the source of one of two regex engines.

Both get explicit ranges and no flags. The `regex` module takes every tree; the Rust crate takes what `rust.translate`
returns.
"""

from collections.abc import Callable

from pipeline.columns.grok.charset import ANY, LAST, NEWLINE, NONE, CharSet
from pipeline.columns.grok.tree import Alt, Anchor, At, Atomic, Capture, Chars, Look, Node, Repeat, Seq, nullable

_META = frozenset(r"\.+*?()|[]{}^$#&-~")
_RUST_ANCHORS = {
    At.TEXT_START: r"\A",
    At.TEXT_END: r"\z",
    At.LINE_START: "(?m:^)",
    At.LINE_END: "(?m:$)",
    At.WORD_EDGE: r"(?-u:\b)",
    At.NOT_WORD_EDGE: r"(?-u:\B)",
}
_PYTHON_ANCHORS = {
    At.TEXT_START: r"\A",
    At.TEXT_END: r"\Z",
    At.TEXT_END_BEFORE_NEWLINE: r"(?=\n?\Z)",
    At.LINE_START: "(?m:^)",
    At.LINE_END: "(?m:$)",
    At.WORD_EDGE: r"\b",
    At.NOT_WORD_EDGE: r"\B",
}


class Rendered:
    """`source` has one group `c<n>` for each capture met, in order; `fields[n]` is the field it belongs to and
    `nullable[n]` tells whether it can capture the empty text."""

    def __init__(self, node: Node, rust: bool) -> None:
        self.fields: list[int] = []
        self.nullable: list[bool] = []
        self._rust = rust
        self._anchors = _RUST_ANCHORS if rust else _PYTHON_ANCHORS
        self._escape: Callable[[int], str] = _rust_escape if rust else _python_escape
        self.source = self._print(node)

    def _print(self, node: Node) -> str:
        match node:
            case Chars(chars):
                return self._chars(chars)
            case Seq(items):
                return "".join(self._group(i) if isinstance(i, Alt) else self._print(i) for i in items)
            case Alt(branches):
                return "|".join(self._print(b) for b in branches)
            case Repeat(body, least, most, mode):
                return self._unit(body) + _count(least, most) + mode.value
            case Atomic(body):
                return f"(?>{self._print(body)})"
            case Capture(field, body):
                number = len(self.fields)
                self.fields.append(field)
                self.nullable.append(nullable(body))
                return f"(?P<c{number}>{self._print(body)})"
            case Look(ahead, negative, body):
                return f"(?{'' if ahead else '<'}{'!' if negative else '='}{self._print(body)})"
            case Anchor(at):
                return self._anchors[at]

    def _unit(self, node: Node) -> str:
        alone = isinstance(node, Chars | Capture | Atomic)
        return self._print(node) if alone else self._group(node)

    def _group(self, node: Node) -> str:
        return f"(?:{self._print(node)})"

    def _chars(self, chars: CharSet) -> str:
        if chars == ~NEWLINE:
            return "."
        if chars in (ANY, NONE):
            return f"[{'' if chars else '^'}{self._escape(0)}-{self._escape(LAST)}]"
        if len(chars.spans) == 1 and chars.spans[0][0] == chars.spans[0][1]:
            return self._escape(chars.spans[0][0])
        # `regex` 2026.11 matches too little with `[^é]|[^a]`.
        negative = self._rust and chars.spans[-1][1] == LAST
        shown = ~chars if negative else chars
        parts = [self._escape(a) if a == b else f"{self._escape(a)}-{self._escape(b)}" for a, b in shown.spans]
        return f"[{'^' if negative else ''}{''.join(parts)}]"


def _count(least: int, most: int | None) -> str:
    short = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((least, most))
    if short is not None:
        return short
    if least == most:
        return f"{{{least}}}"
    return f"{{{least},{'' if most is None else most}}}"


def _plain(code: int) -> str | None:
    character = chr(code)
    if character in _META:
        return "\\" + character
    return character if 32 <= code < 127 else None


def _rust_escape(code: int) -> str:
    return _plain(code) or f"\\x{{{code:x}}}"


def _python_escape(code: int) -> str:
    return _plain(code) or f"\\U{code:08x}"
