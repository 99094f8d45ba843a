"""Folds that know a table: what becomes of a row depends on rows of a second upstream."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated, Generic

from pipeline.api.expressions import Field
from pipeline.api.folds import Fold, OptionsT, StateT
from pipeline.columns.batch import Batch
from pipeline.columns.types import Columns


@dataclass(frozen=True, slots=True)
class Upstream:
    """Another upstream of a stage, as the value of an option: `users`, or the port `users.rejected`; `columns` is what comes from it."""

    stage: str
    port: str
    columns: Columns

    def __str__(self) -> str:
        return f"{self.stage}.{self.port}" if self.port else self.stage


class Theirs:
    """Marks an option that is a field of the `Upstream`, or several of them."""


class TheirKey:
    """Marks a field of the `Upstream` that has the type of the option `on`, and, where it is left out, its name."""


TheirField = Annotated[Field, Theirs]
"""A field of the table."""

TheirKeyField = Annotated[Field, TheirKey]
"""The field of the table that is compared with the field `on`."""


class Tabled(Fold[OptionsT, StateT], Generic[OptionsT, StateT]):
    """A fold with a table that is made of the rows of a second upstream: that which its option of type `Upstream` names.

    There is one state, for the rows of all partitions, and only `learn` changes it: `step` gives the state that it was given. What `step`
    makes of a row depends on that row and the state alone. Rows of the table come in the order of their sources, before the rows of the
    same commit; those of several sources in any order, so the state should depend on which rows there were, not on their order."""

    @property
    def table(self) -> Upstream:
        """The second upstream."""
        return next(value for _, value in self.options if isinstance(value, Upstream))

    @abstractmethod
    def learn(self, state: StateT, batch: Batch) -> tuple[StateT, Batch]:
        """The state after rows of the table's upstream, and the batch with those that are in it; those that it cannot use leave by
        `batch.reject`."""
