"""Events that a destination refuses: dead letters of their sink, and how they are put in again.

Such a letter is no record but what the sink made of it: `@raw` are the bytes that its output encoded, `segment` says what they
were sent with, `ranges` where the events of that segment come from. Put in again it goes to the sink's segments as it is,
under the same `path`; that takes an output of the same name, to which the bytes mean the same (`form`).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pipeline.api import Position, Refusal, Segment
from pipeline.columns.batch import REJECTED_SCHEMA
from pipeline.columns.frames import dump
from pipeline.env import Files
from pipeline.errors import InternalError
from pipeline.plan.effects import Effects, Out
from pipeline.plan.flow import Flow
from pipeline.plan.graph import AnyOutput
from pipeline.store import Buried
from pipeline.store.values import place

LONGEST = 1000
"""Characters of what a destination says that are kept."""

SCHEMA: dict[str, pl.DataType] = {
    "@raw": REJECTED_SCHEMA["@raw"],
    "@error": REJECTED_SCHEMA["@error"],
    "segment": pl.String(),
    "path": pl.String(),
    "form": pl.String(),
    "ranges": pl.List(pl.String()),
}


def buried(output: AnyOutput, segment: Segment, refused: Sequence[Refusal], files: Files) -> list[Buried]:
    """The dead letters of a segment, by reason. Blocks for its bytes. Raises InternalError where what is refused is none of its
    events, and what the output raises."""
    events = output.events(segment.read(files))
    if len(events) != segment.rows:
        raise InternalError(f"it finds {len(events):,} events in a segment of {segment.rows:,}, and refuses some")
    rows = [refusal.row for refusal in refused]
    if len({*rows}) < len(rows) or not all(0 <= row < segment.rows for row in rows):
        raise InternalError(f"it refuses events that are not in a segment of {segment.rows:,}, or twice")
    kinds: dict[str, list[Refusal]] = {}
    for refusal in refused:
        kinds.setdefault(refusal.reason, []).append(refusal)
    ranges = [_told(*extent) for extent in segment.ranges]
    found = []
    for reason, some in kinds.items():
        letters = [
            {
                "@raw": events[refusal.row],
                "@error": {"filter": output.name, "reason": reason, "field": None, "detail": refusal.detail[:LONGEST]},
                "segment": segment.name,
                "path": segment.path,
                "form": segment.form,
                "ranges": ranges,
            }
            for refusal in some
        ]
        frame = dump([pl.DataFrame(letters, schema=SCHEMA)])
        found.append(Buried(segment.sink, len(some), frame, filter=output.name, reason=reason))
    return found


def refused(letters: pl.DataFrame) -> bool:
    """Whether these rows of a burial are such letters. All of a burial are, or none."""
    return "segment" in letters.columns


def closed(flow: Flow, sink: str, letters: pl.DataFrame) -> str:
    """Why they cannot be put in `again`; empty when they can."""
    stage = flow.graph.stages.get(sink)
    if stage is None or stage.output is None:
        return "the sink is not in the program any more"
    output, path, form = stage.output, str(letters["path"][0]), str(letters["form"][0])
    if str(letters["@error"].struct.field("filter")[0]) != output.name:
        return f"they are encoded for another output than {output.name}"
    if form != output.layout.form:
        return "they are encoded for other columns than those of the sink"
    template = output.layout.path
    if path != "" if template is None else not path.startswith(template.prefix):
        return f"the sink does not write to {path} any more"
    return ""


def again(sink: str, letters: pl.DataFrame) -> Effects:
    """They go to the segments of their sink once more."""
    effects = Effects(outs=[Out(sink, str(letters["path"][0]), b"".join(letters["@raw"]), letters.height, made=True)])
    effects.counts.update(dict.fromkeys(((sink, "retried"), (sink, "in"), (sink, "out")), letters.height))
    return effects


def _told(partition: str, start: Position, stop: Position) -> str:
    return f"{partition} {place(start):,}..{place(stop):,}"
