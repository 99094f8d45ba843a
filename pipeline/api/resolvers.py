"""Filters that ask others: what is added to a row is known elsewhere, and asking takes time."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Literal, TypeVar, final

import polars as pl
from pydantic.fields import FieldInfo

from pipeline.api.options import Duration, Options, option
from pipeline.api.plugins import Filter
from pipeline.columns.batch import Batch
from pipeline.columns.types import Columns, Type, dtype

KEY = "key"
"""The column of answers that says whose they are."""

Value = object
Answer = tuple[Value, ...] | str
"""What is known of a key: a value for each column of `adds`, or why there is no answer (`failed`, `timeout`)."""

Key = str | int


class ResolverOptions(Options):
    """What every resolver can be told. The options of a subclass come first, so that they are the positional ones."""

    timeout: Duration = option(
        "How long a batch waits for its answers; what is not there then is missing.", default=2_000_000, ge=1_000
    )
    missing: Literal["keep", "reject"] = option(
        "What becomes of a row without an answer: it is kept, and its fields are null, or it is rejected.",
        default="keep",
    )
    concurrency: int = option("How many questions are asked at once.", default=16, ge=1, le=1_000)
    cache: int = option("How many answers are kept, those that were used last.", default=10_000, ge=1)
    ttl: Duration = option("How long an answer is kept, also that there is none.", default=300_000_000, ge=0)
    retry: Duration = option("How long a key that could not be asked is not asked again.", default=30_000_000, ge=0)

    @classmethod
    def named(cls) -> dict[str, FieldInfo]:
        return _own_first(super().named())

    @classmethod
    def hinted(cls) -> dict[str, object]:
        return _own_first(super().hinted())


T = TypeVar("T")


def _own_first(fields: dict[str, T]) -> dict[str, T]:
    common = ResolverOptions.model_fields
    own = {name: field for name, field in fields.items() if name not in common}
    return own | {name: field for name, field in fields.items() if name in common}


ResolverT = TypeVar("ResolverT", bound=ResolverOptions)


class Resolver(Filter[ResolverT]):
    """Adds what others know of a key: `fetch` asks for the distinct keys of a batch, which the engine joins to its rows.

    The engine keeps answers, bounds how many questions are asked at once and how long a batch waits, and never asks twice for
    the same key at a time. Other batches are computed meanwhile, and commits keep their order. Answers are decisions: they are
    taken before the commit and are in what is committed; a batch that is computed again may get others."""

    at_once: ClassVar[int] = 1
    """Keys of one `fetch`, at most. Each has the deadline to itself, so 1 is best where one question is about one key."""

    @abstractmethod
    def keys(self, frame: pl.DataFrame) -> pl.Series:
        """What each row asks for: String or Int64, null for nothing. Pure. Raise nothing for odd data: give null."""

    @abstractmethod
    def adds(self) -> Mapping[str, Type]:
        """The fields that answers give, with their types."""

    @abstractmethod
    async def fetch(self, keys: pl.Series) -> pl.DataFrame:
        """The answers for distinct keys: a row for each that could be asked, with its `key` and the columns of `adds`, all null where
        there is nothing to know. A key without a row could not be asked, and neither could any when this raises: their
        fields are null, the log says so, and they are asked again after `retry`.

        Runs on the event loop, several times at once, and must not block it. It is cancelled when the deadline is over, and
        must then end."""

    def schema(self, columns: Columns) -> Columns:
        """Fields after this resolver. Raise OptionError when the options do not fit the columns."""
        for name, kind in self.adds().items():
            columns = columns.with_field((name,), kind)
        return columns

    @final
    def apply(self, batch: Batch) -> Batch:
        """The batch where nobody was asked."""
        return self.answered(batch, self.keys(batch.frame), {})

    @final
    def answered(self, batch: Batch, keys: pl.Series, answers: Mapping[Key, Answer]) -> Batch:
        """The batch with these answers for the `keys` of its rows."""
        adds = {name: dtype(kind) for name, kind in self.adds().items()}
        distinct = [key for key in keys.unique().to_list() if key is not None]
        known = [answers.get(key, "not asked") for key in distinct]
        told = [isinstance(answer, str) for answer in known]
        table = pl.DataFrame(
            [
                pl.Series("@key", distinct, dtype=keys.dtype),
                pl.Series("@why", [answer if isinstance(answer, str) else None for answer in known], dtype=pl.String),
                pl.Series(
                    "@none", [isinstance(answer, tuple) and _nothing(answer) for answer in known], dtype=pl.Boolean
                ),
                *(
                    pl.Series(
                        name,
                        [None if lost else answer[at] for lost, answer in zip(told, known, strict=True)],
                        dtype=kind,
                    )
                    for at, (name, kind) in enumerate(adds.items())
                ),
            ]
        )
        found = keys.alias("@key").to_frame().join(table, on="@key", how="left", maintain_order="left")
        batch = batch.with_columns(*(found.get_column(name) for name in adds))
        if self.options.missing == "keep":
            return batch
        none = (found.get_column("@none").fill_null(value=False) | keys.is_null()).fill_null(value=True)
        why = found.get_column("@why")
        lost = why.is_not_null()
        batch = batch.reject(lost, "not_resolved", detail=why)
        return batch.reject(none.filter(~lost), "no_answer")


def _nothing(answer: tuple[Value, ...]) -> bool:
    return all(value is None for value in answer)
