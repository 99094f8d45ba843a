"""Lines grouped into kinds, each told by a template.

Lines are masked first (`masks`). The masked texts, in the order in which they first appear, are grouped by templates (`drain`). A
text belongs to the kind of its first appearance for ever, so that the result depends on the lines and their order, and not on
how they were cut into batches.
"""

from dataclasses import dataclass

import polars as pl

from pipeline.columns.grok.drain import OTHER, Templates
from pipeline.columns.grok.masks import masked

FIRST = 8
"""Lines of a kind that are kept as examples; of later ones the 16th, 32nd, 64th, …"""

KEPT = 4096
"""Characters that are kept of an example."""


@dataclass(frozen=True, slots=True)
class Example:
    """A line: its number from 1, the offset of its first byte, and its text, cut after `KEPT` characters."""

    line: int
    offset: int
    text: str


@dataclass(frozen=True, slots=True)
class Kind:
    """Lines of one template; `examples` are some of them, in order, the first one first."""

    template: str
    lines: int
    examples: tuple[Example, ...]


class Kinds:
    """The kinds of the lines that were added.

    Memory is bounded: at most `kinds` kinds, and at most `texts` different masked texts are looked at. Lines of other
    ones are counted in `other`, so that the counts always add up.
    """

    def __init__(self, kinds: int = 200, texts: int = 50_000) -> None:
        self.other = 0
        self._texts = texts
        self._known: dict[int, int] = {}
        self._templates = Templates(kinds)
        self._counts: list[int] = []
        self._examples: list[list[Example]] = []

    def add(self, text: pl.Series, lines: pl.Series, offsets: pl.Series) -> None:
        """Count lines: `text` (String, without nulls), their numbers and offsets (integers, rising from call to call)."""
        if not text.len():
            return
        frame = pl.DataFrame([text.alias("text"), lines.alias("line"), offsets.alias("offset")])
        frame = frame.with_columns(masked(text).alias("masked")).with_columns(pl.col("masked").hash().alias("hash"))
        distinct = frame.select("hash", "masked").unique("hash", keep="first", maintain_order=True)
        kinds = [self._kind(number, seen) for number, seen in distinct.iter_rows()]
        assigned = distinct.select("hash", pl.Series("kind", kinds, pl.Int32))
        frame = frame.join(assigned, on="hash", how="left", maintain_order="left")
        self._keep(frame)
        for kind, count in frame.group_by("kind").len().iter_rows():
            if kind == OTHER:
                self.other += count
            else:
                self._counts[kind] += count

    def found(self) -> list[Kind]:
        """The kinds, the largest first, those of one size in the order of their first lines."""
        numbers = sorted(range(len(self._counts)), key=lambda n: (-self._counts[n], self._examples[n][0].line))
        return [Kind(self._templates.text(n), self._counts[n], tuple(self._examples[n])) for n in numbers]

    def _keep(self, frame: pl.DataFrame) -> None:
        before = pl.Series([*self._counts, 0], dtype=pl.Int64)
        index = pl.when(pl.col("kind") == OTHER).then(len(self._counts)).otherwise(pl.col("kind"))
        ranked = frame.with_columns(pl.lit(before).gather(index).alias("before"))
        nth = pl.col("before") + pl.int_range(1, pl.len() + 1).over("kind")
        rare = (nth <= FIRST) | ((nth & (nth - 1)) == 0)
        kept = ranked.filter(rare & (pl.col("kind") != OTHER)).with_columns(pl.col("text").str.slice(0, KEPT))
        for kind, line, offset, text in kept.select("kind", "line", "offset", "text").iter_rows():
            self._examples[kind].append(Example(line, offset, text))

    def _kind(self, number: int, text: str) -> int:
        found = self._known.get(number)
        if found is None:
            if len(self._known) >= self._texts:
                return OTHER
            found = self._known[number] = self._templates.place(text)
            if found == len(self._counts):
                self._counts.append(0)
                self._examples.append([])
        return found
