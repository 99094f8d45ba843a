"""Stages of a program outside of an agent: the same plugins on the same batches, without files and commits."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline import api
from pipeline.columns.batch import stamp
from pipeline.columns.lines import records
from pipeline.columns.native import engine
from pipeline.lang import Source
from pipeline.plan.graph import Graph, Stage
from pipeline.plan.load import load

KERNELS = engine().partition(" ")[0]
"""`native` or `python`: which kernels this process uses."""


def graph(program: str) -> Graph:
    """A checked program."""
    loaded = load(Source("bench.pipe", program))
    if loaded.graph is None:
        raise SystemExit("\n".join(str(diagnostic) for diagnostic in loaded.diagnostics))
    return loaded.graph


def batches(chunks: Sequence[bytes]) -> list[api.Batch]:
    """Chunks of whole lines as the engine hands them to the first filter."""
    made, at = [], 0
    for chunk in chunks:
        raw, offsets, _ = records(chunk, at)
        batch = api.lines(raw, offsets, partition="bench:1", start=at, end=at + len(chunk), path="bench.log")
        made.append(stamp(batch, source="access", host="bench", now=0))
        at += len(chunk)
    return made


def chained(stage: Stage, batch: api.Batch) -> api.Batch:
    """A batch after the filters of a stage that come before its window."""
    for step in stage.before:
        if isinstance(step.plugin, api.Filter):
            batch = step.plugin.apply(batch)
    return batch
