"""Rules for filters."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from typing import TypeVar

import polars as pl

from pipeline.api import CARRIED, REST, Batch, Columns, Filter, dtype
from pipeline.columns.panics import DEFECTS
from pipeline.plan.isolation import told
from pipeline.testing.contract.cases import Case, Made
from pipeline.testing.contract.every import EVERY, cancel, living, loop
from pipeline.testing.contract.kept import holdings, views
from pipeline.testing.contract.rules import Rule, broken, rule

T = TypeVar("T")
Key = tuple[str, int, str | None]

IDENTITY = ("@partition", "@offset", "@item")
KEPT = tuple(name for name in CARRIED if name != "@timestamp")
"""Metadata that no filter changes, but for `@item` of rows that are made."""


class Opened:
    """A filter that is open, as a function from batches to what it makes of them."""

    def __init__(self, made: Made) -> None:
        if not isinstance(made.plugin, Filter):
            raise TypeError(f"{made.plugin} is no filter")
        self.filter: Filter[object] = made.plugin  # type: ignore[type-var]
        self.after = made.after

    def parts(self, batch: Batch) -> Mapping[str, Batch]:
        """What leaves by each port; the main one is called ''."""
        if self.filter.ports:
            return self.filter.split(batch)
        found = self.filter.apply(batch)
        if not isinstance(found, Batch):
            broken(f"`apply` gave {type(found).__name__}, not a Batch")
        return {"": found}

    def origins(self, frame: pl.DataFrame) -> list[tuple[Key, int]]:
        """Of each row that came out, which row that came it is, or is made of, and its number among those that are made of it."""
        keys: list[Key] = list(frame.select(IDENTITY).iter_rows())
        return [_origin(*key) for key in keys] if self.filter.makes else [(key, 0) for key in keys]


def _origin(partition: str, offset: int, item: str | None) -> tuple[Key, int]:
    before, _, number = (item or "").rpartition(".")
    if not number.isdecimal():
        broken(f"the row {partition}:{offset} has no number in `@item`: make rows by `batch.repeated`")
    return (partition, offset, before or None), int(number)


def opened(case: Case, work: Callable[[Opened], T], made: Made | None = None) -> T:
    """Do something with the filter between `open` and `close`."""
    made = case.fresh() if made is None else made
    return living(case, made.plugin, lambda: work(Opened(made)))


def rejected(parts: Mapping[str, Batch]) -> pl.DataFrame | None:
    frames = [frame for part in parts.values() for frame in part.rejected]
    return pl.concat(frames).sort(*IDENTITY, maintain_order=True) if frames else None


@rule(
    "data",
    "No data raises an error: real rows, odd ones, nulls, none.",
    'Answer null, or let go of the rows by `batch.reject(mask, "reason")` (`raise api.Reject(…)` in `process`).',
)
def data(case: Case) -> None:
    def work(filter: Opened) -> None:
        for what, batch in case.data.items():
            try:
                filter.parts(batch)
            except DEFECTS as error:
                broken(f"of {what}: {told(error, filter.filter)}")

    opened(case, work)


@rule(
    "schema",
    "What `schema` promised is what `apply` gives, names and dtypes, for any rows: real and odd ones, nulls, none.",
    "Say every field that is added or taken away in `schema`; give each column its dtype also where it has no value: "
    "`.cast(api.dtype(api.INT))`, `pl.lit(None, dtype=…)`, `api.nested.put`.",
)
def schema(case: Case) -> None:
    def work(filter: Opened) -> None:
        for what, batch in case.data.items():
            for port, part in filter.parts(batch).items():
                promised(filter.after, part.frame, f"of {what}" + (f" on the port {port}" if port else ""))

    opened(case, work)


def promised(after: Columns, frame: pl.DataFrame, where: str) -> None:
    """Raise BrokenError where rows have other fields than these."""
    wanted = {name: dtype(kind) for name, kind in after.fields.items()} | ({REST: pl.String()} if after.open else {})
    found = {name: kind for name, kind in frame.schema.items() if not name.startswith("@") or name == REST}
    if missing := [name for name in wanted if name not in found]:
        broken(f"{where}: `schema` promises {', '.join(missing)}, which the batch lacks")
    if further := [name for name in found if name not in wanted]:
        broken(f"{where}: the batch has {', '.join(further)}, which `schema` does not promise")
    for name, kind in wanted.items():
        if found[name] != kind:
            broken(f"{where}: `{name}` is {found[name]}, and `schema` promises {after.fields.get(name)} ({kind})")
    if lost := [name for name in CARRIED if name not in frame.columns]:
        broken(f"{where}: the metadata {', '.join(lost)} is gone")


@rule(
    "rows",
    "Rows keep their order, and all metadata but `@timestamp`.",
    "Work on columns with `batch.with_columns(…)`, `filter` and `reject`; sorting, joining and grouping lose the order.",
)
def rows(case: Case) -> None:
    def work(filter: Opened) -> None:
        for what, batch in case.data.items():
            place = {key: at for at, key in enumerate(batch.frame.select(IDENTITY).iter_rows())}
            for part in filter.parts(batch).values():
                keys = [key for key, _ in filter.origins(part.frame)]
                if strange := [key for key in keys if key not in place]:
                    broken(f"of {what}: the row {strange[0][0]}:{strange[0][1]} was not in the batch")
                places = [place[key] for key in keys]
                if places != sorted(places):
                    broken(f"of {what}: rows come out in another order")
                wanted = batch.frame[places].select(KEPT)
                for name in KEPT:
                    if name == "@item" and filter.filter.makes:
                        continue
                    if not part.frame[name].equals(wanted[name], check_dtypes=True, null_equal=True):
                        broken(f"of {what}: `{name}` was changed")
                if (
                    part.frame["@timestamp"].null_count()
                    or part.frame.schema["@timestamp"] != batch.frame.schema["@timestamp"]
                ):
                    broken(f"of {what}: `@timestamp` is null, or not a time any more")

    opened(case, work)


@rule(
    "accounting",
    "Every row leaves once: it is given or rejected, and lost only where `drops = True` says that rows may go by request; several "
    "are made of one only where `makes = True` says so.",
    'Let go of rows that cannot be processed by `batch.reject(mask, "reason")`, and declare `drops = True` where rows are dropped '
    "because the program asks for it. Make rows by `batch.repeated(counts)`, which numbers them, and declare `makes = True`.",
)
def accounting(case: Case) -> None:
    def work(filter: Opened) -> None:
        for what, batch in case.data.items():
            parts = filter.parts(batch)
            came = set(batch.frame.select(IDENTITY).iter_rows())
            origins = [filter.origins(part.frame) for part in parts.values()]
            given = [{key for key, _ in some} for some in origins]
            for some in origins if filter.filter.makes else ():
                _numbered(some, f"of {what}")
            if not filter.filter.makes and sum(map(len, origins)) > batch.frame.height:
                broken(f"of {what}: {batch.frame.height} rows came, and {sum(map(len, origins))} are given")
            away = [
                key for part in parts.values() for frame in part.rejected for key in frame.select(IDENTITY).iter_rows()
            ]
            if len(away) != len(set(away)) or any(set(away) & keys for keys in given):
                broken(f"of {what}: a row is rejected and given, or rejected twice")
            if sum(len(keys) for keys in given) != len(set[object]().union(*given)):
                broken(f"of {what}: a row leaves by several ports")
            lost = came.difference(away, *given)
            if lost and not filter.filter.drops:
                broken(f"of {what}: {len(lost)} of {len(came)} rows are neither given nor rejected")

    opened(case, work)


def _numbered(origins: list[tuple[Key, int]], where: str) -> None:
    """Raise BrokenError unless the rows that are made of one are numbered from 0 on."""
    before: tuple[Key, int] | None = None
    for key, number in origins:
        if number and before != (key, number - 1):
            broken(
                f"{where}: of the row {key[0]}:{key[1]} there is a number {number} in `@item`, and not the one before"
            )
        before = key, number


@rule(
    "input",
    "The batch that comes in is not changed.",
    "Frames are values: make a new batch with `batch.with_columns(…)` or `batch.with_frame(…)`; never assign into a frame or a column.",
)
def input(case: Case) -> None:
    def work(filter: Opened) -> None:
        for what, batch in case.data.items():
            frame, rejected, span = batch.frame.clone(), batch.rejected, dict(batch.span)
            filter.parts(batch)
            if batch.frame.columns != frame.columns:
                changed = set(batch.frame.columns) ^ set(frame.columns)
                broken(f"of {what}: the batch that came has other columns than before: {', '.join(sorted(changed))}")
            for name in frame.columns:
                if not batch.frame[name].equals(frame[name], check_dtypes=True, null_equal=True):
                    broken(f"of {what}: the column `{name}` of the batch that came has other values than before")
            if batch.rejected != rejected or dict(batch.span) != span:
                broken(f"of {what}: span or rejected rows of the batch that came are others than before")

    opened(case, work)


@rule(
    "memory",
    "Nothing of a batch is kept: no frame, column or view of it.",
    "A view keeps the whole chunk of the file in memory. Keep plain Python values (`to_list()`), or nothing.",
)
def memory(case: Case) -> None:
    def work(filter: Opened) -> None:
        for what, batch in case.data.items():
            before = holdings(filter.filter)
            filter.parts(batch)
            if batch.frame.height and (kept := views(filter.filter, batch, before)):
                broken(f"after `apply` of {what}, {'; '.join(kept)}")

    opened(case, work)


@rule(
    "cuts",
    "Results do not depend on where batches are cut, nor on the batches before: two halves give what the whole gives.",
    "A filter has no state: compute each row from that row alone. What needs other rows is a window.",
)
def cuts(case: Case) -> None:
    def work(filter: Opened) -> None:
        for what, batch in case.data.items():
            height = batch.frame.height
            whole = filter.parts(batch)
            again = filter.parts(batch)
            _same(whole, [again], f"of {what}, given twice")
            for cut in sorted({0, 1, height // 2, height - 1}):
                if 0 <= cut <= height:
                    pieces = [filter.parts(batch.with_frame(piece)) for piece in (batch.frame[:cut], batch.frame[cut:])]
                    _same(whole, pieces, f"of {what}, cut after row {cut}")

    opened(case, work)


def _same(whole: Mapping[str, Batch], pieces: list[Mapping[str, Batch]], where: str) -> None:
    for port, part in whole.items():
        joined = pl.concat([piece[port].frame for piece in pieces], how="vertical")
        if not joined.equals(part.frame, null_equal=True):
            names = [
                name
                for name in joined.columns
                if joined.height == part.frame.height and not joined[name].equals(part.frame[name], null_equal=True)
            ]
            broken(
                f"{where}: "
                + (f"other values in {', '.join(names)}" if names else f"{joined.height} rows, not {part.frame.height}")
            )
    one = rejected(whole)
    found = [frame for piece in pieces if (frame := rejected(piece)) is not None]
    many = pl.concat(found).sort(*IDENTITY, maintain_order=True) if found else None
    if (one is None) != (many is None) or (
        one is not None and many is not None and not one.equals(many, null_equal=True)
    ):
        broken(f"{where}: other rows are rejected, or for other reasons")


@rule(
    "copy",
    "A pickled copy of the filter does the same.",
    "Whatever `apply` needs is made from the options, in `__init__` or `open`, or is pickled along.",
)
def copy(case: Case) -> None:
    made = case.fresh()
    twin = Made(pickle.loads(pickle.dumps(made.plugin)), made.stage, made.before, made.after)  # noqa: S301 — made here
    for what, batch in case.data.items():
        whole = opened(case, lambda opened, batch=batch: opened.parts(batch))  # type: ignore[misc]
        again = opened(case, lambda opened, batch=batch: opened.parts(batch), twin)  # type: ignore[misc]
        _same(whole, [again], f"of {what}, by the copy")


FILTER: tuple[Rule[Case], ...] = (*EVERY, loop, cancel, data, schema, rows, accounting, input, memory, cuts, copy)
