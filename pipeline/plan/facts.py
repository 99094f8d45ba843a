"""Rows of closed windows as events: identity, revision, and the metadata that every event has."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import polars as pl

from pipeline.columns.batch import CARRIED
from pipeline.columns.types import METADATA, dtype

OWN = ("key", "revision", "partial")
"""Columns of rows that do not become fields as they are."""


@dataclass(frozen=True, slots=True)
class Closing:
    """One sending of one window: which, for the how many-eth time, and by whom."""

    program: str
    stage: str
    fingerprint: str
    instance: str
    host: str
    start: int
    """Window start, µs."""
    part: int
    """0, or the number of an extra part for events that came after the window's state was let go."""
    revision: int
    """1 for the first sending, then 2, 3, …"""
    now: int
    incomplete: frozenset[str] = frozenset()
    """Metrics whose rows are marked `partial` in extra parts, because parts of them cannot be added up."""


def events(rows: pl.DataFrame, closing: Closing) -> pl.DataFrame:
    """The rows of `Window.rows` (with their `key`) as events: `id`, `host`, `revision`, `part`, `partial` and metadata.

    `id` is a hash of program, stage, window, part, instance and key, so the same fact has the same id in every revision.
    `@timestamp` is the window's start. Rows of sessions bring their own start and `revision`."""
    prefix = "\0".join(
        (
            closing.program,
            closing.stage,
            closing.fingerprint,
            closing.instance,
            str(closing.start),
            str(closing.part),
            "",
        )
    )
    begun = hashlib.sha256(prefix.encode())
    ids = [_id(begun.copy(), key) for key in rows.get_column("key").to_list()]
    height = rows.height
    time = dtype(METADATA["@timestamp"])
    sessions = "revision" in rows.columns
    partition = f"{closing.stage}@{closing.start}.{closing.part}.{closing.revision}"
    metadata = {
        "@timestamp": rows.get_column("window_start").alias("@timestamp")
        if sessions
        else _all("@timestamp", closing.start, time, height),
        "@received": _all("@received", closing.now, time, height),
        "@raw": _all("@raw", None, pl.Binary(), height),
        "@source": _all("@source", closing.stage, pl.String(), height),
        "@path": _all("@path", None, pl.String(), height),
        "@partition": _all("@partition", partition, pl.String(), height),
        "@offset": pl.Series("@offset", range(height), dtype=pl.Int64),
        "@item": _all("@item", None, pl.String(), height),
        "@host": _all("@host", closing.host, pl.String(), height),
        "@peer": _all("@peer", None, pl.String(), height),
    }
    # Series, not expressions: a query costs more than all of them.
    return pl.DataFrame(
        [
            *(metadata[name] for name in CARRIED),
            pl.Series("id", ids, dtype=pl.String),
            *(column for column in rows.get_columns() if column.name not in OWN),
            _all("host", closing.host, pl.String(), height),
            rows.get_column("revision") if sessions else _all("revision", closing.revision, pl.Int64(), height),
            _all("part", closing.part or None, pl.Int64(), height),
            _partial(rows, closing),
        ]
    )


def _id(begun: hashlib._Hash, key: str) -> str:
    begun.update(key.encode())
    return begun.hexdigest()[:32]


def _partial(rows: pl.DataFrame, closing: Closing) -> pl.Series:
    """True for the metrics that are incomplete in an extra part, and for what the window says so of; null for others."""
    marked = closing.incomplete if closing.part else frozenset()
    short = rows.get_column("partial").to_list() if "partial" in rows.columns else None
    if not marked and short is None:
        return _all("partial", None, pl.Boolean(), rows.height)
    wide = "metric" not in rows.columns
    whole = (
        [bool(marked)] * rows.height if wide else [metric in marked for metric in rows.get_column("metric").to_list()]
    )
    flags = [True if part or given else None for part, given in zip(whole, short or whole, strict=True)]
    return pl.Series("partial", flags, dtype=pl.Boolean)


def _all(name: str, value: str | int | None, kind: pl.DataType, height: int) -> pl.Series:
    """The same value in each row."""
    given = pl.Series(name, [value], dtype=pl.Int64() if kind.is_temporal() else kind)
    return (given.cast(kind) if kind.is_temporal() else given).new_from_index(0, height)
