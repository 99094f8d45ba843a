"""The checked program: stages in topological order, each with its plugins made and its columns known.

A stage is one statement. Its filters run in order on every batch; a window cuts the chain in two: `before` runs on
events, `after` on the rows of closed windows. A fold among them has a state, which the rows meet in the order of the source.

    source     input ──▶ ""                                  ports of a stage: "" is the main one, "rejected" has the rows
    transform  upstream ──before── [window ──after──] ──▶ "" that its filters could not process, a last `route` adds
    sink       upstream ──before── [window ──after──] ──▶ output       its own ("errors", "else")
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pipeline.api import Columns, Filter, Fold, Input, Options, Output, Resolver, Sessions, Window
from pipeline.api.tables import Tabled

AnyInput = Input[Options]
AnyFilter = Filter[Options]
AnyFold = Fold[Options, Any]
AnyTabled = Tabled[Options, Any]
AnyResolver = Resolver[Any]
AnyWindow = Window[Options]
AnySessions = Sessions[Options]
AnyOutput = Output[Options]


@dataclass(frozen=True, slots=True)
class Port:
    """An output of a stage."""

    stage: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.stage}.{self.name}" if self.name else self.stage


@dataclass(frozen=True, slots=True)
class Step:
    """One filter, fold or window of a chain. `name` is its plugin; `columns` what leaves it; `text` its source on one line.

    `fold`: what the state of a fold is known by within its stage; empty for others."""

    name: str
    plugin: AnyFilter | AnyFold | AnyWindow
    columns: Columns
    text: str
    line: int
    fold: str = ""

    @property
    def learns(self) -> str:
        """What rejects rows of its table."""
        return f"{self.name}({self.table})"

    @property
    def table(self) -> Port | None:
        """The second port that it reads."""
        if not isinstance(self.plugin, Tabled):
            return None
        upstream = self.plugin.table
        return Port(upstream.stage, upstream.port)


@dataclass(frozen=True)
class Stage:
    """One statement of the program, checked. `columns` by port; `fingerprint` changes when what it computes changes."""

    name: str
    kind: Literal["source", "transform", "sink"]
    upstream: tuple[Port, ...] = ()
    before: tuple[Step, ...] = ()
    window: Step | None = None
    after: tuple[Step, ...] = ()
    input: AnyInput | None = None
    output: AnyOutput | None = None
    plugin: str = ""
    """Name of the input or output plugin."""
    columns: Mapping[str, Columns] = field(default_factory=dict)
    incoming: Columns = field(default_factory=lambda: Columns({}))
    """What arrives from upstream, joined by name."""
    fingerprint: str = ""

    @property
    def ports(self) -> tuple[str, ...]:
        return tuple(self.columns)

    @property
    def steps(self) -> tuple[Step, ...]:
        return (*self.before, *((self.window,) if self.window else ()), *self.after)

    @property
    def tables(self) -> tuple[Port, ...]:
        """The ports that its steps read besides, one for each that does."""
        return tuple(step.table for step in self.steps if step.table is not None)

    @property
    def reads(self) -> tuple[Port, ...]:
        """All ports that it reads."""
        return (*self.upstream, *self.tables)

    @property
    def resolvers(self) -> tuple[AnyResolver, ...]:
        return tuple(step.plugin for step in self.steps if isinstance(step.plugin, Resolver))

    @property
    def cut(self) -> int:
        """Where in `before` its first fold is; its end, where there is none."""
        return next((at for at, step in enumerate(self.before) if step.fold), len(self.before))


@dataclass(frozen=True)
class Graph:
    """A whole checked program. `stages` in topological order; `read` are the ports that some stage reads."""

    name: str
    stages: Mapping[str, Stage]
    read: frozenset[Port]
    fingerprint: str = ""

    @property
    def sources(self) -> tuple[Stage, ...]:
        return tuple(stage for stage in self.stages.values() if stage.kind == "source")

    @property
    def sinks(self) -> tuple[Stage, ...]:
        return tuple(stage for stage in self.stages.values() if stage.kind == "sink")

    @property
    def windows(self) -> tuple[Stage, ...]:
        return tuple(stage for stage in self.stages.values() if stage.window is not None)

    @property
    def folds(self) -> Mapping[str, tuple[str, ...]]:
        """Stage → its folds, for stages that have some."""
        found = {name: tuple(step.fold for step in stage.steps if step.fold) for name, stage in self.stages.items()}
        return {name: folds for name, folds in found.items() if folds}

    def reached(self, start: str) -> tuple[Stage, ...]:
        """The stages that see rows of a stage, in topological order; windows stop the events, their rows start anew."""
        seen = {start}
        order = []
        for stage in self.stages.values():
            if stage.kind != "source" and stage.name not in seen and any(port.stage in seen for port in stage.reads):
                order.append(stage)
                seen.add(stage.name)
        return tuple(order)

    @property
    def late(self) -> frozenset[str]:
        """The stages that events come to behind a fold, those that have one for events themselves, and those that know a table."""
        found: set[str] = set()
        for stage in self.stages.values():
            waits = stage.cut < len(stage.before) or stage.tables
            if waits or any(port.stage in found for port in stage.upstream):
                found.add(stage.name)
        return frozenset(found)

    @property
    def known_first(self) -> frozenset[str]:
        """The sources that tables are made of."""
        tables = {port.stage for stage in self.stages.values() for port in stage.tables}
        return frozenset(source for table in tables for source in self.sources_of(table))

    def sources_of(self, name: str) -> tuple[str, ...]:
        """The sources whose events come to a stage, or facts about them, sorted; those of its tables are not among them."""
        reached = {name}
        ahead = [name]
        while ahead:
            more = {port.stage for port in self.stages[ahead.pop()].upstream} - reached
            reached |= more
            ahead += more
        return tuple(sorted(stage for stage in reached if self.stages[stage].kind == "source"))

    def sinks_of(self, source: str) -> tuple[str, ...]:
        """The sinks that events of a source come to, not only facts about them."""
        events = {source}
        found = []
        for stage in self.stages.values():
            if any(port.stage in events and self._passes(port) for port in stage.upstream):
                events.add(stage.name)
                if stage.kind == "sink" and stage.window is None:
                    found.append(stage.name)
        return tuple(found)

    def _passes(self, port: Port) -> bool:
        """Whether events leave by this port: by those of a window only facts do, and what was rejected before it."""
        return self.stages[port.stage].window is None or port.name == "rejected"
