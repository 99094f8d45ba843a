"""Masked texts grouped by templates, as Drain does it (He, Zhu, Zheng, Lyu: "Drain: An Online Log Parsing Approach with Fixed
Depth Tree", ICWS 2017).

Texts with as many tokens and the same first mask are compared with the templates of that group, and the first one that shares most
tokens, and at least half, takes the text; tokens in which they differ become `<*>`.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import eq

SIMILAR = 0.5
"""The share of tokens that a text has in common with its template, at least."""

TOKENS = 48
"""Tokens of a text that are compared; what follows is `…`."""

GROUP = 32
"""Templates of a group. After them, and when half of all templates are there, one more takes every other text of the group."""

OTHER = -1
_ANY = "<*>"

Row = tuple[str, bool, str]
"""Of a template, in order of founding: the first mask of its group, whether it takes every other text of that, its text."""


class Templates:
    """At most `most` templates, by number. `changes` counts how often one was founded or became wider."""

    def __init__(self, most: int, rows: Iterable[Row] = ()) -> None:
        self.most = most
        self.changes = 0
        self._groups: dict[tuple[int, str], list[int]] = {}
        self._catching: dict[tuple[int, str], int] = {}
        self._templates: list[tuple[str, ...]] = []
        self._heads: list[tuple[str, bool]] = []
        for first, catching, text in rows:
            tokens = tuple(text.split())
            self._found((len(tokens), first), tokens, catching=catching)

    def __len__(self) -> int:
        return len(self._templates)

    def text(self, number: int) -> str:
        return " ".join(self._templates[number])

    def rows(self) -> list[Row]:
        """What makes these templates again."""
        return [(*head, " ".join(tokens)) for head, tokens in zip(self._heads, self._templates, strict=True)]

    def copy(self) -> Templates:
        """The same templates, to go on with."""
        other = Templates(self.most)
        other.changes = self.changes
        other._groups = {key: list(group) for key, group in self._groups.items()}
        other._catching = dict(self._catching)
        other._templates = list(self._templates)
        other._heads = list(self._heads)
        return other

    def place(self, text: str) -> int:
        """The number of the template that takes a masked text; OTHER where there is none, and no more may be founded."""
        tokens = text.split()
        tokens = [*tokens[:TOKENS], "…"] if len(tokens) > TOKENS else tokens
        key = len(tokens), tokens[0] if tokens and tokens[0].startswith("<") else ""
        group = self._groups.get(key, ())
        same = [sum(map(eq, self._templates[kind], tokens)) for kind in group]
        most = max(same, default=0)
        if same and most >= SIMILAR * len(tokens):
            kind = group[same.index(most)]
            self._widen(kind, tokens)
            return kind
        if len(group) < GROUP and len(self._templates) < self.most // 2:
            return self._found(key, tuple(tokens), catching=False)
        if key not in self._catching:
            if len(self._templates) >= self.most:
                return OTHER
            self._found(key, (key[1] or _ANY, *[_ANY] * (len(tokens) - 1)) if tokens else (), catching=True)
        return self._catching[key]

    def _widen(self, kind: int, tokens: list[str]) -> None:
        before = self._templates[kind]
        after = tuple(a if a == b else _ANY for a, b in zip(before, tokens, strict=True))
        if after != before:
            self._templates[kind] = after
            self.changes += 1

    def _found(self, key: tuple[int, str], tokens: tuple[str, ...], *, catching: bool) -> int:
        number = len(self._templates)
        self._templates.append(tokens)
        self._heads.append((key[1], catching))
        if catching:
            self._catching[key] = number
        else:
            self._groups.setdefault(key, []).append(number)
        self.changes += 1
        return number
