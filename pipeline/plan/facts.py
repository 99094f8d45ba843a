"""Rows of closed windows as events: identity, revision, and the metadata that every event has."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import polars as pl

from pipeline.columns.batch import CARRIED
from pipeline.columns.types import METADATA, dtype


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
    `@timestamp` is the window's start."""
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
    ids = [hashlib.sha256((prefix + str(key)).encode()).hexdigest()[:32] for key in rows["key"]]
    marked = closing.incomplete if closing.part else frozenset()
    partial = pl.col("metric").is_in(sorted(marked)) if "metric" in rows.columns else pl.lit(bool(marked))
    time = dtype(METADATA["@timestamp"])
    metadata = {
        "@timestamp": pl.lit(closing.start).cast(time),
        "@received": pl.lit(closing.now).cast(time),
        "@raw": pl.lit(None, dtype=pl.Binary),
        "@source": pl.lit(closing.stage),
        "@path": pl.lit(None, dtype=pl.String),
        "@partition": pl.lit(f"{closing.stage}@{closing.start}.{closing.part}.{closing.revision}"),
        "@offset": pl.int_range(pl.len(), dtype=pl.Int64),
        "@host": pl.lit(closing.host),
        "@peer": pl.lit(None, dtype=pl.String),
    }
    fields = [name for name in rows.columns if name != "key"]
    return rows.select(
        *(metadata[name].alias(name) for name in CARRIED),
        pl.Series("id", ids, dtype=pl.String),
        *fields,
        pl.lit(closing.host).alias("host"),
        pl.lit(closing.revision, dtype=pl.Int64).alias("revision"),
        pl.lit(closing.part or None, dtype=pl.Int64).alias("part"),
        pl.when(partial).then(True).alias("partial"),
    )
