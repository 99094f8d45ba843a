"""Groups to lines: where a line that is too long breaks.

Only white space and the commas before closing brackets and between entries are decided here; every other token is
printed as it was written. The result depends on tokens and comments alone, never on the lines they stood on, so that
laying out twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.lang.comments import Comments, Remarks
from pipeline.lang.groups import Group, Piece, first_token, last_token, pieces, type_of, without_comma
from pipeline.lang.lexer import lex
from pipeline.lang.spans import Source, Span
from pipeline.lang.tokens import ENDS_VALUE

WIDTH = 120
INDENT = 2
_BREAKS = (("THEN", "ELSE"), ("WHERE",), ("OR",), ("AND",), ("COALESCE",), ("PLUS",))
_ENDS_VALUE_TOO = frozenset({"call", "list", "map", "index", "parentheses"})
_WITHOUT_COMMAS = frozenset({"index", "parentheses", "condition", "steps"})
_TIGHT_BEFORE = frozenset({"COMMA", "COLON", "DOT", "BANG", "RANGE", "call", "index"})
_TIGHT_AFTER = frozenset({"DOT", "BANG", "RANGE"})


def one_line(span: Span) -> str:
    """A call, an entry of a block or an expression on one line and without comments, to show it.

    What stands in a statement with syntax errors may be given as it was written."""
    lexed = lex(Source(span.source.name, span.text), statements=False)
    flat = Layout(Comments({}, Remarks()), bare=True).flat(pieces(lexed.tokens)) if lexed.balanced else None
    return span.text if flat is None else flat


class Layout:
    """Lays out the pieces of one program, whose comments it knows.

    `bare`: for showing, comments are left out and blocks stand on one line, with commas."""

    def __init__(self, comments: Comments, *, bare: bool = False) -> None:
        self._comments, self._bare = comments, bare

    # ── on one line ──

    def flat(self, items: Sequence[Piece]) -> str | None:
        """All on one line, however long; None if comments or a block of several entries forbid it."""
        text = ""
        for index, item in enumerate(items):
            said = self._flat_group(item) if isinstance(item, Group) else item.text
            if said is None:
                return None
            text += _gap(items, index) + said
        return text

    def _flat_group(self, group: Group) -> str | None:
        if not self._bare and self._inner_remarks(group):
            return None
        parts = []
        for element in group.elements:
            said = self.flat(without_comma(element))
            if said is None or (not self._bare and self._has_remarks(element)):
                return None
            parts.append(said)
        if group.kind == "steps" and not self._bare:
            return None
        if group.kind == "condition":
            return f"{{ {parts[0]} }}"
        if group.kind == "block":
            if len(parts) > 1 and not self._bare:
                return None
            return f"{{ {', '.join(parts)} }}" if parts else "{ }"
        return f"{group.open.text}{', '.join(parts)}{group.close.text}"

    def _inner_remarks(self, group: Group) -> bool:
        closing = self._comments.of(group.close).above
        return bool(self._comments.of(group.open).beside or any(closing))

    def _has_remarks(self, element: Sequence[Piece]) -> bool:
        """Whether any token outside of the element's brackets carries a comment."""
        return any(self.above(element)) or bool(self.beside(element))

    # ── comments ──

    def above(self, element: Sequence[Piece]) -> list[str]:
        """Comments that go on lines before the element: those before it and those in the middle of it."""
        lines: list[str] = []
        last = last_token(without_comma(list(element)))
        for index, item in enumerate(element):
            opening, closing = (item.open, item.close) if isinstance(item, Group) else (item, item)
            above = self._comments.of(opening).above
            lines += above if index == 0 else [line for line in above if line]
            beside = self._comments.of(closing).beside
            inside = closing is not last and type_of(item) != "COMMA"
            if beside and inside:
                lines.append(beside)
        if (
            self._comments.of(last).beside
            and last is not last_token(element)
            and self._comments.of(last_token(element)).beside
        ):
            lines.append(self._comments.of(last).beside)
        return lines

    def beside(self, element: Sequence[Piece]) -> str:
        """The comment at the end of the element's last line."""
        said = self._comments.of(last_token(element)).beside
        return said or self._comments.of(last_token(without_comma(list(element)))).beside

    # ── on several lines ──

    def lines(self, items: Sequence[Piece], indent: int, column: int, room: int = 0) -> list[str]:
        """Lines of an element. The first continues a line of `column` characters; `indent` is that of its owner, `room`
        what must still fit after it."""
        flat = self.flat(items)
        if flat is not None and column + len(flat) + room <= WIDTH:
            return [flat]
        parts = self._broken_at_operators(items)
        if len(parts) > 1:
            inner = indent + 2 * INDENT
            lines = self.lines(parts[0], indent, column)
            for part in parts[1:]:
                more = self.lines(part, inner, inner, room if part is parts[-1] else 0)
                lines += [" " * inner + more[0], *more[1:]]
            return lines
        return self._broken_in_brackets(items, indent, column, room)

    def _broken_at_operators(self, items: Sequence[Piece]) -> list[list[Piece]]:
        """Parts that start with the loosest operators there are, apart from the first."""
        types = [type_of(item) for item in items]
        kinds = next((kinds for kinds in _BREAKS if any(kind in types[1:] for kind in kinds)), ())
        parts: list[list[Piece]] = [[]]
        for item in items:
            if parts[-1] and type_of(item) in kinds:
                parts.append([])
            parts[-1].append(item)
        return parts

    def _broken_in_brackets(self, items: Sequence[Piece], indent: int, column: int, room: int) -> list[str]:
        lines = [""]
        for index, item in enumerate(items):
            lines[-1] += _gap(items, index)
            here = len(lines[-1]) + (column if len(lines) == 1 else 0)
            said = self.flat([item])
            if not isinstance(item, Group):
                lines[-1] += item.text
            elif said is None or here + len(said) + (room if item is items[-1] else 0) > WIDTH:
                hanging = item.kind == "block" and index == 1
                broken = self._group(item, indent, here if hanging else None)
                lines[-1] += broken[0]
                lines += broken[1:]
            else:
                lines[-1] += said
        return lines

    def _group(self, group: Group, indent: int, hang: int | None) -> list[str]:
        """A group with one element a line. Without comments, entries of a block at column `hang` start right there."""
        if group.kind == "block" and group.elements and hang is not None and not self._is_remarked(group):
            entries = self._entry_lines(group.elements, hang + INDENT)
            entries[0] = f"{{ {entries[0].lstrip()}"
            entries[-1] += " }"
            return entries
        inner = indent + INDENT
        beside = self._comments.of(group.open).beside
        lines = [group.open.text, *([" " * inner + beside] if beside else [])]
        if group.kind == "block":
            lines += self._entry_lines(group.elements, inner)
        else:
            for number, element in enumerate(group.elements):
                lines += self._element_lines(element, inner, apart=number > 0, comma=group.kind not in _WITHOUT_COMMAS)
        closing = self._comments.of(group.close)
        lines += self.remark_lines(closing.above, inner, closing.apart and bool(closing.above))
        return [*lines, " " * indent + group.close.text]

    def _is_remarked(self, group: Group) -> bool:
        """Whether a block holds comments or empty lines between its entries."""
        return self._inner_remarks(group) or any(
            self._has_remarks(entry) or (number > 0 and self._comments.of(first_token(entry)).apart)
            for number, entry in enumerate(group.elements)
        )

    def remark_lines(self, remarks: Sequence[str], indent: int, apart: bool) -> list[str]:
        """Comments on lines of their own, after an empty line if they stood apart."""
        return [*([""] if apart else []), *(" " * indent + line if line else "" for line in remarks)]

    def _above_lines(self, element: Sequence[Piece], indent: int, apart: bool) -> list[str]:
        return self.remark_lines(self.above(element), indent, apart and self._comments.of(first_token(element)).apart)

    def _element_lines(self, element: list[Piece], indent: int, *, apart: bool, comma: bool) -> list[str]:
        said = self.lines(without_comma(element), indent, indent, 1)
        said[-1] += "," if comma else ""
        beside = self.beside(element)
        if beside:
            said[-1] += f"  {beside}"
        return [*self._above_lines(element, indent, apart), " " * indent + said[0], *said[1:]]

    def _entry_lines(self, entries: list[list[Piece]], indent: int) -> list[str]:
        """Entries aligned on `=`, and those that fit on a line on `where`."""
        split = [_split_entry(entry) for entry in entries]
        targets = [self.flat(target) or "" for target, _, _ in split]
        widest = max((len(target) for target in targets), default=0)
        head = indent + widest + len(" = ")
        values = [self.flat(value) for _, value, _ in split]
        conditions = [self.flat(condition) for _, _, condition in split]
        aligned = max(
            (
                len(value)
                for value, condition in zip(values, conditions, strict=True)
                if value is not None and condition
            ),
            default=0,
        )
        lines: list[str] = []
        for number, entry in enumerate(entries):
            value, condition = values[number], conditions[number]
            lines += self._above_lines(entry, indent, number > 0)
            start = " " * indent + f"{targets[number]:<{widest}} = "
            if value is not None and condition and head + aligned + 2 + len(condition) <= WIDTH:
                said = [f"{value:<{aligned}}  {condition}" if len(entries) > 1 else f"{value} {condition}"]
            else:
                _, rest, where = split[number]
                said = self.lines([*rest, *where], indent, head)
            lines += [start + said[0], *said[1:]]
            beside = self.beside(entry)
            if beside:
                lines[-1] += f"  {beside}"
        return lines


def _split_entry(entry: list[Piece]) -> tuple[list[Piece], list[Piece], list[Piece]]:
    """Target, value with its `by`, and the condition with its `where`."""
    entry = without_comma(entry)
    types = [type_of(item) for item in entry]
    define = types.index("DEFINE")
    where = types.index("WHERE") if "WHERE" in types else len(entry)
    return entry[:define], entry[define + 1 : where], entry[where:]


def _gap(items: Sequence[Piece], index: int) -> str:
    """The space before an item."""
    if index == 0:
        return ""
    kind, before = type_of(items[index]), type_of(items[index - 1])
    two_before = type_of(items[index - 2]) if index > 1 else ""
    sign = before == "MINUS" and two_before not in ENDS_VALUE and two_before not in _ENDS_VALUE_TOO
    return "" if sign or kind in _TIGHT_BEFORE or before in _TIGHT_AFTER else " "
