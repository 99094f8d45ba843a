"""Program text to tokens and comments.

A word is a keyword only where a statement or clause can start, and `/` begins a regex only where a value can stand.
Both follow from one bit, whether the token before ends a value, so one pass over the text decides them. Brackets are
matched in the same pass. When they do not match, a second pass takes every line that looks like the start of a
statement for one, so that a forgotten bracket costs one statement and not the rest of the file.

Nothing here raises: what cannot be read is reported and left out, or read as what was probably meant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from pipeline.lang.ast import Expression, Regex, String
from pipeline.lang.diagnostics import Diagnostic, Label
from pipeline.lang.literals import read_number, read_raw, read_regex, read_template, read_word
from pipeline.lang.spans import Source, Span
from pipeline.lang.steps import NAMING, STEPS, compares_events, keyword
from pipeline.lang.tokens import BRACKET, CLOSER, ENDS_VALUE, STATEMENTS, Lexed, Token
from pipeline.lang.vocabulary import (
    ADVICE,
    CALLED,
    CLAUSES,
    DEFINED,
    DEFINING,
    FOREIGN,
    HARMLESS,
    NAMED,
    OPERATORS,
    REGEX,
    THEN_IN,
    THEN_TEXT,
    TOKEN,
    TYPOGRAPHIC,
    VALUES,
)

MOST_ERRORS = 50
MOST_OPEN = 1000


def lex(source: Source, *, statements: bool = True) -> Lexed:
    """Tokens of the whole text, in time linear in its length. Without `statements`, statement words are plain names."""
    lexed = _Scan(source, statements, recovering=False).run()
    return lexed if lexed.balanced else _Scan(source, statements, recovering=True).run()


@dataclass(slots=True)
class _Scan:
    source: Source
    statements: bool
    recovering: bool
    tokens: list[Token] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    comments: list[tuple[int, int]] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    spoilt: list[int] = field(default_factory=list)
    open: list[Token] = field(default_factory=list)
    balanced: bool = True
    after_value: bool = False
    naming: bool = False
    step: str | None = None
    """In a test: the type of the word that the current step began with, empty before the first."""

    def run(self) -> Lexed:
        text, position = self.source.text, 0
        while position < len(text) and (self.balanced or self.recovering):
            if len(self.diagnostics) > MOST_ERRORS or len(self.open) > MOST_OPEN:
                self._stop(position)
                break
            if text[position] == "/" and not self.after_value and text[position + 1 : position + 2] not in ("/", "*"):
                position = self._regex(position)
                continue
            if (found := TOKEN.match(text, position)) is not None:
                position = self._one(found)
        self._give_up_open()
        return Lexed(self.tokens, self.starts, self.comments, self.diagnostics, self.spoilt, self.balanced)

    def _stop(self, position: int) -> None:
        """Leave the rest of a hopeless text unread, and drop the statement that it begins in."""
        if len(self.open) > MOST_OPEN:
            self.diagnostics.append(Diagnostic("P012", "nested too deeply", self.open[-1].span))
            self.balanced = False
        self.spoilt.append(position)

    def _one(self, found: re.Match[str]) -> int:
        start, end = found.span()
        match found.lastgroup:
            case "space":
                pass
            case "comment":
                self.comments.append((start, end))
            case "word":
                return self._word(start, end)
            case "operator":
                self._operator(found[0], start, end)
            case "clock":
                self._add("CLOCK", start, end)
            case "number":
                self._literal("LITERAL", start, end, read_number(found[0], self._span(start, end)))
            case "raw" if found["raw_end"]:
                self._literal("RAW", start, end, read_raw(found[0], self._span(start, end)))
            case "template" if found["template_end"]:
                self._literal("TEMPLATE", start, end, read_template(found[0], self._span(start, end)))
            case "meta":
                self._check_letters(found[0], start, end)
                self._add("META", start, end)
            case "quoted" if found["quoted_end"] and end - start > 2:
                self._add("NAME", start, end)
            case "raw" | "template" | "quoted":
                self._not_closed(found[0][0], start, end)
            case "slashes":
                self._report("P007", "comments start with `#`", start, min(end, start + 2))
            case "foreign":
                self._foreign(found[0], start, end)
            case "bang":
                self._bang(start, end)
            case "quotes":
                return self._typographic(start)
            case _:
                self._wrong(start, end)
        return end

    # ── what is added and what is reported ──

    def _span(self, start: int, end: int) -> Span:
        return Span(self.source, start, end)

    def _add(self, kind: str, start: int, end: int, text: str = "", node: Expression | None = None) -> Token:
        opener = self.open[-1] if self.open else None
        token = Token(kind, text or self.source.text[start:end], self.source, start, end, node, opener)
        self.tokens.append(token)
        self.after_value = kind in ENDS_VALUE and not self.naming
        self.naming = False
        return token

    def _literal(self, kind: str, start: int, end: int, node: Expression | Diagnostic) -> None:
        if isinstance(node, Diagnostic):
            self._keep(node)
            self._add(kind, start, end)
        else:
            self._add(kind, start, end, node=node)

    def _report(self, code: str, message: str, start: int, end: int, help: str = "") -> None:
        self._keep(Diagnostic(code, message, self._span(start, end), help=help))

    def _keep(self, diagnostic: Diagnostic) -> None:
        if len(self.diagnostics) <= MOST_ERRORS:
            self.diagnostics.append(diagnostic)

    # ── words ──

    def _word(self, start: int, end: int) -> int:
        text = self.source.text
        word = text[start:end]
        dotted = bool(self.tokens) and self.tokens[-1].type == "DOT"
        if self.statements and not dotted and self._starts_statement(word, start, end):
            return end
        if not dotted and self._in_test and (kind := keyword(word, self.step or "", self.tokens, text, end)):
            self._add(kind, start, end)
            self.step = kind if kind in STEPS.values() else self.step
            self.naming = kind in NAMING
            return end
        self._check_letters(word, start, end)
        kind = "NAME"
        if not dotted and not self.naming and not NAMED.match(text, end):
            kind = (CLAUSES if self.after_value else VALUES).get(word, "NAME")
        if kind == "NOT" and self.after_value and (following := THEN_IN.match(text, end)):
            self._add("COMPARE", start, following.end(), "not in")
            return following.end()
        if kind == "LITERAL" and not CALLED.match(text, end):
            self._add("LITERAL", start, end, node=read_word(word, self._span(start, end)))
        else:
            self._add("NAME" if kind == "LITERAL" else kind, start, end)
        return end

    @property
    def _in_test(self) -> bool:
        """Whether this place is directly in the braces of a test."""
        return self.step is not None and len(self.open) == 1

    def _check_letters(self, word: str, start: int, end: int) -> None:
        if not word.isascii():
            help = f"plain names are made of a to z, digits and _; write others in back-ticks: `{word}`"
            self._report("P001", f"`{word}` is not a plain name", start, end, help)

    def _starts_statement(self, word: str, start: int, end: int) -> bool:
        """Add the token if a statement starts here.

        After a complete value a statement word is one, in any other place only when a name and `=` follow: `let x = `
        may have lost its end. Two words and `=` are a statement whose word is unknown, one word and `=` lack theirs.
        """
        known = word in STATEMENTS
        shape = THEN_TEXT if word in ("include", "test") else DEFINING
        if self.open:
            if not (self.recovering and known and self._is_first_on_line(start) and shape.match(self.source.text, end)):
                return False
            self._give_up_open()
        fresh = self.after_value or not self.tokens
        if known and (fresh or shape.match(self.source.text, end)):
            kind = word.upper()
        elif not fresh or word in CLAUSES:
            return False
        elif DEFINING.match(self.source.text, end):
            kind = "STATEMENT"
        elif DEFINED.match(self.source.text, end):
            self.starts.append(len(self.tokens))
            self._add("ORPHAN", start, start)
            self.naming = True
            self._add("NAME", start, end)
            return True
        else:
            return False
        self.starts.append(len(self.tokens))
        self._add(kind, start, end)
        self.naming = word not in ("include", "test")
        self.step = "" if kind == "TEST" else None
        return True

    def _is_first_on_line(self, start: int) -> bool:
        text = self.source.text
        return not text[text.rfind("\n", 0, start) + 1 : start].strip()

    # ── brackets and other operators ──

    def _operator(self, text: str, start: int, end: int) -> None:
        kind = OPERATORS[text]
        if text == "==" and self._in_test and compares_events(self.step or "", self.tokens):
            kind = "EQUALS"
        if kind in CLOSER:
            self.open.append(self._add(kind, start, end))
        elif kind in BRACKET:
            self._close(kind, start, end)
        else:
            self._add(kind, start, end)

    def _close(self, kind: str, start: int, end: int) -> None:
        if not self.open:
            self.balanced = False
            self._report("P011", f"`{BRACKET[kind]}` closes nothing", start, end)
            return
        if CLOSER[self.open[-1].type] != kind:
            self.balanced = False
            if any(CLOSER[opener.type] == kind for opener in self.open):
                while CLOSER[self.open[-1].type] != kind:
                    self.open.pop().closed = False
            else:
                self._close_other(kind, start, end)
                kind = CLOSER[self.open[-1].type]
        token = self._add(kind, start, end, BRACKET[kind])
        token.opener = self.open.pop()

    def _close_other(self, kind: str, start: int, end: int) -> None:
        opener = self.open[-1]
        wanted = BRACKET[CLOSER[opener.type]]
        where = f"{opener.span.line}:{opener.span.column}"
        message = f"`{BRACKET[kind]}` cannot close the `{opener.text}` at {where}"
        labels = (Label(opener.span, "opened here"),)
        self._keep(Diagnostic("P011", message, self._span(start, end), f"write `{wanted}`", labels))

    def _give_up_open(self) -> None:
        for opener in self.open:
            opener.closed = False
            self.balanced = False
        self.open.clear()

    # ── what other languages write ──

    def _foreign(self, text: str, start: int, end: int) -> None:
        meant = FOREIGN.get("===" if text.startswith("===") else text)
        if meant is None:
            meant = ">=" if self.open else "->"
            help = "`>=` compares, `->` leads to an output"
        else:
            help = f"write `{meant}`"
        self._report("P003", f"`{text[:10]}` is not an operator of the language", start, end, help)
        self._add(OPERATORS.get(meant) or CLAUSES[meant], start, end, meant)

    def _bang(self, start: int, end: int) -> None:
        before = self.tokens[-1] if self.tokens else None
        if before is not None and before.type == "NAME" and before.end == start and CALLED.match(self.source.text, end):
            self._add("BANG", start, end)
        else:
            self._report("P003", "`!` is not an operator of the language", start, end, "write `not`")
            self._add("NOT", start, end, "not")

    def _typographic(self, start: int) -> int:
        found = TYPOGRAPHIC.match(self.source.text, start)
        quote = self.source.text[start]
        help = "write a text as 'raw text' or \"text with {fields}\""
        self._report("P001", f"{quote} is a typographic quote", start, start + 1, help)
        if found is None:
            self.spoilt.append(start)
            line_end = self.source.text.find("\n", start)
            return len(self.source.text) if line_end < 0 else line_end
        said = found[1] if found[1] is not None else found[2]
        self._add("RAW", start, found.end(), node=String(self._span(start, found.end()), said))
        return found.end()

    def _wrong(self, start: int, end: int) -> None:
        character = self.source.text[start]
        shown = f"`{character}`" if character.isprintable() else f"the character U+{ord(character):04X}"
        self._report("P001", f"{shown} means nothing here", start, end, ADVICE.get(character, ""))
        if character not in HARMLESS:
            self.spoilt.append(start)

    def _not_closed(self, quote: str, start: int, end: int) -> None:
        what = "name" if quote == "`" else "text"
        if quote == "`" and self.source.text[start:end] == "``":
            self._report("P002", "a name in back-ticks needs at least one character", start, end)
        else:
            self._report("P002", f"a {what} that starts with {quote} is not closed on its line", start, end)
        self.spoilt.append(start)

    def _regex(self, start: int) -> int:
        found = REGEX.match(self.source.text, start)
        end = found.end() if found else start + 1
        if found is None or found[1] is None:
            self._report("P006", "a regex that starts with / is not closed on its line", start, end)
            self._add("LITERAL", start, end, node=Regex(self._span(start, end), "", ""))
            self.spoilt.append(start)
        else:
            self._literal("LITERAL", start, end, read_regex(found[0], self._span(start, end)))
        return end
