"""A diagnostic as text for a terminal.

nginx.pipe:12:7: error P101: unknown filter `geopi`
   12 |   | geopi(remote_addr)
      |     ^^^^^
help: did you mean `geoip`?
"""

from __future__ import annotations

import unicodedata

from pipeline.lang.diagnostics import Diagnostic, Label
from pipeline.lang.spans import Source, Span

WIDEST = 100
"""Columns of a program line that are shown; longer lines are cut around the place in question."""

_TAB = 4
_RED, _YELLOW, _BLUE, _BOLD, _PLAIN = "\x1b[1;31m", "\x1b[1;33m", "\x1b[1;34m", "\x1b[1m", "\x1b[0m"


def render(diagnostic: Diagnostic, *, colour: bool = False) -> str:
    """Several lines without a newline at the end; ANSI colours on request."""

    def paint(text: str, how: str) -> str:
        return f"{how}{text}{_PLAIN}" if colour and text else text

    span = diagnostic.span
    tone = _RED if diagnostic.severity == "error" else _YELLOW
    place = f"{span.source.name}:{span.line}:{span.column}:"
    title = paint(f"{diagnostic.severity} {diagnostic.code}:", tone)
    lines = [f"{paint(place, _BOLD)} {title} {_printable(diagnostic.message)}"]
    labels = [Label(span, diagnostic.label), *diagnostic.labels]
    gutter = max(5, *(len(str(label.span.line)) for label in labels))
    shown: tuple[Source, int] | None = None
    for label in _in_order(labels):
        source, line = label.span.source, label.span.line
        if shown is None or shown[0] is not source:
            if source is not span.source or shown is not None:
                lines.append(paint(f"{'-->':>{gutter + 1}}", _BLUE) + f" {source.name}:{line}:{label.span.column}")
            shown = None
        text, caret, width = _excerpt(label.span)
        if shown is None or shown[1] != line or len(text) > WIDEST:
            lines.append(f"{paint(f'{line:>{gutter}} |', _BLUE)} {text}".rstrip())
        mark = paint(
            "^" * width + (f" {_printable(label.text)}" if label.text else ""), tone if label is labels[0] else _BLUE
        )
        lines.append(f"{paint(f'{chr(32):>{gutter}} |', _BLUE)} {' ' * caret}{mark}")
        shown = (source, line)
    if diagnostic.help:
        lines.append(f"{paint('help:', _BOLD)} {_printable(diagnostic.help)}")
    return "\n".join(lines)


def _in_order(labels: list[Label]) -> list[Label]:
    """The lines of the diagnostic's own source from top to bottom, then those of others."""
    own = labels[0].span.source
    return sorted(labels, key=lambda label: (label.span.source is not own, label.span.source.name, label.span.line))


def _excerpt(span: Span) -> tuple[str, int, int]:
    """The span's line as shown, the column of its caret, and how many carets."""
    line = span.source.line_text(span.line).rstrip("\r")
    begin = min(span.column - 1, len(line))
    end = max(begin, min(len(line), begin + span.end - span.start))
    first = 0
    if _width(line[: WIDEST + 1]) > WIDEST or len(line) > WIDEST:
        first = max(0, begin - WIDEST // 2)
    prefix = "…" if first else ""
    before = prefix + _cells(line[first:begin])
    inside = _cells(line[begin:end][:WIDEST], _width(before))
    text = before + inside
    rest = _cells(line[end : end + WIDEST], _width(text))
    text += rest
    cut = False
    while _width(text) > WIDEST:
        text, cut = text[: -max(1, (_width(text) - WIDEST) // 2)], True
    if cut or end + WIDEST < len(line):
        text += "…"
    caret = _width(before)
    return text, caret, max(1, min(_width(inside), WIDEST - caret))


def _cells(text: str, column: int = 0) -> str:
    """The text as it is safe to print: tabs as spaces, control characters as pictures."""
    out = []
    for character in text:
        shown = " " * (_TAB - column % _TAB) if character == "\t" else _printable(character)
        out.append(shown)
        column += _width(shown)
    return "".join(out)


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or unicodedata.combining(c) else chr(0x2400 + ord(c)) if ord(c) < 32 else "\ufffd"
        for c in text
    )


def _width(text: str) -> int:
    """Columns that the text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in ("W", "F") else 1 for c in text
    )
