"""The steps in which Polars runs one pattern: each on the rows that the step before left unmatched.

1. The strict form of the library pattern that the pattern begins with, at the start of the text.
2. The pattern at the start of the text. A match there is the leftmost one, so this is the pattern's own result.
3. The pattern anywhere.

Each step is a plain `str.extract_groups`. The first two can run on Rust's one-pass automaton, the third cannot.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from pipeline.columns.grok import rust
from pipeline.columns.grok.expand import Expanded, expand
from pipeline.columns.grok.names import MATCHED
from pipeline.columns.grok.patterns import LIBRARY, Fast
from pipeline.columns.grok.render import Rendered
from pipeline.columns.grok.rewrite import Untranslatable, empty_rounds
from pipeline.columns.grok.tree import EMPTY, Alt, Anchor, At, Capture, Node, Repeat, Seq

_WITNESS = -1
_LEADING = re.compile(r"(?:\^|\\A)?%\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Group:
    """A capture group of a step and the field (its name in the result) that it fills."""

    name: str
    field: str
    may_be_empty: bool
    dash_is_null: bool

    def value(self) -> pl.Expr:
        """The group as a column, null where it holds what stands for nothing."""
        column = pl.col(self.name)
        if self.may_be_empty:
            column = pl.when(column != "").then(column)
        if self.dash_is_null:
            column = pl.when(column != "-").then(column)
        return column


@dataclass(frozen=True, slots=True)
class Step:
    """`source` for `str.extract_groups`; `witness` is a group that is null exactly in the rows that do not match."""

    source: str
    groups: tuple[Group, ...]
    witness: str

    def match(self, text: pl.Series) -> pl.DataFrame:
        """The fields as String, null where empty, and `@matched`."""
        groups = text.str.extract_groups(self.source).struct.unnest()
        places: dict[str, list[pl.Expr]] = {}
        for group in self.groups:
            places.setdefault(group.field, []).append(group.value())
        fields = [(v[0] if len(v) == 1 else pl.coalesce(v)).alias(field) for field, v in places.items()]
        return groups.select(*fields, pl.col(self.witness).is_not_null().alias(MATCHED))


def steps(pattern: str, expanded: Expanded, definitions: Mapping[str, str]) -> tuple[Step, ...]:
    """The steps for a pattern, in order. Raises `Untranslatable`."""
    anchored = _step(rust.anchored(expanded.tree), expanded)
    tree = rust.unanchored(expanded.tree)
    only_at_start = isinstance(tree, Seq) and tree.items[:1] == (Anchor(At.TEXT_START),)
    anywhere = () if only_at_start else (_step(tree, expanded),)
    fast = _fast_step(pattern, expanded, definitions)
    return (*([fast] if fast else []), anchored, *anywhere)


@dataclass(frozen=True, slots=True)
class Strict:
    """A pattern that matches, at the start of a text, fewer texts than another and those in the same way, but that a `-`
    in the fields `dash_is_null` stands for nothing."""

    expanded: Expanded
    dash_is_null: frozenset[str]


def strict(pattern: str, expanded: Expanded, definitions: Mapping[str, str]) -> Strict | None:
    """The pattern with its leading reference replaced by the strict form, if the library's meaning is not overridden."""
    if not expanded.names.isdisjoint(definitions.keys() & LIBRARY.keys()):
        return None
    found, seen = _LEADING.match(pattern), set[str]()
    while found and found[1] not in seen:
        seen.add(found[1])
        fast = LIBRARY[found[1]].fast if found[1] in LIBRARY and found[1] not in definitions else None
        if fast is not None:
            return _strict(fast, pattern[found.end() :], expanded, definitions)
        inner = definitions.get(found[1]) or LIBRARY[found[1]].source
        pattern = f"{inner}{pattern[found.end() :]}" if found.end() < len(pattern) else inner
        found = _LEADING.match(pattern) if "|" not in inner or _LEADING.fullmatch(inner) else None
    return None


def _strict(fast: Fast, rest: str, expanded: Expanded, definitions: Mapping[str, str]) -> Strict | None:
    """The strict form, unless a quantifier or an alternation makes the reference optional."""
    strict = expand(fast.source + rest, definitions)
    if (
        rest.startswith(("*", "+", "?", "{"))
        or isinstance(strict.tree, Alt)
        or not {*strict.captures} <= {*expanded.captures}
    ):
        return None
    return Strict(strict, fast.dash_is_null)


def _fast_step(pattern: str, expanded: Expanded, definitions: Mapping[str, str]) -> Step | None:
    found = strict(pattern, expanded, definitions)
    if found is None:
        return None
    try:
        return _step(rust.anchored(found.expanded.tree), found.expanded, found.dash_is_null)
    except Untranslatable:
        return None


def _step(tree: Node, expanded: Expanded, dash_is_null: frozenset[str] = frozenset()) -> Step:
    if next(empty_rounds(tree), None) is not None:
        raise Untranslatable("a repetition of what can be empty matches otherwise than on other engines")
    certain = _certain(tree)
    rendered = Rendered(tree if certain is not None else Seq((tree, Capture(_WITNESS, EMPTY))), rust=True)
    groups = []
    witness = f"c{len(rendered.fields) - 1}"
    for number, index in enumerate(rendered.fields):
        if index == certain and certain is not None:
            witness = f"c{number}"
        if index != _WITNESS:
            field = expanded.captures[index].field
            groups.append(Group(f"c{number}", field, rendered.nullable[number], field in dash_is_null))
    _try(rendered.source)
    return Step(rendered.source, tuple(groups), witness)


def _try(source: str) -> None:
    try:
        pl.Series([""], dtype=pl.String).str.extract_groups(source)
    except pl.exceptions.ComputeError as error:
        reason = str(error).strip().splitlines()[-1].removeprefix("error: ")
        raise Untranslatable(f"the Rust regex engine refuses it ({reason})") from error


def _certain(node: Node) -> int | None:
    """The field of a capture that takes part in every match, and is the only one of its field; else None."""
    fields: list[int] = []
    always: list[int] = []

    def visit(part: Node, sure: bool) -> None:
        match part:
            case Capture(field, body):
                fields.append(field)
                if sure:
                    always.append(field)
                visit(body, sure)
            case Seq(items):
                for item in items:
                    visit(item, sure)
            case Alt(branches):
                for branch in branches:
                    visit(branch, False)
            case Repeat(body, least):
                visit(body, sure and least > 0)
            case _:
                pass

    visit(node, True)
    return next((f for f in always if fields.count(f) == 1), None)
