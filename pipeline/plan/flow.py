"""The program as a pure function: a batch in, its effects out.

No I/O, no task, no await: the same flow runs in the agent, in a test on a virtual clock, and on a finite input. A flow is
safe to call from several threads at once, for different batches.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import polars as pl

from pipeline.api import Batch, Filter, Window
from pipeline.columns.batch import stamp
from pipeline.columns.templates import split
from pipeline.plan import isolation
from pipeline.plan.effects import LEAD, Effects, Out, Reach
from pipeline.plan.graph import AnyFilter, AnyOutput, Graph, Port, Stage, Step


class Flow:
    """A graph, ready to run. Its plugins must have been opened."""

    def __init__(self, graph: Graph, host: str) -> None:
        self.graph = graph
        self.host = host
        self.order = {source.name: reached(graph, Port(source.name)) for source in graph.sources}
        self._after = {stage.name: reached(graph, Port(stage.name)) for stage in graph.windows}

    def run(self, source: str, batch: Batch, now: int) -> Effects:
        """Run a batch of a source through the program. `now` (µs) becomes the time of reading."""
        effects = Effects(source=source, received=now, span=batch.span)
        effects.counts[source, "in"] += batch.frame.height
        stamped = stamp(batch, source=source, host=self.host, now=now)
        self.through(self.order[source], self.entered(source, stamped, effects), effects)
        if effects.deltas:
            effects.reach = reach(stamped)
        return effects

    def entered(self, source: str, stamped: Batch, effects: Effects) -> dict[Port, Batch]:
        """The ports of a source with a batch that its input gave: decoded, where the source has a codec.

        What a source gives is what it took without what is rejected and filtered here, so it is not counted."""
        stage = self.graph.stages[source]
        ports: dict[Port, Batch] = {}
        ports[Port(source)] = self._chain(stage, stage.before, stamped, ports, effects)
        return ports

    def facts(self, stage: str, frame: pl.DataFrame) -> Effects:
        """Run the rows of closed windows (with metadata, as `pipeline.plan.facts` makes them) through what follows."""
        effects = Effects()
        effects.counts[stage, "facts"] += frame.height
        ports: dict[Port, Batch] = {}
        self._finish(self.graph.stages[stage], Batch(frame, {}), ports, effects)
        self.through(self._after[stage], ports, effects)
        return effects

    def through(self, order: Iterable[Stage], ports: dict[Port, Batch], effects: Effects) -> None:
        """Run stages, in order, on the batches of `ports`, and put theirs there."""
        for stage in order:
            batch = _union([ports[port] for port in stage.upstream if port in ports], _wanted(stage))
            if batch is None or batch.frame.height == 0:
                continue
            effects.counts[stage.name, "in"] += batch.frame.height
            batch = self._chain(stage, stage.before, batch, ports, effects)
            if stage.window is None:
                self._finish(stage, batch, ports, effects)
            else:
                self._fold(stage, stage.window, batch, ports, effects)

    def _chain(
        self, stage: Stage, steps: Iterable[Step], batch: Batch, ports: dict[Port, Batch], effects: Effects
    ) -> Batch:
        """Run filters in order. Rows that one rejects go to the stage's `rejected` port."""
        for step in steps:
            if not isinstance(step.plugin, Filter) or step.plugin.ports:
                continue
            if batch.frame.height == 0:
                break
            before = batch.frame.height
            batch, failing = isolation.applied(step.plugin, batch, f"{stage.name}: {step.name}")
            effects.failed(stage.name, step.name, failing)
            batch, rejected = self._rejected(stage, step.name, batch, ports, effects)
            effects.counts[stage.name, "filtered"] += before - batch.frame.height - rejected
        return batch

    def _fold(self, stage: Stage, step: Step, batch: Batch, ports: dict[Port, Batch], effects: Effects) -> None:
        window = step.plugin
        if not isinstance(window, Window) or batch.frame.height == 0:
            return
        batch, deltas, failing = isolation.folded(window, batch, f"{stage.name}: {step.name}")
        effects.failed(stage.name, step.name, failing)
        batch, _ = self._rejected(stage, step.name, batch, ports, effects)
        effects.counts[stage.name, "windowed"] += batch.frame.height
        if batch.frame.height:
            effects.deltas[stage.name] = dict(deltas)
            effects.high[stage.name] = _high(batch, window.on, effects.received + LEAD)

    def _finish(self, stage: Stage, batch: Batch, ports: dict[Port, Batch], effects: Effects) -> None:
        """What comes after a stage's window, if it has one: the rest of its chain, then its ports or its output."""
        if stage.window is not None:
            batch = self._chain(stage, stage.after, batch, ports, effects)
        last = stage.steps[-1].plugin if stage.steps else None
        if stage.output is not None:
            self._write(stage, stage.output, batch, ports, effects)
        elif isinstance(last, Filter) and last.ports:
            self._route(stage, last, batch, ports, effects)
        else:
            ports[Port(stage.name)] = batch
            effects.counts[stage.name, "out"] += batch.frame.height

    def _route(self, stage: Stage, route: AnyFilter, batch: Batch, ports: dict[Port, Batch], effects: Effects) -> None:
        if batch.frame.height == 0:
            return
        name = stage.steps[-1].name
        parts, left, failing = isolation.split(route, batch, f"{stage.name}: {name}")
        effects.failed(stage.name, name, failing)
        self._rejected(stage, name, left, ports, effects)
        for port_name, part in parts.items():
            if part.rejected:
                part, _ = self._rejected(stage, name, part, ports, effects)
            port = Port(stage.name, port_name)
            read = port in self.graph.read
            effects.counts[stage.name, "out" if read else "filtered"] += part.frame.height
            if read:
                effects.counts[stage.name, f"out:{port_name}"] += part.frame.height
            ports[port] = part

    def _write(self, stage: Stage, output: AnyOutput, batch: Batch, ports: dict[Port, Batch], effects: Effects) -> None:
        if batch.frame.height == 0:
            return
        layout = output.layout
        parts = [("", batch.frame)] if layout.path is None else split(layout.path.parts, batch.frame)
        failed: list[tuple[pl.DataFrame, str]] = []
        for path, frame in parts:
            data, rows, bad = isolation.encoded(output, batch.with_frame(frame), f"{stage.name}: {output.name}")
            failed += bad
            effects.counts[stage.name, "out"] += rows
            if rows:
                torn = layout.exact and not batch.terminated
                effects.outs.append(Out(stage.name, path, data.removesuffix(b"\n") if torn else data, rows, torn))
        if failed:
            effects.failed(stage.name, output.name, isolation.Failing(len(failed), batch.frame.height, failed[0][1]))
            rejected = isolation.refused([(_whole(stage, row, ports), detail) for row, detail in failed])
            self._rejected(stage, output.name, Batch(batch.frame, batch.span, rejected), ports, effects)

    def _rejected(
        self, stage: Stage, name: str, batch: Batch, ports: dict[Port, Batch], effects: Effects
    ) -> tuple[Batch, int]:
        """Take the rejected rows out of a batch, name their filter, and put them on the port or with the dead letters."""
        if not batch.rejected:
            return batch, 0
        frame = pl.concat(batch.rejected).with_columns(
            pl.col("@error").struct.with_fields(pl.field("filter").fill_null(name)).alias("@error")
        )
        port = Port(stage.name, "rejected")
        effects.counts[stage.name, "rejected"] += frame.height
        if port in self.graph.read:
            earlier = ports.get(port)
            together = frame if earlier is None else pl.concat([earlier.frame, frame])
            ports[port] = Batch(together, batch.span, terminated=batch.terminated)
        else:
            effects.dead.append((stage.name, frame))
        return Batch(batch.frame, batch.span, terminated=batch.terminated), frame.height


def reached(graph: Graph, start: Port) -> tuple[Stage, ...]:
    """The stages that see rows of a port, in topological order; windows stop the events, their rows start anew."""
    seen = {start.stage}
    order = []
    for stage in graph.stages.values():
        if stage.kind != "source" and stage.name not in seen and any(port.stage in seen for port in stage.upstream):
            order.append(stage)
            seen.add(stage.name)
    return tuple(order)


def reach(batch: Batch) -> dict[str, Reach]:
    """The records of a batch as its input gave them."""
    frame = batch.frame
    if frame.height == 0:
        return {}
    if len(batch.span) != 1:
        return {str(part["@partition"][0]): _extent(part) for part in frame.partition_by("@partition")}
    return {next(iter(batch.span)): _extent(frame)}


def _extent(frame: pl.DataFrame) -> Reach:
    offsets, path = frame["@offset"], frame["@path"][0]
    return Reach(None if path is None else str(path), int(offsets[0]), int(offsets[-1]), frame.height)


def _wanted(stage: Stage) -> frozenset[str] | None:
    """Columns a stage reads, where that is known: a sink without filters needs only what its output uses."""
    if stage.output is None or stage.steps:
        return None
    return stage.output.uses()


def _whole(stage: Stage, row: pl.DataFrame, ports: Mapping[Port, Batch]) -> pl.DataFrame:
    """A row with all its metadata, also where the stage asked only for what its output uses."""
    if stage.steps or _wanted(stage) is None:
        return row
    whole = _union([ports[port] for port in stage.upstream if port in ports], None)
    if whole is None:
        return row
    same = (pl.col("@partition") == row["@partition"][0]) & (pl.col("@offset") == row["@offset"][0])
    return whole.frame.filter(same).head(1)


def _union(batches: list[Batch], wanted: frozenset[str] | None) -> Batch | None:
    """Rows of several upstreams, columns joined by name, in source order within their partition."""
    parts = [batch for batch in batches if batch.frame.height] or batches[:1]
    if not parts:
        return None
    if len(parts) == 1:
        return parts[0]
    keep = None if wanted is None else [*wanted, "@partition", "@offset"]
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


def _high(batch: Batch, on: str, most: int) -> dict[str, int]:
    """The highest event time of each partition that is not above `most` (µs)."""
    if len(batch.span) == 1:
        times = batch.frame.get_column(on).to_physical()
        high = times.max()
        if isinstance(high, int) and high > most:
            high = times.filter(times <= most).max()
        return {next(iter(batch.span)): high} if isinstance(high, int) else {}
    time = pl.col(on).dt.timestamp("us").alias("high")
    found = batch.frame.select("@partition", time).filter(pl.col("high") <= most).group_by("@partition").max()
    return {str(partition): int(high) for partition, high in found.iter_rows()}
