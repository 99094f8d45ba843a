"""Plugins that raise on records: told in the journal, and the end of the run where a plugin fails on everything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from pipeline.agent.telemetry import Journal
from pipeline.plan.effects import Effects
from pipeline.plan.isolation import IN_A_ROW, broken


class Failing:
    """Counts, over batches, the records in a row that a plugin of a stage failed on."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._rows: Counter[tuple[str, str]] = Counter()

    def heed(self, effects: Iterable[Effects]) -> None:
        """Take note of what is going to be committed, in order. Raises InternalError where it is the plugin that is broken:
        nothing of it is to be committed then."""
        for effect in effects:
            for key in [key for key in self._rows if key not in effect.failing and effect.counts[key[0], "in"]]:
                del self._rows[key]
            for (stage, plugin), failing in effect.failing.items():
                told = f"{plugin} failed on records, which are rejected; the others go on"
                self._journal.say("error", stage, told, {"rows": failing.rows, "raised": failing.told})
                if failing.rows < failing.of:
                    self._rows.pop((stage, plugin), None)
                    continue
                self._rows[stage, plugin] += failing.records
                if self._rows[stage, plugin] >= IN_A_ROW:
                    raise broken(f"{stage}: {plugin}", self._rows[stage, plugin], failing.told)
