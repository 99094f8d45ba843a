"""A machine, the log that is written on it, the sinks elsewhere, and lives of the engine among them."""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from log import FOLDER, Log
from remote import Fate, Remote, ViolationError
from sinks import Index, Store
from stutter import Stutter

from pipeline.agent.agent import Agent, Settings
from pipeline.agent.telemetry import Journal
from pipeline.lang.spans import Source
from pipeline.plan.catalog import Catalog
from pipeline.plan.graph import Graph
from pipeline.plan.load import Recipe, load
from pipeline.testing.disk import Cut
from pipeline.testing.kernel import ROOT, Fault
from pipeline.testing.loop import run
from pipeline.testing.machine import Life, Machine

PROGRAM = """
source log = file("{folder}/access.log*")
transform parsed = log
  | grok('^%{{INT:n:int}} %{{INT:second:int}} %{{WORD:verb}} %{{INT:size:int}}$')
  | set {{ @timestamp = time(second, 'unix') }}
transform facts = parsed | window(10s, lateness: 5s, keep: {keep}) {{ hits = count() by verb  volume = sum(size) }}
sink indexed   = facts -> index()
sink published = facts -> file("{root}/facts.ndjson")
sink objects   = log -> store(size: 20KB)
sink archive   = log -> file("{root}/raw.log.zst", format: raw)
sink table     = parsed | where(verb == 'GET') | keep(n, size)
  -> file("{root}/table/", format: csv(header: true), roll: {{size: 8KB}})
"""

MEMORY = """
transform unique = parsed | dedupe(within: 4s, count: 2) by verb
sink first = unique -> file("{root}/first.txt", format: "{{n}}")
"""
"""A filter with memory, for histories at random: all that is below it is computed in the commit."""

STATE = ROOT / "state"


@cache
def house() -> Catalog:
    return Catalog.installed()


def catalog(remote: Remote) -> Catalog:
    """The house's plugins, and ours."""
    registry = {kind: dict(named) for kind, named in house()._registry.items()}
    for output in (Store, Index):
        registry["outputs"][output.name] = type(output.__name__, (output,), {"remote": remote})
    registry["inputs"]["file"] = type("File", (Stutter,), {"remote": remote})
    return Catalog(registry)


@cache
def recipe(keep: str, *, memory: bool) -> Recipe:
    """The program, checked once."""
    text = (PROGRAM + MEMORY if memory else PROGRAM).format(folder=FOLDER, root=ROOT, keep=keep)
    loaded = load(Source("w.pipe", text), catalog=catalog(Remote()))
    assert loaded.graph is not None, loaded.diagnostics
    return loaded.recipe


@dataclass
class Scene:
    """`keep` is how long windows are kept, `memory` whether there is a filter with memory. What is not `machine`, `log` and `remote` is gone with a life."""

    machine: Machine = field(default_factory=Machine)
    log: Log = field(default_factory=Log)
    remote: Remote = field(default_factory=Remote)
    keep: str = "1h"
    memory: bool = False
    said: list[str] = field(default_factory=list)

    def after(self, cut: Cut, choice: random.Random) -> Scene:
        """The scene after a power cut now; this one goes on."""
        return Scene(self.machine.after(cut, choice), self.log.fork(), self.remote.fork(), self.keep, self.memory)

    def graph(self) -> Graph:
        return recipe(self.keep, memory=self.memory).build(catalog(self.remote))

    def agent(self, life: Life, *, once: bool) -> Agent:
        """An engine in this life. Deliveries that are not made in ten minutes will never be."""
        settings = Settings("w.pipe", STATE, ROOT, once=once, timeout=600.0)
        return Agent(life, self.graph(), settings, Journal(self.said.append, life.clock))

    def live(
        self,
        script: Callable[[Scene, Life, Agent], Coroutine[Any, Any, None]],
        *,
        once: bool = False,
        kill_at: int | None = None,
        fault: Fault | None = None,
        watch: Callable[[str], None] | None = None,
    ) -> tuple[Life, Agent]:
        """One life, which goes as the script says. Raises what the script raises; the caller cuts the machine."""
        life = self.machine.life(kill_at, fault=fault, watch=watch)
        try:
            with life.running():
                agent = self.agent(life, once=once)
                run(script(self, life, agent))
        finally:
            if self.remote.broken:
                raise ViolationError(self.remote.broken)
        return life, agent

    def finish(self, **how: Any) -> tuple[Life, Agent]:
        """A last life without faults of the sinks: everything is read to its end and delivered."""
        self.remote.fate, self.remote.stutter = fine, False
        life, agent = self.live(to_the_end, once=True, **how)
        self.remote.arrive(float("inf"))
        return life, agent


def fine(call: int) -> Fate:
    return "ok"


async def to_the_end(scene: Scene, life: Life, agent: Agent) -> None:
    await agent.run()
