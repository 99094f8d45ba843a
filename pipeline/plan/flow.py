"""The program as a pure function: a batch in, its effects out.

No I/O, no task, no await: the same flow runs in the agent, in a test on a virtual clock, and on a finite input. What may come to a
resolver is work that asks (`pipeline.plan.asking`). `running` is safe in several threads at once, for different batches; what
takes a memory is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from pipeline.api import Batch, Filter, Fold, Resolver, Window
from pipeline.columns.batch import stamp
from pipeline.columns.templates import split
from pipeline.plan import folds, isolation, lineage
from pipeline.plan.arrivals import union, wanted, whole
from pipeline.plan.asking import Work, alone, resolved
from pipeline.plan.effects import LEAD, Effects, Out, reach
from pipeline.plan.folds import Memory
from pipeline.plan.graph import AnyFilter, AnyOutput, Graph, Port, Stage, Step


class Flow:
    """A graph, ready to run. Its plugins must have been opened.

    Stages with a fold, and those below one, come late: `run` brings rows up to the first fold of their way, in any order of
    batches, `resume` goes on from there, in the order of the source."""

    def __init__(self, graph: Graph, host: str) -> None:
        self.graph = graph
        self.host = host
        self.order = {source.name: graph.reached(source.name) for source in graph.sources}
        self._after = {stage.name: graph.reached(stage.name) for stage in graph.windows}
        self._late = graph.late
        self.asks = any(stage.resolvers for stage in graph.stages.values())
        """Whether its work may have to wait for answers."""

    def run(self, source: str, batch: Batch, now: int) -> Effects:
        """`running`, where nobody is asked."""
        return alone(self.running(source, batch, now))

    def running(self, source: str, batch: Batch, now: int) -> Work[Effects]:
        """Run a batch of a source through the program. `now` (µs) becomes the time of reading."""
        effects = Effects(source=source, received=now, span=batch.span)
        effects.counts[source, "in"] += batch.frame.height
        stamped = stamp(batch, source=source, host=self.host, now=now)
        ports = yield from self.entered(source, stamped, effects)
        late = [stage for stage in self.order[source] if stage.name in self._late]
        early = [stage for stage in self.order[source] if stage.name not in self._late]
        yield from self.through(early, ports, effects)
        for stage in late:
            if self._late.isdisjoint(port.stage for port in stage.upstream):
                arrived = self._arrived(stage, ports, effects)
                if arrived is not None:
                    found = yield from self._chain(stage, stage.before[: stage.cut], arrived, ports, effects)
                    effects.ahead[stage.name] = found
        if late:
            read = {port for stage in late if stage.name not in effects.ahead for port in stage.upstream}
            read |= {port for stage in late for port in stage.tables}
            effects.ports = {port: found for port, found in ports.items() if port in read}
        if effects.deltas or any(stage.window is not None for stage in late):
            effects.reach = reach(stamped)
        return effects

    def entered(self, source: str, stamped: Batch, effects: Effects) -> Work[dict[Port, Batch]]:
        """The ports of a source with a batch that its input gave: decoded, where the source has a codec.

        What a source gives is what it took without what is rejected and filtered here, so it is not counted."""
        stage = self.graph.stages[source]
        ports: dict[Port, Batch] = {}
        ports[Port(source)] = yield from self._chain(stage, stage.before, stamped, ports, effects)
        return ports

    def resume(self, effects: Effects, memory: Memory) -> None:
        """`resuming`, where nobody is asked."""
        alone(self.resuming(effects, memory))

    def resuming(self, effects: Effects, memory: Memory) -> Work[None]:
        """Go on with a batch where `run` left it, once all batches before it went on. Changes the effects.

        Of dead letters that were put in again only tables get something here."""
        if not (effects.ahead or effects.ports):
            return
        ports = effects.ports
        for stage in self.order[effects.source]:
            if effects.chosen is not None:
                self.learn(stage, ports, effects, memory)
            elif stage.name in self._late:
                batch = effects.ahead.pop(stage.name, None)
                if batch is not None:
                    self.learn(stage, ports, effects, memory)
                    yield from self._onward(stage, stage.before[stage.cut :], batch, ports, effects, memory)
                else:
                    yield from self.through((stage,), ports, effects, memory)
        effects.ports = {}

    def facts(self, stage: str, frame: pl.DataFrame, memory: Memory | None) -> Work[Effects]:
        """Run the rows of closed windows (with metadata, as `pipeline.plan.facts` makes them) through what follows."""
        effects = Effects(received=0 if memory is None else memory.now)
        effects.counts[stage, "facts"] += frame.height
        ports: dict[Port, Batch] = {}
        node = self.graph.stages[stage]
        batch = yield from self._chain(node, node.after, Batch(frame, {}), ports, effects, memory)
        self._finish(node, batch, ports, effects)
        yield from self.through(self._after[stage], ports, effects, memory)
        return effects

    def released(self, stage: str, step: Step, batch: Batch, effects: Effects, memory: Memory) -> Work[None]:
        """Run rows that a fold held, and lets go of now, through what follows it."""
        node = self.graph.stages[stage]
        ports: dict[Port, Batch] = {}
        batch, _ = self._rejected(node, step.name, batch, ports, effects)
        at = node.steps.index(step) + 1
        if at <= len(node.before):
            yield from self._onward(node, node.before[at:], batch, ports, effects, memory)
        else:
            batch = yield from self._chain(node, node.steps[at:], batch, ports, effects, memory)
            self._finish(node, batch, ports, effects)
        yield from self.through(self.graph.reached(stage), ports, effects, memory)

    def through(
        self, order: Iterable[Stage], ports: dict[Port, Batch], effects: Effects, memory: Memory | None = None
    ) -> Work[None]:
        """Run stages, in order, on the batches of `ports`, and put theirs there."""
        for stage in order:
            if folds.keeps(memory):
                self.learn(stage, ports, effects, memory)
            batch = self._arrived(stage, ports, effects)
            if batch is not None:
                yield from self._onward(stage, stage.before, batch, ports, effects, memory)

    def learn(self, stage: Stage, ports: dict[Port, Batch], effects: Effects, memory: Memory) -> None:
        """Give the rows of `ports` that are for tables of a stage to them."""
        for step in stage.steps:
            batch = None if step.table is None else ports.get(step.table)
            if batch is None or batch.frame.height == 0:
                continue
            effects.counts[stage.name, "in"] += batch.frame.height
            learned = folds.learn(memory, stage.name, step, batch)
            effects.failed(stage.name, step.name, learned.failing)
            known, _ = self._rejected(stage, step.learns, learned.batch, ports, effects)
            effects.counts[stage.name, "joined"] += known.frame.height

    def _arrived(self, stage: Stage, ports: Mapping[Port, Batch], effects: Effects) -> Batch | None:
        """The rows that a stage gets; None when there are none."""
        batch = union([ports[port] for port in stage.upstream if port in ports], wanted(stage))
        if batch is None or batch.frame.height == 0:
            return None
        effects.counts[stage.name, "in"] += batch.frame.height
        return batch

    def _onward(
        self,
        stage: Stage,
        steps: Iterable[Step],
        batch: Batch,
        ports: dict[Port, Batch],
        effects: Effects,
        memory: Memory | None,
    ) -> Work[None]:
        """The rest of the steps before a stage's window, then the window, or the end of the stage."""
        batch = yield from self._chain(stage, steps, batch, ports, effects, memory)
        if stage.window is None:
            self._finish(stage, batch, ports, effects)
        else:
            self._window(stage, stage.window, batch, ports, effects)

    def _chain(
        self,
        stage: Stage,
        steps: Iterable[Step],
        batch: Batch,
        ports: dict[Port, Batch],
        effects: Effects,
        memory: Memory | None = None,
    ) -> Work[Batch]:
        """Run filters and folds in order. Rows that one rejects go to the stage's `rejected` port."""
        for step in steps:
            plugin = step.plugin
            if isinstance(plugin, Window) or (isinstance(plugin, Filter) and plugin.ports):
                continue
            if batch.frame.height == 0:
                break
            before = batch.frame.height
            kept = 0
            if isinstance(plugin, Fold):
                stepped = folds.step(memory, stage.name, effects.source, step, batch)
                batch, kept, failing = stepped.batch, stepped.kept, stepped.failing
            elif isinstance(plugin, Resolver):
                batch, failing = yield from resolved(plugin, batch, f"{stage.name}: {step.name}")
            else:
                batch, failing = isolation.applied(plugin, batch, f"{stage.name}: {step.name}")
            effects.failed(stage.name, step.name, failing)
            batch, rejected = self._rejected(stage, step.name, batch, ports, effects)
            if isinstance(plugin, Filter) and plugin.makes:
                chosen = effects.chosen_at(stage.name)
                batch = batch if chosen is None else batch.with_frame(chosen.only(batch.frame))
                took = before - rejected
                lineage.counted(effects.counts, stage.name, took, batch.frame, again=chosen is not None)
            elif isinstance(plugin, Fold):
                gave = batch.frame.height + rejected
                folds.count(effects.counts, stage.name, plugin, took=before, gave=gave, kept=kept)
            else:
                effects.counts[stage.name, "filtered"] += before - batch.frame.height - rejected
        return batch

    def _window(self, stage: Stage, step: Step, batch: Batch, ports: dict[Port, Batch], effects: Effects) -> None:
        window = step.plugin
        if not isinstance(window, Window) or batch.frame.height == 0:
            return
        batch, deltas, failing = isolation.windowed(window, batch, f"{stage.name}: {step.name}")
        effects.failed(stage.name, step.name, failing)
        batch, _ = self._rejected(stage, step.name, batch, ports, effects)
        effects.counts[stage.name, "windowed"] += batch.frame.height
        if batch.frame.height:
            effects.deltas[stage.name] = dict(deltas)
            effects.high[stage.name] = _high(batch, window.on, effects.received + LEAD)

    def _finish(self, stage: Stage, batch: Batch, ports: dict[Port, Batch], effects: Effects) -> None:
        """What comes after all steps of a stage: its ports or its output."""
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
                made = frame["@item"].null_count() < frame.height
                effects.outs.append(Out(stage.name, path, data.removesuffix(b"\n") if torn else data, rows, torn, made))
        if failed:
            effects.failed(stage.name, output.name, isolation.Failing.on(failed, batch.frame.height))
            rejected = isolation.refused([(whole(stage, row, ports), detail) for row, detail in failed])
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
        chosen = effects.chosen_at(stage.name)
        frame = frame if chosen is None else chosen.named(frame)
        port = Port(stage.name, "rejected")
        effects.counts[stage.name, "rejected"] += frame.height
        if port in self.graph.read:
            earlier = ports.get(port)
            together = frame if earlier is None else pl.concat([earlier.frame, frame])
            ports[port] = Batch(together, batch.span, terminated=batch.terminated)
        else:
            effects.dead.append((stage.name, frame))
        return Batch(batch.frame, batch.span, terminated=batch.terminated), frame.height


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
