"""Grok source → tree.

The dialect is Oniguruma's Ruby syntax, which is Logstash's, with references `%{NAME:field:type}` opened on the way:
a reference is a group of its own, an unnamed `( )` captures nothing, and `(?<name:type>…)` is ours. What no engine here can promise to run in linear time
(back-references, subexpression calls, conditionals) is refused by name.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.columns.grok import escapes
from pipeline.columns.grok.charset import ANY, NEWLINE, NONE, POSIX, CharSet
from pipeline.columns.grok.failure import GrokError
from pipeline.columns.grok.tree import Alt, Anchor, At, Atomic, Capture, Chars, Look, Mode, Node, Repeat, Seq, seq

MAX_NESTING = 100
MAX_COUNT = 1000

REFERENCE = re.compile(r"%\{(\w+)(?::([^:{}]*))?(?::(\w+))?\}")
_COUNTED = re.compile(r"\{(?:(\d+)(,?)(\d*)|,(\d+))\}")
_NAMED = re.compile(r"\(\?P?(?:<([A-Za-z_@\[][^<>()'\s:]*)(?::(\w+))?>|'([A-Za-z_@][^<>()'\s:]*)')")
_FLAGS = re.compile(r"\(\?([imsx]*)(?:-([imsx]*))?([:)])")
_LOOKS = {"(?=": (True, False), "(?!": (True, True), "(?<=": (False, False), "(?<!": (False, True)}
_REFUSED_GROUPS = {"(?(": "a conditional", "(?~": "an absent operator", "(?P=": "a back-reference", "(?&": "a call"}


@dataclass(frozen=True, slots=True)
class Flags:
    ignore_case: bool = False
    dot_all: bool = False
    extended: bool = False

    def changed(self, on: str, off: str) -> "Flags":
        def state(letters: str, now: bool) -> bool:
            return (now or any(c in on for c in letters)) and not any(c in off for c in letters)

        return Flags(state("i", self.ignore_case), state("ms", self.dot_all), state("x", self.extended))


Opener = Callable[[re.Match[str]], Node]
Namer = Callable[[str, str | None, int], int]


class Parser:
    """One source text. `reference` gives the tree of a `%{…}`, `name` the index of an inline named group."""

    def __init__(self, source: str, reference: Opener, name: Namer) -> None:
        self.source = source
        self.position = 0
        self.elements: list[tuple[int, int, Node]] = []
        self._reference = reference
        self._name = name
        self._nesting = 0

    def parse(self) -> Node:
        tree, _ = self._alternation(Flags(), top=True)
        if self.position < len(self.source):
            raise GrokError("this `)` closes nothing", self.position, r"write `\)` for the character itself")
        return tree

    def _peek(self, text: str) -> bool:
        return self.source.startswith(text, self.position)

    def _take(self, text: str) -> bool:
        if self._peek(text):
            self.position += len(text)
            return True
        return False

    def _alternation(self, flags: Flags, top: bool = False) -> tuple[Node, Flags]:
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise GrokError(f"groups are nested deeper than {MAX_NESTING}", self.position, "flatten the pattern")
        branches: list[Node] = []
        while True:
            branch, flags = self._sequence(flags, top and not branches)
            branches.append(branch)
            if not self._take("|"):
                break
            if top:
                self.elements = []
        self._nesting -= 1
        return (branches[0] if len(branches) == 1 else Alt(tuple(branches))), flags

    def _sequence(self, flags: Flags, top: bool) -> tuple[Node, Flags]:
        items: list[Node] = []
        while self.position < len(self.source) and self.source[self.position] not in "|)":
            start = self.position
            if flags.extended and self._skip_blank():
                continue
            change = _FLAGS.match(self.source, self.position)
            if change and change[3] == ")":
                self.position = change.end()
                flags = flags.changed(change[1], change[2] or "")
                continue
            item = self._quantified(self._atom(flags), start)
            if top:
                self.elements.append((start, self.position, item))
            items.append(item)
        return seq(items), flags

    def _skip_blank(self) -> bool:
        blank = re.compile(r"\s+|#[^\n]*").match(self.source, self.position)
        if blank:
            self.position = blank.end()
        return bool(blank)

    def _quantified(self, node: Node, start: int) -> Node:
        while True:
            bounds = self._bounds()
            if bounds is None:
                return node
            if isinstance(node, Anchor | Look):
                raise GrokError("there is nothing to repeat here", start, "an assertion takes no quantifier")
            least, most, counted = bounds
            mode = Mode.GREEDY
            if counted:
                exactly = least == most
                if not exactly and self._take("?"):
                    mode = Mode.LAZY
            elif self._take("?"):
                mode = Mode.LAZY
            elif self._take("+"):
                mode = Mode.POSSESSIVE
            # Engines drop a group that is repeated no times, or keep it: without it, its fields are null on all of them.
            node = seq(()) if most == 0 else Repeat(node, least, most, mode)

    def _bounds(self) -> tuple[int, int | None, bool] | None:
        for sign, least, most in (("*", 0, None), ("+", 1, None), ("?", 0, 1)):
            if self._take(sign):
                return least, most, False
        counted = _COUNTED.match(self.source, self.position)
        if not counted:
            return None
        first, comma, second, upper = counted.groups()
        low = int(first or 0)
        high = int(second or upper) if second or upper else (None if comma else low)
        if max(low, high or 0) > MAX_COUNT:
            raise GrokError(f"a repetition of more than {MAX_COUNT}", self.position, "use `+` or `*`")
        if high is not None and high < low:
            raise GrokError(f"this repetition ends before it starts: {counted[0]}", self.position, "swap the numbers")
        self.position = counted.end()
        return low, high, True

    def _atom(self, flags: Flags) -> Node:
        character = self.source[self.position]
        if self._peek("%{"):
            return self._open_reference()
        if character == "(":
            return self._group(flags)
        if character == "[":
            return Chars(self._class(flags))
        if character == "\\":
            return self._escape(flags)
        if character in "*+?":
            help = f"write `\\{character}` for the character itself"
            raise GrokError("there is nothing to repeat here", self.position, help)
        self.position += 1
        match character:
            case ".":
                return Chars(ANY if flags.dot_all else ~NEWLINE)
            case "^":
                return Anchor(At.LINE_START)
            case "$":
                return Anchor(At.LINE_END)
        return Chars(self._cased(CharSet.of(character), flags))

    def _cased(self, chars: CharSet, flags: Flags) -> CharSet:
        return chars.ignoring_case() if flags.ignore_case else chars

    def _open_reference(self) -> Node:
        found = REFERENCE.match(self.source, self.position)
        if not found:
            help = r"write `%{NAME}`, `%{NAME:field}` or `%{NAME:field:int}`; `%\{` for the characters themselves"
            raise GrokError("this reference is not complete", self.position, help)
        node = self._reference(found)
        self.position = found.end()
        return node

    def _group(self, flags: Flags) -> Node:
        start = self.position
        if self._peek("(?#"):
            end = self.source.find(")", start)
            self.position = len(self.source) if end < 0 else end + 1
            return Seq(())
        for sign, what in _REFUSED_GROUPS.items():
            if self._peek(sign):
                raise GrokError(f"{what} is not supported", start, "rewrite the pattern without it")
        for sign, (ahead, negative) in _LOOKS.items():
            if self._take(sign):
                return Look(ahead, negative, self._closed(flags, start))
        if self._take("(?>"):
            return Atomic(self._closed(flags, start))
        if self._take("(?:"):
            return self._closed(flags, start)
        named = _NAMED.match(self.source, start)
        if named:
            self.position = named.end()
            field = self._name(named[1] or named[3], named[2], start)
            return Capture(field, self._closed(flags, start))
        change = _FLAGS.match(self.source, start)
        if change:
            self.position = change.end()
            return self._closed(flags.changed(change[1], change[2] or ""), start)
        if self._peek("(?"):
            help = "supported: (?:…) (?<name>…) (?P<name>…) (?>…) (?=…) (?!…) (?<=…) (?<!…) (?i) (?m) (?x)"
            raise GrokError("this kind of group is not known", start, help)
        self.position += 1
        return self._closed(flags, start)

    def _closed(self, flags: Flags, start: int) -> Node:
        node, _ = self._alternation(flags)
        if not self._take(")"):
            raise GrokError("this group is never closed", start, "add a `)`")
        return node

    def _numeric(self) -> CharSet | None:
        numeric = escapes.NUMERIC.match(self.source, self.position + 1)
        if not numeric:
            return None
        code = int(numeric[4], 8) if numeric[4] else int(numeric[1] or numeric[2] or numeric[3], 16)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            raise GrokError("there is no such code point", self.position, "code points end at 10FFFF")
        self.position = numeric.end()
        return CharSet.of(chr(code))

    def _property(self) -> CharSet | None:
        found = escapes.PROPERTY.match(self.source, self.position + 1)
        if not found:
            return None
        chars = escapes.property_set(found[3])
        if not chars:
            help = "POSIX names (`alpha`) and Unicode general categories (`L`, `Lu`, `Nd`) are known"
            raise GrokError(f"there is no property `{found[3]}`", self.position, help)
        self.position = found.end()
        return ~chars if (found[1] == "P") != (found[2] == "^") else chars

    def _escape(self, flags: Flags) -> Node:
        letter = self._escaped_letter()
        if letter in escapes.ANCHORS:
            self.position += 2
            return Anchor(escapes.ANCHORS[letter])
        return Chars(self._escaped_set(letter, flags))

    def _escaped_letter(self) -> str:
        letter = self.source[self.position + 1 : self.position + 2]
        if not letter:
            raise GrokError("the pattern ends in a lone backslash", self.position, r"write `\\` for a backslash")
        what = "a back-reference" if letter in "123456789" else escapes.REFUSED.get(letter)
        if what:
            raise GrokError(f"`\\{letter}` is not supported: {what}", self.position, "rewrite the pattern without it")
        return letter

    def _escaped_set(self, letter: str, flags: Flags) -> CharSet:
        chars = self._numeric() or self._property()
        if chars is None:
            if letter.isalnum() and letter.isascii() and letter not in escapes.CLASSES | escapes.CONTROLS:
                help = f"write `{letter}` for the character itself"
                raise GrokError(f"there is no escape `\\{letter}`", self.position, help)
            self.position += 2
            chars = escapes.CLASSES.get(letter) or CharSet.of(escapes.CONTROLS.get(letter, letter))
        return self._cased(chars, flags)

    def _class(self, flags: Flags) -> CharSet:
        start = self.position
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise GrokError(f"classes are nested deeper than {MAX_NESTING}", start, "flatten the pattern")
        self.position += 1
        negative = self._take("^")
        chars, left = NONE, ANY
        first = True
        while first or not self._peek("]"):
            if self.position >= len(self.source):
                raise GrokError(
                    "this class is never closed", start, r"add a `]`, or write `\[` for the character itself"
                )
            if self._take("&&"):
                left, chars = left & chars, NONE
            else:
                chars |= self._class_item(flags)
            first = False
        self.position += 1
        self._nesting -= 1
        chars = self._cased(chars & left, flags)
        return ~chars if negative else chars

    def _class_item(self, flags: Flags) -> CharSet:
        start = self.position
        posix = re.compile(r"\[:(\^?)(\w+):\]").match(self.source, start)
        if posix:
            known = POSIX.get(posix[2])
            if known is None:
                raise GrokError(f"there is no class `[:{posix[2]}:]`", start, "known: " + ", ".join(POSIX))
            self.position = posix.end()
            return ~known if posix[1] else known
        if self._peek("["):
            return self._class(flags)
        low = self._class_character()
        if not (self._peek("-") and self.source[self.position + 1 : self.position + 2] not in ("]", "")):
            return low
        if len(low.spans) != 1 or low.spans[0][0] != low.spans[0][1] or self._peek("-["):
            return low
        self.position += 1
        high = self._class_character()
        if len(high.spans) != 1 or high.spans[0][0] != high.spans[0][1]:
            return low | CharSet.of("-") | high
        if high.spans[0][0] < low.spans[0][0]:
            text = self.source[start : self.position]
            raise GrokError(f"this range ends before it starts: {text}", start, "swap the characters")
        return CharSet(((low.spans[0][0], high.spans[0][0]),))

    def _class_character(self) -> CharSet:
        if not self._peek("\\"):
            self.position += 1
            return CharSet.of(self.source[self.position - 1])
        letter = self._escaped_letter()
        if letter == "b":
            self.position += 2
            return CharSet.of("\b")
        return self._escaped_set(letter, Flags())
