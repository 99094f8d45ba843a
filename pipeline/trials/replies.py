"""What resolvers are answered: by the test, and by nobody else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from pipeline import api
from pipeline.api.resolvers import KEY
from pipeline.plan.events import Json, Record
from pipeline.plan.graph import AnyResolver
from pipeline.trials.feed import column


class Replies(api.Resolver[Any]):
    """Stands in the place of another resolver, and knows what the test has told until now; it keeps no answer, as the test may
    tell another."""

    options_model = api.ResolverOptions
    example = ""

    def __init__(self, instead: AnyResolver, told: Sequence[Record]) -> None:
        super().__init__(instead.options.model_copy(update={"ttl": 0, "retry": 0}))
        self.name = instead.name  # type: ignore[misc]  # each is called as the one that it replaces
        self._instead = instead
        self._told = told

    def schema(self, columns: api.Columns) -> api.Columns:
        return self._instead.schema(columns)

    def keys(self, frame: pl.DataFrame) -> pl.Series:
        return self._instead.keys(frame)

    def adds(self) -> Mapping[str, api.Type]:
        return self._instead.adds()

    async def fetch(self, keys: pl.Series) -> pl.DataFrame:
        adds = self.adds()
        known: dict[Json, Record] = {record.fields[KEY]: record for record in self._told if self._mine(record)}
        nothing = Record(b"", {})
        records = [known.get(key, nothing) for key in keys]
        return pl.DataFrame([keys, *(column(name, kind, records) for name, kind in adds.items())])

    def _mine(self, record: Record) -> bool:
        """Whether an answer is one of this resolver, of several in a stage."""
        return KEY in record.fields and not record.fields.keys() - {KEY, *self.adds()}
