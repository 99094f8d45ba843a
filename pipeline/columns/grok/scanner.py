"""Patterns on the native scanner."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import polars as pl

from pipeline.columns.grok.expand import Capture, Expanded
from pipeline.columns.grok.lower import Program, lower
from pipeline.columns.grok.rewrite import Untranslatable
from pipeline.columns.grok.stages import strict
from pipeline.columns.native import kernels

MEMORY = 32 << 20
"""Bytes that the automaton of a pattern may take, in each of the scans at a time; most take less than one MiB. What needs more is
worked out again and again: slower, but still in linear time."""


@dataclass(frozen=True, slots=True)
class Scan:
    """One pattern for the scanner: at the start of the text only, or anywhere. Places are of fields by name; in those of
    `dash_is_null` a `-` alone is null."""

    program: Program
    fields: tuple[str, ...]
    at_start: bool
    dash_is_null: frozenset[str] = frozenset()


def scans(pattern: str, expanded: Expanded, definitions: Mapping[str, str]) -> tuple[Scan, ...]:
    """What to try for a pattern, in order: its strict form, if it has one, then itself. Raises `Untranslatable`."""
    itself = _scan(expanded, False)
    found = strict(pattern, expanded, definitions)
    if found is not None:
        with suppress(Untranslatable):
            return _scan(found.expanded, True, found.dash_is_null), itself
    return (itself,)


def _scan(expanded: Expanded, at_start: bool, dash_is_null: frozenset[str] = frozenset()) -> Scan:
    program = lower(expanded)
    return Scan(program, tuple(expanded.captures[index].field for index in program.fields), at_start, dash_is_null)


class Scanner:
    """Patterns, tried in order. Threads may share it. Raises `Untranslatable` with the reason of the kernel."""

    def __init__(self, scans: Sequence[Scan], captures: Sequence[Capture], memory: int = MEMORY) -> None:
        if kernels is None:
            raise Untranslatable("the native kernels are not there")
        names = [capture.field for capture in captures]
        patterns = [
            (
                scan.program.numbers,
                [names.index(field) for field in scan.fields],
                [names.index(field) for field in scan.dash_is_null],
                scan.at_start,
            )
            for scan in scans
        ]
        try:
            self._compiled = kernels.GrokScanner(patterns, [(c.field, c.type) for c in captures], memory)
        except ValueError as why:
            raise Untranslatable(str(why)) from why

    def match(self, text: pl.Series, *, strip_return: bool = False) -> pl.DataFrame:
        """As `Grok.match`, for String or Binary."""
        return pl.DataFrame(self._compiled.scan(text.to_frame(), strip_return))

    def counters(self) -> dict[str, int]:
        """See `pipeline.columns.native.GrokScanner`."""
        return self._compiled.counters()
