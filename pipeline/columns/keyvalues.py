"""Texts of `key=value` pairs as JSON objects of texts, for `jsontext` to take members out of."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field

import polars as pl

from pipeline.columns.native import kernels

_BLANKS = " \t\r\n"
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "'": "'", "\\": "\\"}


def objects(
    texts: pl.Series, between: str, equals: str, prefix: str = "", keys: Collection[str] | None = None
) -> pl.Series:
    """A JSON object (String) of the pairs of each text (String), values being texts; null where there is no pair.

    Pairs are separated by `between`, keys from values by the first `equals`; neither is empty. Keys and values may be in
    quotes, `"` or `'`, with `\\` before a quote that is part of them; a quote that is never closed, or after whose end no
    separator comes, is part of the text. Blanks around keys and values are left out, and so are texts without `equals`, and
    pairs without a key. `prefix` comes before every key; of `keys`, others are left out. Names may be there several times."""
    if kernels is None:
        return objects_twin(texts, between, equals, prefix, keys)
    found = kernels.pairs(texts.alias("").to_frame(), between, equals, prefix, None if keys is None else list(keys))
    return pl.DataFrame(found).to_series().rename(texts.name)


def objects_twin(
    texts: pl.Series, between: str, equals: str, prefix: str = "", keys: Collection[str] | None = None
) -> pl.Series:
    """`objects` without the native kernel: row by row."""
    reader = _Reader(between, equals, prefix, None if keys is None else frozenset(keys))
    return pl.Series(texts.name, [None if text is None else reader.object(text) for text in texts], dtype=pl.String)


@dataclass(slots=True)
class _Quotes:
    """Which quotes still close: after one that does not, they are characters like all others."""

    open: set[str] = field(default_factory=set)

    def quoted(self, text: str, at: int) -> tuple[str, int] | None:
        """What is inside of the quotes that begin at `at`, and the place after them."""
        mark = text[at : at + 1]
        if mark not in ('"', "'") or mark in self.open:
            return None
        end = at + 1
        while end < len(text):
            if text[end] == mark:
                return text[at + 1 : end], end + 1
            end += 2 if text[end] == "\\" else 1
        self.open.add(mark)
        return None


@dataclass(frozen=True, slots=True)
class _Reader:
    between: str
    equals: str
    prefix: str
    keys: frozenset[str] | None

    def object(self, text: str) -> str | None:
        made: list[str] = []
        there = False
        at, quotes = 0, _Quotes()
        while at < len(text):
            end = self._end(text, at)
            found = self._key(text, at, end, quotes)
            if found is None:
                at = end + len(self.between)
                continue
            key, begin = found
            while begin < end and text[begin] in _BLANKS:
                begin += 1
            quoted = self._value(text, begin, quotes)
            if quoted is not None:
                value, at = _unescaped(quoted[0]), quoted[1]
            else:
                # A key in quotes may have taken the text to the right of its own separator.
                end = self._end(text, begin) if begin > end else end
                value, at = text[begin:end].strip(_BLANKS), end + len(self.between)
            there = there or bool(key)
            if key and (self.keys is None or key in self.keys):
                made.append(
                    f"{json.dumps(self.prefix + key, ensure_ascii=False)}:{json.dumps(value, ensure_ascii=False)}"
                )
        return "{" + ",".join(made) + "}" if there else None

    def _end(self, text: str, begin: int) -> int:
        found = text.find(self.between, begin)
        return len(text) if found < 0 else found

    def _key(self, text: str, at: int, end: int, quotes: _Quotes) -> tuple[str, int] | None:
        """The key that begins at `at`, and where its value begins. `end` is the next separator of pairs."""
        quoted = quotes.quoted(text, at)
        if quoted is not None and text.startswith(self.equals, quoted[1]):
            return _unescaped(quoted[0]), quoted[1] + len(self.equals)
        found = text.find(self.equals, at, end)
        return None if found < 0 else (text[at:found].strip(_BLANKS), found + len(self.equals))

    def _value(self, text: str, begin: int, quotes: _Quotes) -> tuple[str, int] | None:
        """What is inside of the quotes that a value begins with, and where the next pair begins; None for one without."""
        quoted = quotes.quoted(text, begin)
        if quoted is None:
            return None
        inner, at = quoted
        while not text.startswith(self.between, at):
            if at >= len(text):
                return inner, at
            if text[at] not in _BLANKS:
                return None
            at += 1
        return inner, at + len(self.between)


def _unescaped(text: str) -> str:
    """A backslash before a quote or a backslash is left out; `\\n`, `\\r` and `\\t` are what they say; others stay."""
    first, *parts = text.split("\\")
    if not parts:
        return text
    made, at = [first], 0
    while at < len(parts):
        part = parts[at]
        if not part:
            # Two backslashes, or one at the end.
            made.append("\\")
            made += parts[at + 1 : at + 2]
            at += 2
            continue
        made.append(_ESCAPES.get(part[0], "\\" + part[0]) + part[1:])
        at += 1
    return "".join(made)
