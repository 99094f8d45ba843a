"""What a running node's patterns match and do not match, sampled, so that what it costs is bounded however many fail."""

from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import TYPE_CHECKING

import polars as pl

from pipeline.columns.grok.engine import Grok
from pipeline.columns.grok.kinds import Kinds
from pipeline.columns.grok.names import MATCHED
from pipeline.columns.lines import decode

if TYPE_CHECKING:
    from pipeline.columns.grok.misses import Misses

EVERY = 5.0
"""Seconds from one look at a batch to the next; a look takes about 5 ms."""

LOOKED = 200
"""Lines that do not match and are looked at, of one batch."""

KINDS, TEXTS = 50, 5_000
"""Bounds of what is kept, as of `Kinds`."""

TOLD = 10
"""Kinds that are told."""

_CUT = 200


class Sampler:
    """Looks at the first `LOOKED` misses of one batch every `EVERY` seconds (`monotonic` tells the time) and groups them; where there are
    several patterns, also at the first `LOOKED` lines that match, and counts which pattern takes them.

    Adding takes a few milliseconds at most, whatever the batch. Why lines do not match is found out when somebody asks, by him who asks. Any
    thread may call; a batch that comes while another thread is here is passed over.
    """

    def __init__(
        self, patterns: Sequence[str], definitions: Mapping[str, str] | None, monotonic: Callable[[], float]
    ) -> None:
        self._kinds = Kinds(KINDS, TEXTS)
        self._misses: Misses | None = None
        self._definitions = definitions
        self._alone = [Grok(p, definitions) for p in patterns] if len(patterns) > 1 else []
        self._hits = [0] * len(patterns)
        self._patterns = tuple(patterns)
        self._monotonic = monotonic
        self._next = float("-inf")
        self._lines = 0
        self._lock = Lock()

    def add(self, text: pl.Series, matched: pl.Series) -> None:
        """A batch: the texts (String, or Binary) and which of them match (Boolean). No reference to them is kept."""
        now = self._monotonic()
        if now < self._next or not self._lock.acquire(blocking=False):
            return
        try:
            missed = (~matched & text.is_not_null()).arg_true().head(LOOKED)
            taken = matched.arg_true().head(LOOKED if self._alone else 0)
            if missed.len() or taken.len():
                self._next = now + EVERY
                self._miss(_texts(text.gather(missed)))
                self._hit(_texts(text.gather(taken)))
        finally:
            self._lock.release()

    def misses(self) -> list[dict[str, object]]:
        """The largest kinds: `kind` (its template), `lines` (sampled), `share` (of the sampled misses), and where the pattern stops on the first
        of them: `wanted`, `saw`, and the `example`, cut to 200 characters."""
        from pipeline.columns.grok.misses import Misses

        with self._lock:
            self._misses = self._misses or Misses(self._patterns, self._definitions, self._kinds)
            explained = self._misses.explained(TOLD)
            return [
                {
                    "kind": one.kind.template,
                    "lines": one.kind.lines,
                    "share": round(one.kind.lines / self._lines, 4),
                    "wanted": one.places[0].stop.element,
                    "saw": one.places[0].stop.saw,
                    "example": one.places[0].example.text[:_CUT],
                }
                for one in explained
            ]

    def patterns(self) -> list[dict[str, object]]:
        """Of each `pattern` the `lines` (sampled) that it takes, and their `share` of all that match; nothing where there is one pattern."""
        with self._lock:
            total = sum(self._hits)
            pairs = zip(self._patterns, self._hits, strict=True)
            return [{"pattern": p, "lines": n, "share": round(n / total, 4)} for p, n in pairs] if total else []

    def _miss(self, sample: pl.Series) -> None:
        numbers = pl.int_range(self._lines, self._lines + sample.len(), eager=True)
        self._kinds.add(sample, numbers, numbers)
        self._lines += sample.len()

    def _hit(self, sample: pl.Series) -> None:
        for number, grok in enumerate(self._alone):
            if not sample.len():
                return
            found = grok.match(sample)[MATCHED]
            self._hits[number] += int(found.sum())
            sample = sample.filter(~found)


def _texts(sample: pl.Series) -> pl.Series:
    return (decode(sample)[0] if sample.dtype == pl.Binary else sample).str.strip_suffix("\r")
