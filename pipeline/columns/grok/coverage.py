"""What patterns make of a file: counts of lines, of patterns and of fields, and the lines that none of them matches."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from pipeline.columns.grok.engine import Grok
from pipeline.columns.grok.expand import Capture, expand
from pipeline.columns.grok.misses import Explained, Misses
from pipeline.columns.grok.names import MATCHED, REASON
from pipeline.columns.grok.rows import Rows

VALUES = 10_000
"""Lines of each pattern, the first that it matches, whose values are counted."""

NULLS = 1_000
"""Lines of each typed field, the first without a value, that are looked at for a text that did not convert."""

TOP = 5
"""Values of a field that are told."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A text that is not of its field's type, in the line with this number, from 1."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class FieldUse:
    """A field: in how many matched lines it has a value, and its commonest values among the first `VALUES`.

    Of the lines without a value, `looked` were looked at, and in `failed` of these there was a text that did not convert."""

    capture: Capture
    present: int
    top: tuple[tuple[object, int], ...]
    looked: int
    failed: int
    failure: Failure | None


class Coverage:
    """Matches lines as they come, and counts. `patterns` are tried in order, as `Grok` does.

    A line that matches costs what it costs to match it; one that does not is masked and counted by its kind (`Kinds`), and only a bounded number of
    examples of each kind is kept. The result does not depend on how lines are cut into batches. Raises `GrokError`.
    """

    def __init__(self, patterns: Sequence[str], definitions: Mapping[str, str] | None = None) -> None:
        together = Grok(patterns, definitions)
        self.patterns = together.patterns
        self.engine, self.reason = together.engine, together.reason
        self.lines = self.matched = self.timeouts = 0
        self.hits = [0] * len(self.patterns)
        self.misses = Misses(self.patterns, definitions)
        alone = [together] if len(self.patterns) == 1 else [Grok(p, definitions) for p in self.patterns]
        self._tallies = [_Tally(grok, Rows(expand(grok.patterns[0], definitions), 0.1)) for grok in alone]
        self._captures = together.captures

    def add(self, text: pl.Series, offsets: pl.Series) -> None:
        """The next lines (String) and the offsets of their first bytes (integers). A null is a line that nothing matches."""
        first = self.lines + 1
        self.lines += text.len()
        waiting = pl.DataFrame(
            [
                text.alias("text"),
                pl.int_range(first, first + text.len(), eager=True).alias("line"),
                offsets.alias("offset"),
                pl.repeat(value=False, n=text.len(), eager=True).alias("timeout"),
            ]
        ).filter(pl.col("text").is_not_null())
        for number, tally in enumerate(self._tallies):
            if not waiting.height:
                break
            found = tally.add(waiting["text"], waiting["line"])
            self.hits[number] += int(found[MATCHED].sum())
            late = pl.col("timeout") | (found[REASON] == "timeout").fill_null(value=False)
            waiting = waiting.with_columns(late).filter(~found[MATCHED])
        self.matched = sum(self.hits)
        self.timeouts += int(waiting["timeout"].sum())
        self.misses.add(waiting["text"], waiting["line"], waiting["offset"])

    def fields(self) -> list[FieldUse]:
        """The fields of all patterns."""
        return [self._use(capture) for capture in self._captures]

    def explained(self, most: int = 10) -> list[Explained]:
        """The largest kinds of lines that do not match, with what stops the patterns and what to change."""
        return self.misses.explained(most, advise=True)

    def _use(self, capture: Capture) -> FieldUse:
        name, counts = capture.field, Counter[object]()
        for tally in self._tallies:
            counts.update(tally.values.get(name, {}))
        top = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))[:TOP]
        failures = [tally.failures[name] for tally in self._tallies if name in tally.failures]
        return FieldUse(
            capture,
            sum(tally.present[name] for tally in self._tallies),
            tuple(top),
            sum(tally.looked[name] for tally in self._tallies),
            sum(tally.failed[name] for tally in self._tallies),
            min(failures, key=lambda failure: failure.line, default=None),
        )


class _Tally:
    """One pattern, and what its fields hold."""

    def __init__(self, grok: Grok, rows: Rows) -> None:
        self._grok = grok
        self._rows = rows
        self._typed = [c.field for c in grok.captures if c.type != "string"]
        self._counted = 0
        self.present = Counter[str]()
        self.looked = Counter[str]()
        self.failed = Counter[str]()
        self.failures: dict[str, Failure] = {}
        self.values: dict[str, Counter[object]] = {c.field: Counter() for c in grok.captures}

    def add(self, text: pl.Series, lines: pl.Series) -> pl.DataFrame:
        found = self._grok.match(text)
        matched = found if found[MATCHED].all() else found.filter(MATCHED)
        for name in self.values:
            self.present[name] += matched.height - matched[name].null_count()
        counted = matched.head(VALUES - self._counted)
        self._counted += counted.height
        for name, values in self.values.items() if counted.height else ():
            values.update(dict(counted[name].drop_nulls().value_counts().iter_rows()))
        for name in self._typed:
            if self.looked[name] < NULLS:
                self._look(name, text, lines, found)
        return found

    def _look(self, name: str, text: pl.Series, lines: pl.Series, found: pl.DataFrame) -> None:
        rows = (found[MATCHED] & found[name].is_null()).arg_true().head(NULLS - self.looked[name])
        if not rows.len():
            return
        self.looked[name] += rows.len()
        texts = self._rows.match(text.gather(rows))[name]
        failed = texts.is_not_null()
        self.failed[name] += int(failed.sum())
        if name not in self.failures and failed.any():
            at = int(failed.arg_true()[0])
            self.failures[name] = Failure(str(texts[at]), int(lines[int(rows[at])]))
