"""Lines that no pattern matches, by kind, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from pipeline.columns.grok.advice import Advice, Adviser
from pipeline.columns.grok.kinds import KEPT, Example, Kind, Kinds
from pipeline.columns.grok.ladder import Ladder, Stop, furthest

PLACES = 3
"""Places where patterns stop that are told of one kind of lines."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a pattern stops on `examples` of the examples of a kind; `example` is the first of these, and `stop` what happens there.

    `advice` is what to do about it."""

    stop: Stop
    examples: int
    example: Example
    advice: tuple[Advice, ...]


@dataclass(frozen=True, slots=True)
class Explained:
    """A kind of lines, and where patterns stop on its examples, the commonest place first."""

    kind: Kind
    places: tuple[Place, ...]


class Misses:
    """The lines that `patterns` do not match. To add lines is cheap; they are explained when somebody asks, from the examples of
    their `kinds`, to which others may add lines too."""

    def __init__(
        self,
        patterns: Sequence[str],
        definitions: Mapping[str, str] | None = None,
        kinds: Kinds | None = None,
        timeout: float = 0.1,
    ) -> None:
        self._patterns = tuple(patterns)
        self._definitions = definitions
        self._timeout = timeout
        self._kinds = kinds or Kinds()
        self._ladders: list[Ladder] = []
        self._adviser = Adviser(definitions, timeout)
        self._told: dict[tuple[tuple[Example, ...], bool], tuple[Place, ...]] = {}

    def add(self, text: pl.Series, lines: pl.Series, offsets: pl.Series) -> None:
        """Count lines as `Kinds.add` does."""
        self._kinds.add(text, lines, offsets)

    @property
    def other(self) -> int:
        """Lines that belong to none of the kinds."""
        return self._kinds.other

    def kinds(self) -> list[Kind]:
        """All kinds, the largest first."""
        return self._kinds.found()

    def explained(self, most: int, *, advise: bool = False) -> list[Explained]:
        """The `most` largest kinds, explained; what was explained before is not explained again while its examples are the same."""
        if not self._ladders:
            self._ladders = [Ladder(p, self._definitions, self._timeout) for p in self._patterns]
        kinds = self._kinds.found()[:most]
        self._told = {
            (kind.examples, advise): self._told.get((kind.examples, advise)) or self._explain(kind, advise)
            for kind in kinds
        }
        return [Explained(kind, places) for kind, places in zip(kinds, self._told.values(), strict=True)]

    def _explain(self, kind: Kind, advise: bool) -> tuple[Place, ...]:
        groups: dict[tuple[str, int], list[tuple[Stop, Example]]] = {}
        for example in kind.examples:
            stop = furthest(self._ladders, example.text)
            groups.setdefault((stop.pattern, stop.index), []).append((stop, example))
        largest = sorted(groups.values(), key=len, reverse=True)[:PLACES]
        return tuple(
            Place(group[0][0], len(group), group[0][1], tuple(self._advice(group)) if advise else ())
            for group in largest
        )

    def _advice(self, group: Sequence[tuple[Stop, Example]]) -> list[Advice]:
        lines = [example.text for _, example in group if len(example.text) < KEPT]
        ladder = self._ladders[self._patterns.index(group[0][0].pattern)]
        return self._adviser.advise(ladder, lines) if lines else []
