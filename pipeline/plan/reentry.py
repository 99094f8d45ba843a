"""Rows that do not take the plain way through a program: in parts, not at all, or once more from where they were rejected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import polars as pl

from pipeline.api import Batch, Delta, Window
from pipeline.columns.batch import CARRIED, IDENTITY, REJECTED_SCHEMA, stamp
from pipeline.plan import isolation
from pipeline.plan.arrivals import stacked, union, wanted
from pipeline.plan.asking import Work
from pipeline.plan.effects import Effects, reach
from pipeline.plan.flow import Flow
from pipeline.plan.folds import Tables
from pipeline.plan.graph import Graph, Port, Stage
from pipeline.plan.lineage import RECORD, Chosen

K = TypeVar("K")

POISON = "poison"
"""Reason in the `@error` of a record that ended the process whenever it was computed."""


def together(flow: Flow, source: str, batch: Batch, now: int, parts: Sequence[Effects]) -> Effects:
    """The effects of a batch of a source, read at `now` (µs), from those of its rows in several parts, in order."""
    found = Effects(source=source, received=now, span=batch.span)
    deltas: dict[str, list[Mapping[int, Delta]]] = {}
    for part in parts:
        found.outs += part.outs
        found.counts.update(part.counts)
        found.dead += part.dead
        found.failing.update(part.failing)
        found.condemned += part.condemned
        found.ahead = _merged(found.ahead, part.ahead)
        found.ports = _merged(found.ports, part.ports)
        for stage, delta in part.deltas.items():
            deltas.setdefault(stage, []).append(delta)
        for stage, marks in part.high.items():
            high = found.high.setdefault(stage, {})
            high.update({name: max(mark, high.get(name, mark)) for name, mark in marks.items()})
    for stage, some in deltas.items():
        window = flow.graph.stages[stage].window
        if window is not None and isinstance(window.plugin, Window):
            found.deltas[stage] = isolation.gathered(window.plugin, some)
    if any(part.reach for part in parts):
        found.reach = reach(stamp(batch, source=source, host=flow.host, now=now))
    return found


def _merged(before: Mapping[K, Batch], after: Mapping[K, Batch]) -> dict[K, Batch]:
    """The rows of two parts, in order."""
    found = dict(before)
    for key, batch in after.items():
        both = [found[key].frame, batch.frame] if key in found else [batch.frame]
        found[key] = batch.with_frame(stacked(both))
    return found


def condemn(flow: Flow, source: str, batch: Batch, now: int, detail: str) -> Effects:
    """Rows of a source that are not to be computed, because that ends the process: they become dead letters of the source."""
    stamped = stamp(batch, source=source, host=flow.host, now=now)
    (rows,) = stamped.reject(pl.repeat(True, batch.frame.height, eager=True), POISON, detail=detail).rejected
    found = Effects(source=source, dead=[(source, rows)])
    found.counts.update({(source, "in"): rows.height, (source, "poison"): rows.height})
    return found


def closed(flow: Flow, stage: str, source: str, rows: pl.DataFrame) -> str:
    """Why rejected rows cannot be put in `again`; empty when they can."""
    if stage not in flow.graph.stages:
        return "the stage is not in the program any more"
    tables = {step.learns for step in flow.graph.stages[stage].steps if step.table is not None}
    if not tables.isdisjoint(rows["@error"].struct.field("filter")):
        return "they were for a table of the stage, and not to go through it"
    itself = source == stage and flow.graph.stages[stage].kind == "source"
    if itself or source in flow.graph.sources_of(stage):
        if flow.graph.stages[source].incoming.fields:
            return "its input gave fields, and only the records are kept"
        return "" if rows["@raw"].null_count() == 0 else "they have no record"
    return (
        "they are facts of a window, not records"
        if source in {some.name for some in flow.graph.windows}
        else "the source does not feed the stage"
    )


def again(flow: Flow, stage: str, source: str, rows: pl.DataFrame, tables: Tables | None = None) -> Work[Effects]:
    """The effects of rows that a stage rejected, put in there again, so that no other branch of the program sees them. Of
    each record they are of one `@item` (`lineage.apart`).

    The stages before it make them anew, and nothing else comes of these; what does not arrive any more is counted with
    the stage: as rejected, or as filtered. Letters of which nobody can say which of the rows that come they were are `unclear`, and
    nothing becomes of them. Event time does not move. Folds take each for an input of its own: it does not meet the state that the rows
    around it have left, and does not change it. But it meets the `tables` as they are now, and what comes of it for a table waits for
    `Flow.resume`."""
    chosen = Chosen.of(stage, rows)
    effects = Effects(source=source, chosen=chosen)
    records = rows.unique(RECORD, keep="first", maintain_order=True).select(*CARRIED)
    none = pl.lit(None, dtype=pl.String)
    stamped = Batch(records.with_columns(pl.col("@received").alias("@timestamp"), none.alias("@item")), {})
    target = flow.graph.stages[stage]
    if stage == source:
        effects.counts[source, "in"] += records.height
        entered = yield from flow.entered(source, stamped, effects)
        yield from flow.through(flow.order[source], entered, effects, tables)
        ports = entered
    else:
        before = Effects()
        arriving = yield from flow.entered(source, stamped, before)
        above = _above(flow.graph, stage)
        yield from flow.through([some for some in flow.order[source] if some.name in above], arriving, before, tables)
        arrived = {
            port: arriving[port].with_frame(chosen.only(arriving[port].frame))
            for port in target.upstream
            if port in arriving
        }
        effects.unclear = _unclear(rows, target, arrived)
        rows = rows.filter(~pl.Series(effects.unclear, dtype=pl.Boolean))
        ports, left = _met(rows, arrived)
        # The stages before make one row of the letter, but for those of a program that was changed meanwhile.
        more = sum(batch.frame.height for batch in ports.values()) - (rows.height - left.height)
        if more:
            effects.counts[stage, "in"] -= more
            effects.counts[stage, "made"] += more
        _missing(flow.graph, target, left, ports, arriving, before, effects, chosen)
        yield from flow.through((target,), ports, effects, tables)
        for port in target.upstream:
            ports.pop(port, None)
        yield from flow.through(flow.graph.reached(stage), ports, effects, tables)
    effects.counts[stage, "retried"] += rows.height
    effects.ports = {port: ports[port] for some in flow.order[source] for port in some.tables if port in ports}
    effects.high.clear()
    return effects


def _unclear(letters: pl.DataFrame, stage: Stage, ports: Mapping[Port, Batch]) -> list[bool]:
    """Whether a letter is of a record that comes on more ways than there are letters of it, and not as the same row on each: then
    another of its rows may be the one that was not rejected, and has been given on."""
    together = union(list(ports.values()), wanted(stage))
    if together is None:
        return [False] * letters.height
    ways = together.frame.with_columns(pl.len().over(*IDENTITY).alias("@ways"))
    several = ways.filter(pl.col("@ways") > 1).drop("@ways")
    if not several.height:
        return [False] * letters.height
    number = letters.group_by(*RECORD).agg(pl.len().alias("@letters"))
    kinds = several.unique().group_by(*IDENTITY).agg(pl.len().alias("@kinds"))
    more = several.group_by(*IDENTITY).agg(pl.len().alias("@ways")).join(kinds, on=IDENTITY, nulls_equal=True)
    more = more.join(number, on=RECORD).filter((pl.col("@ways") > pl.col("@letters")) & (pl.col("@kinds") > 1))
    unclear = more.select(*RECORD, pl.lit(value=True).alias("@unclear")).unique()
    found = letters.join(unclear, on=RECORD, how="left", maintain_order="left")["@unclear"]
    return found.fill_null(value=False).to_list()


def _met(letters: pl.DataFrame, ports: dict[Port, Batch]) -> tuple[dict[Port, Batch], pl.DataFrame]:
    """Of what comes to a stage again, a row for each letter; and the letters for which none comes.

    A record that comes on several ways may be as many letters, or fewer where only some of its rows were rejected."""
    if not ports:
        return {}, letters
    known = letters.with_columns(pl.int_range(pl.len()).over(*RECORD).alias("@nth"))
    same = known.select(*RECORD, "@nth", pl.lit(value=True).alias("@known"))
    found = dict(ports)
    came = _ways(pl.concat([batch.frame.select(*IDENTITY) for batch in found.values()]))
    mask = came.join(same, on=[*RECORD, "@nth"], how="left", maintain_order="left")["@known"].fill_null(value=False)
    at = 0
    for port, batch in found.items():
        found[port] = batch.with_frame(batch.frame.filter(mask[at : at + batch.frame.height]))
        at += batch.frame.height
    return found, known.join(came, on=[*RECORD, "@nth"], how="anti").drop("@nth")


def _ways(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with the number of their way: from 0 on among those of the same record and item."""
    return rows.with_columns(pl.int_range(pl.len()).over(*IDENTITY).alias("@nth"))


def _missing(
    graph: Graph,
    stage: Stage,
    left: pl.DataFrame,
    ports: dict[Port, Batch],
    arriving: Mapping[Port, Batch],
    before: Effects,
    effects: Effects,
    chosen: Chosen,
) -> None:
    """Count the rows that do not come to a stage again; those that are rejected on their way are rejected by it."""
    if left.height == 0:
        return
    refused = [frame for _, frame in before.dead]
    refused += [batch.frame for port, batch in arriving.items() if port.name == "rejected" and port not in ports]
    lost = [frame.select(*REJECTED_SCHEMA).join(left, on=RECORD, how="semi") for frame in refused]
    rejected = chosen.only(pl.concat(lost)).unique(RECORD, maintain_order=True) if lost else left.clear()
    rejected = chosen.named(rejected)
    effects.counts[stage.name, "in"] += left.height
    effects.counts[stage.name, "rejected"] += rejected.height
    effects.counts[stage.name, "filtered"] += left.height - rejected.height
    port = Port(stage.name, "rejected")
    if rejected.height and port in graph.read:
        ports[port] = Batch(rejected, {})
    elif rejected.height:
        effects.dead.append((stage.name, rejected))


def _above(graph: Graph, stage: str) -> frozenset[str]:
    """The stages that a stage reads, and those that these read."""
    found: set[str] = set()
    ahead = [stage]
    while ahead:
        more = {port.stage for port in graph.stages[ahead.pop()].upstream} - found
        found |= more
        ahead += more
    return frozenset(found)
