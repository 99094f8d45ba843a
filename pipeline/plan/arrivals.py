"""What arrives at a stage: the rows of the ports that it reads, as one batch."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import polars as pl

from pipeline.api import Batch
from pipeline.columns.batch import IDENTITY
from pipeline.plan.graph import Port, Stage


def wanted(stage: Stage) -> frozenset[str] | None:
    """Columns a stage reads, where that is known: a sink without filters needs only what its output uses."""
    if stage.output is None or stage.steps:
        return None
    return stage.output.uses()


def whole(stage: Stage, row: pl.DataFrame, ports: Mapping[Port, Batch]) -> pl.DataFrame:
    """A row with all its metadata, also where the stage asked only for what its output uses."""
    if stage.steps or wanted(stage) is None:
        return row
    together = union([ports[port] for port in stage.upstream if port in ports], None)
    if together is None:
        return row
    same = pl.lit(value=True)
    for name in IDENTITY:
        same &= pl.col(name).eq_missing(pl.lit(row[name][0], dtype=row.schema[name]))
    return together.frame.filter(same).head(1)


def stacked(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Rows of several parts, in order. Parts without rows need not have the columns of the others, as filters that nothing came to add
    none; where a part with rows has not a field, it is null there."""
    some = [frame for frame in frames if frame.height] or list(frames[:1])
    return some[0] if len(some) == 1 else pl.concat(some, how="diagonal_relaxed")


def union(batches: list[Batch], wanted: frozenset[str] | None) -> Batch | None:
    """Rows of several upstreams, columns joined by name, in source order within their partition."""
    parts = [batch for batch in batches if batch.frame.height] or batches[:1]
    if not parts:
        return None
    if len(parts) == 1:
        return parts[0]
    keep = None if wanted is None else [*wanted, *IDENTITY]
    frames = [part.frame if keep is None else part.frame[_among(part.frame, keep)] for part in parts]
    same = all(frame.schema == frames[0].schema for frame in frames)
    frame = pl.concat(frames, how="vertical" if same else "diagonal_relaxed")
    frame = (
        frame.sort("@partition", "@offset", maintain_order=True)
        if len(parts[0].span) != 1
        else frame.sort("@offset", maintain_order=True)
    )
    return Batch(frame, parts[0].span, terminated=all(part.terminated for part in parts))


def _among(frame: pl.DataFrame, names: Collection[str]) -> list[str]:
    return [name for name in frame.columns if name in names]
