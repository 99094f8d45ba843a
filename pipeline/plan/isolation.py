"""Records on which a plugin fails, told apart from the others of their batch.

Where a batch ends is nothing that a plugin may rely on. So a batch on which it raises is given to it again in halves, down
to the single record; what the others give is what they would have given without that one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import polars as pl

from pipeline.api import CARRIED, Batch, Delta
from pipeline.columns.batch import REJECTED_SCHEMA
from pipeline.columns.panics import DEFECTS
from pipeline.errors import InternalError, PipeError
from pipeline.plan.graph import AnyFilter, AnyFold, AnyOutput, AnyResolver, AnyWindow
from pipeline.plan.lineage import RECORD

T = TypeVar("T")

REASON = "failed"
"""Of rows that a plugin failed on, in their `@error`."""

IN_A_ROW = 1000
"""A plugin that fails on so many records one after the other is broken: it is not the records."""

FAILURES: tuple[type[BaseException], ...] = (*DEFECTS, SystemExit)
"""What a plugin may raise on a record. A library that says good-bye would end the run as if all were well."""

LONGEST = 300
"""Characters of a message that are kept."""


@dataclass(frozen=True, slots=True)
class Failing:
    """How many of the rows that a plugin was given at once it failed on, what it raised first, and of how many records the rows
    are that it failed on."""

    rows: int
    of: int
    told: str
    records: int

    @classmethod
    def on(cls, failed: list[tuple[pl.DataFrame, str]], of: int) -> Failing:
        """`failed` are the rows, each with what was raised."""
        records = pl.concat([row.select(RECORD) for row, _ in failed]).n_unique()
        return cls(len(failed), of, failed[0][1], records)


def applied(filter: AnyFilter, batch: Batch, where: str) -> tuple[Batch, Failing | None]:
    """The batch after a filter. Rows that it raised on are among the rejected ones.

    `where` names the stage and the filter. Raises PipeError as the filter does, MemoryError, and InternalError when it fails
    on IN_A_ROW records; so do the others here."""

    def work(frame: pl.DataFrame) -> Batch:
        return _checked("apply", filter.apply(batch.with_frame(frame)))

    parts, failed = _isolated(batch.frame, work, filter, where)
    if not failed:
        return parts[0], None
    return _joined(where, batch, parts, failed), _failing(batch, failed)


def asked(resolver: AnyResolver, batch: Batch, where: str) -> tuple[Batch, pl.Series, Failing | None]:
    """The batch that a resolver can be asked about, and what each row asks for."""

    def work(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
        keys = resolver.keys(frame)
        if not isinstance(keys, pl.Series) or keys.len() != frame.height:
            raise TypeError("keys gave no series with a value for each row")
        if keys.dtype not in (pl.String, pl.Int64):
            raise TypeError(f"keys gave {keys.dtype}, not String or Int64")
        return frame, keys

    parts, failed = _isolated(batch.frame, work, resolver, where)
    if not failed:
        return batch, parts[0][1], None
    frame = pl.concat([part for part, _ in parts]) if parts else batch.frame.clear()
    keys = pl.concat([keys.rename("key") for _, keys in parts]) if parts else pl.Series("key", [], dtype=pl.String)
    left = Batch(frame, batch.span, (*batch.rejected, *refused(failed)), batch.terminated)
    return left, keys, _failing(batch, failed)


def split(filter: AnyFilter, batch: Batch, where: str) -> tuple[dict[str, Batch], Batch, Failing | None]:
    """The batch of each port of a filter that has some, and a batch without rows that has those it raised on as rejected."""

    def work(frame: pl.DataFrame) -> dict[str, Batch]:
        return {name: _checked("split", part) for name, part in filter.split(batch.with_frame(frame)).items()}

    parts, failed = _isolated(batch.frame, work, filter, where)
    if not failed:
        return parts[0], batch.with_frame(batch.frame.clear()), None
    ports = {name: _joined(where, batch, [part[name] for part in parts], []) for name in (parts[0] if parts else {})}
    return ports, _joined(where, batch, [], failed), _failing(batch, failed)


def windowed(window: AnyWindow, batch: Batch, where: str) -> tuple[Batch, Mapping[int, Delta], Failing | None]:
    """What a window makes of a batch: the batch with its rejected rows, and deltas by window start."""
    parts, failed = _isolated(batch.frame, lambda frame: window.deltas(batch.with_frame(frame)), window, where)
    if not failed:
        return *parts[0], None
    deltas = gathered(window, [part for _, part in parts])
    return _joined(where, batch, [part for part, _ in parts], failed), deltas, _failing(batch, failed)


def stepped(
    fold: AnyFold,
    give: Callable[[Any, Batch], tuple[Any, Batch]],
    state: Any,  # noqa: ANN401 — only the fold knows what its state is
    batch: Batch,
    where: str,
) -> tuple[Any, Batch, Failing | None]:
    """The state of a fold after it was given a batch, and the batch after the fold. A row that it raised on is rejected, and its state is what it
    would be without that row."""

    def work(frame: pl.DataFrame) -> Batch:
        nonlocal state
        after, found = give(state, batch.with_frame(frame))
        checked = _checked("step", found)
        state = after
        return checked

    parts, failed = _isolated(batch.frame, work, fold, where)
    if not failed:
        return state, parts[0], None
    return state, _joined(where, batch, parts, failed), _failing(batch, failed)


def released(
    work: Callable[..., tuple[Any, Batch | None]],
    state: Any,  # noqa: ANN401 — only the fold knows what its state is
    *now: int,
    where: str,
) -> tuple[Any, Batch | None]:
    """What `tick` or `finish` of a fold gives. There is no record to blame where it raises: that ends the run."""
    try:
        after, batch = work(state, *now)
        return after, None if batch is None else _checked(work.__name__, batch)
    except (MemoryError, PipeError):
        raise
    except FAILURES as error:
        raise InternalError(
            f"{where} failed to release its held rows: {told(error, getattr(work, '__self__', work))}",
            "This is a defect of the plugin. Nothing was lost: what it holds is in the state. Mend it, or take it out of the program.",
        ) from error


def encoded(output: AnyOutput, batch: Batch, where: str) -> tuple[bytes, int, list[tuple[pl.DataFrame, str]]]:
    """The bytes of rows, how many rows these are, and each row that could not be encoded with the reason."""

    def work(frame: pl.DataFrame) -> tuple[bytes, int]:
        found = output.encode(frame)
        if not isinstance(found, bytes):
            raise TypeError(f"encode gave {type(found).__name__}, not bytes")
        return found, frame.height

    parts, failed = _isolated(batch.frame, work, output, where)
    data = parts[0][0] if len(parts) == 1 else b"".join(found for found, _ in parts)
    return data, sum(rows for _, rows in parts), failed


def gathered(window: AnyWindow, deltas: list[Mapping[int, Delta]]) -> dict[int, Delta]:
    """The deltas of several batches as those of one."""
    found: dict[int, list[Delta]] = {}
    for part in deltas:
        for start, delta in part.items():
            found.setdefault(start, []).append(delta)
    return {start: some[0] if len(some) == 1 else window.merge(some) for start, some in found.items()}


def _checked(what: str, found: object) -> Batch:
    """What a filter gave, if the engine can go on with it: else it would fail where nobody knows whose rows these are."""
    if not isinstance(found, Batch):
        raise TypeError(f"{what} gave {type(found).__name__}, not a Batch")
    for frame, metadata in ((found.frame, CARRIED), *((rejected, REJECTED_SCHEMA) for rejected in found.rejected)):
        if not isinstance(frame, pl.DataFrame):
            raise TypeError(f"{what} gave a Batch of {type(frame).__name__}, not of DataFrame")
        schema = frame.schema
        for name in metadata:
            if schema.get(name) != REJECTED_SCHEMA[name]:
                raise TypeError(f"{what} gave {name} as {schema.get(name, 'nothing')}, not as {REJECTED_SCHEMA[name]}")
    return found


def _isolated(
    frame: pl.DataFrame, work: Callable[[pl.DataFrame], T], plugin: object, where: str
) -> tuple[list[T], list[tuple[pl.DataFrame, str]]]:
    done: list[T] = []
    failed: list[tuple[pl.DataFrame, str]] = []
    ahead = [frame]
    row = 0
    while ahead:
        part = ahead.pop()
        try:
            # A plugin that changes its frame in place changes a copy: the columns are shared, the list of them is not.
            done.append(work(part.clone()))
        except (MemoryError, PipeError):
            raise
        except FAILURES as error:
            if part.height > 1:
                half = part.height // 2
                ahead += [part[half:], part[:half]]
                continue
            # Rows that were made of one record are one record that fails.
            known = failed[-1][0].select(RECORD).row(0) if row else None
            failed.append((part, told(error, plugin)))
            row += part.select(RECORD).row(0) != known
            if row >= IN_A_ROW:
                raise broken(where, row, failed[-1][1]) from error
        else:
            row = 0
    return done, failed


def broken(where: str, rows: int, what: str) -> InternalError:
    """The error that ends a run: a plugin fails on everything."""
    return InternalError(
        f"{where} failed on {rows:,} records in a row: {what}",
        "This is a defect of the plugin, or it does not fit these records. Nothing was lost: they are not committed and will "
        "be read again. Mend it, or take it out of the program.",
    )


def told(error: BaseException, plugin: object) -> str:
    """What was raised and where: type, message, and the innermost place in the plugin's own code; of bounded length."""
    try:
        message = " ".join(str(error)[: 2 * LONGEST].split())
    except FAILURES:
        message = "a message that cannot be made"
    cut = message[:LONGEST] + ("…" if len(message) > LONGEST else "")
    found = f"{type(error).__name__}{': ' if cut else ''}{cut}{_place(error, plugin)}"
    # Names of files and bytes that were no text have halves of characters in them, which no column takes.
    return found.encode(errors="backslashreplace").decode()


def _place(error: BaseException, plugin: object) -> str:
    package = type(plugin).__module__.partition(".")[0]
    found: tuple[FrameType, int] | None = None
    step = error.__traceback__
    while step is not None:
        if str(step.tb_frame.f_globals.get("__name__", "")).partition(".")[0] == package:
            found = (step.tb_frame, step.tb_lineno)
        step = step.tb_next
    if found is None:
        return ""
    path = Path(found[0].f_code.co_filename)
    return f" ({'/'.join(path.parts[-2:])[-120:]}:{found[1]})"


def _joined(where: str, batch: Batch, parts: list[Batch], failed: list[tuple[pl.DataFrame, str]]) -> Batch:
    """The parts of a batch as one. A field that a part has not is null there."""
    frames = [part.frame for part in parts if part.frame.height]
    try:
        frame = pl.concat(frames, how="diagonal_relaxed") if frames else batch.frame.clear()
    except pl.exceptions.PolarsError as error:
        raise InternalError(
            f"{where} gave a field types that do not go together, by the records it was given: {error}",
            "This is a defect of the plugin. Nothing was lost: the records are not committed and will be read again. Mend it, or "
            "take it out of the program.",
        ) from error
    rejected = [rows for part in parts for rows in part.rejected]
    return Batch(frame, batch.span, (*rejected, *refused(failed)), batch.terminated)


def refused(failed: list[tuple[pl.DataFrame, str]]) -> tuple[pl.DataFrame, ...]:
    """Rows that could not be processed, each with the reason, as rejected ones."""
    if not failed:
        return ()
    rows = Batch(pl.concat([row for row, _ in failed]), {})
    details = pl.Series([detail for _, detail in failed], dtype=pl.String)
    return rows.reject(pl.repeat(True, len(failed), eager=True), REASON, detail=details).rejected


def _failing(batch: Batch, failed: list[tuple[pl.DataFrame, str]]) -> Failing:
    return Failing.on(failed, batch.frame.height)
