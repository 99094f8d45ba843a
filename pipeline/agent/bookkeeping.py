"""What a commit writes into the ledger: rows by partition, and where the rows of windows come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.plan.effects import Effects
from pipeline.plan.flow import Flow
from pipeline.store import Entry, Origin
from pipeline.store.accounts import owner
from pipeline.store.values import place


def entries(flow: Flow, effects: Sequence[Effects]) -> list[Entry]:
    """One entry a partition, in the order of reading."""
    found: dict[tuple[str, str], Entry] = {}
    sinks = {source.name: flow.graph.sinks_of(source.name) for source in flow.graph.sources}
    for effect in effects:
        first = owner(effect.span)
        for partition, span in effect.span.items():
            entry = found.setdefault(
                (effect.source, partition),
                Entry(effect.source, partition, place(span.start), 0, sinks[effect.source]),
            )
            entry.stop = place(span.end)
            if partition == first:
                entry.counts.update(effect.counts)
    return list(found.values())


def origins(effects: Sequence[Effects], placed: Mapping[str, Mapping[int, int]]) -> list[Origin]:
    """The batches that windows took rows of. `placed`: window stage → start → the part that new rows went to."""
    found = []
    for batch, effect in enumerate(effects):
        if not effect.deltas:
            continue
        windows = {
            stage: [(start, placed.get(stage, {}).get(start, 0)) for start in starts]
            for stage, starts in effect.deltas.items()
        }
        for partition, reach in effect.reach.items():
            extent = (reach.path, reach.first, reach.last, reach.rows)
            found.append(Origin(batch, effect.source, partition, *extent, effect.received, windows))
    return found
