"""A filter that sees one event at a time, as a dict: for what no column operation does.

It costs many times what a columnar filter costs (docs/writing-plugins.md has both), and keeps all its promises.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import polars as pl

from pipeline.api.plugins import Filter, OptionsT
from pipeline.columns.batch import Batch
from pipeline.columns.types import Columns, Type, dtype

Event = dict[str, Any]
"""Fields of an event by name: int, float, bool, str, bytes, aware `datetime` (UTC), `timedelta`, list, dict for a record, None
for what is missing. A value whose type no part of the program demands is JSON text."""


class Reject(Exception):
    """Raised by `process` for an event that cannot be processed: it leaves by `.rejected` with this reason.

    `reason` is a short constant (`no_user`), `field` the one that is to blame, `detail` says more."""

    def __init__(self, reason: str, *, field: str | None = None, detail: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field
        self.detail = detail


class EventFilter(Filter[OptionsT]):
    """One event in; one or none out, or several where `makes = True`. Pure as every filter, and called in a worker thread.

    `adds` and `removes` say what `process` does to the fields, because types are known before a program runs."""

    metadata: ClassVar[tuple[str, ...]] = ()
    """Metadata that `process` reads (`@raw`, `@timestamp`, …). It is in the event; changes to it are ignored."""

    def adds(self) -> Mapping[str, Type]:
        """Fields that `process` sets, with their types; the others that it gives keep theirs."""
        return {}

    def removes(self) -> Collection[str]:
        """Fields that no event has any more."""
        return ()

    @abstractmethod
    def process(self, event: Event) -> Event | Sequence[Event] | None:
        """What becomes of an event, which may be changed and given back. With `drops = True` None says that it goes by request. With
        `makes = True` it may be several in a list: each has the metadata of the one that came, and its number in `@item`. Fields that
        are left out are missing.

        Raise Reject for an event that cannot be processed. A field that is neither there before nor in `adds`, a value that
        is not of its type, nothing without `drops`, or a list without `makes` is a TypeError: the event is rejected as `failed`."""

    def schema(self, columns: Columns) -> Columns:
        for name in self.removes():
            columns = columns.without((name,))
        for name, kind in self.adds().items():
            columns = columns.with_field((name,), kind)
        return columns

    def apply(self, batch: Batch) -> Batch:
        frame, adds, removes = batch.frame, self.adds(), frozenset(self.removes())
        fields = [name for name in frame.columns if not name.startswith("@")]
        out = [name for name in dict.fromkeys((*fields, *adds)) if name in adds or name not in removes]
        known = frozenset(out) | frozenset(self.metadata)
        made: list[Event] = []
        sizes: list[int] = []
        refused: dict[int, Reject] = {}
        for row, event in enumerate(_events(frame, (*self.metadata, *fields))):
            try:
                found = self.process(event)
            except Reject as error:
                refused[row] = error
                found = None
            if not (self.makes or found is None or isinstance(found, dict)):
                raise TypeError(
                    f"process gave {type(found).__name__}; say `makes = True` where it gives several events"
                )
            some = () if found is None else (found,) if isinstance(found, dict) else found
            if not (some or self.drops or row in refused):
                raise TypeError("process gave no event back; say `drops = True` where events may go by request")
            for one in some:
                if not known.issuperset(one):
                    raise TypeError(_unknown(one, known, fields, removes))
                made.append(one)
            sizes.append(len(some))
        kinds = {name: dtype(adds[name]) if name in adds else frame.schema[name] for name in out}
        columns = [_column(name, kind, made) for name, kind in kinds.items()]
        return replace(
            batch,
            frame=_metadata(batch, sizes, makes=self.makes).hstack(columns),
            rejected=(*batch.rejected, *_rejected(batch, refused)),
        )


def _events(frame: pl.DataFrame, names: Sequence[str]) -> list[Event]:
    return frame.select(names).to_dicts() if names else [{} for _ in range(frame.height)]


def _metadata(batch: Batch, sizes: list[int], *, makes: bool) -> pl.DataFrame:
    """Metadata, and what nobody named, of each row as often as it says."""
    carried = batch.frame.select(name for name in batch.frame.columns if name.startswith("@"))
    counts = pl.Series(sizes, dtype=pl.Int64)
    if makes:
        return batch.with_frame(carried).repeated(counts).frame
    return carried if counts.sum() == carried.height else carried.filter(counts == 1)


def _column(name: str, kind: pl.DataType, events: list[Event]) -> pl.Series:
    try:
        return pl.Series(name, [event.get(name) for event in events], dtype=kind, strict=True)
    except (TypeError, pl.exceptions.PolarsError, OverflowError) as error:
        raise TypeError(f"process gave `{name}` a value that is not {kind}: {error}") from error


def _unknown(event: Event, known: Collection[str], fields: list[str], removes: Collection[str]) -> str:
    name = next(name for name in event if name not in known)
    why = "`removes` names it" if name in removes and name in fields else "it is not in `adds`"
    return f"process gave a field `{name}`, but {why}"


def _rejected(batch: Batch, refused: Mapping[int, Reject]) -> Iterator[pl.DataFrame]:
    """The refused rows, those of one reason together."""
    for reason, field in dict.fromkeys((error.reason, error.field) for error in refused.values()):
        rows = {row: error.detail for row, error in refused.items() if (error.reason, error.field) == (reason, field)}
        mask = pl.Series([row in rows for row in range(batch.frame.height)], dtype=pl.Boolean)
        details = pl.Series([rows.get(row) for row in range(batch.frame.height)], dtype=pl.String)
        yield from Batch(batch.frame, {}).reject(mask, reason, field=field, detail=details).rejected
