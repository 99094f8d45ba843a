"""A plugin in a program: made as the checker makes it, run as the agent runs it."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.agent.agent import Agent, Settings
from pipeline.agent.telemetry import Journal
from pipeline.api import Batch, Codec, Columns, Filter, Fold, Input, Output, Plugin, Resolver, Window
from pipeline.env.real import RealEnv
from pipeline.errors import PipeError
from pipeline.lang import Diagnostic, Source, render
from pipeline.plan.catalog import Catalog, Kind
from pipeline.plan.graph import Graph, Stage
from pipeline.plan.load import Loaded, load
from pipeline.testing.contract.rows import odd, texts
from pipeline.testing.contract.rules import BrokenError, broken

AnyPlugin = Plugin[Any]

MOST = 200
"""Rows of a real batch that are looked at."""


@dataclass(frozen=True)
class Made:
    """A plugin as a program makes it, the stage it stands in, and the fields before and after it."""

    plugin: AnyPlugin
    stage: Stage
    before: Columns
    after: Columns


@dataclass
class Case:
    """One program that uses a plugin. `reset` puts the outside world back to its beginning, `effect` says what arrived there."""

    made: type[AnyPlugin]
    kind: Kind
    name: str
    program: str
    reset: Callable[[], object] = lambda: None
    effect: Callable[[], object] | None = None
    _seen: list[Any] = field(default_factory=list)
    _read: list[pl.Series] = field(default_factory=list)

    @cached_property
    def loaded(self) -> Loaded:
        """The program, checked. Raises BrokenError where the checker finds errors."""
        self.catalog = Catalog.installed().also(self.kind, self.name, self.made)
        found = load(Source("example", self.program), catalog=self.catalog)
        errors = [each for each in found.diagnostics if isinstance(each, Diagnostic) and each.severity == "error"]
        if found.graph is None or errors:
            broken("the program has errors:\n" + "\n".join(render(each, colour=False) for each in errors))
        return found

    def graph(self) -> Graph:
        """The program with plugins of its own."""
        return self.loaded.recipe.build(self.catalog)

    def fresh(self) -> Made:
        """The plugin, new, not opened. Raises BrokenError where the program does not name it."""
        return self.within(self.graph())

    def within(self, graph: Graph) -> Made:
        """The first use of the plugin in a graph."""
        for made in _uses(graph):
            if isinstance(made.plugin, self.made):
                return made
        return broken(f"the program does not name `{self.name}`:\n{self.program.strip()}")

    @cached_property
    def ran(self) -> tuple[list[str], dict[tuple[str, str], int]]:
        """What the agent had to say while it ran the program, and how many rows of each stage came to which end."""
        graph = self.graph()
        self._record(self.within(graph).plugin)
        self.reset()
        with tempfile.TemporaryDirectory(prefix="pipe-contract-") as name:
            folder = Path(name)
            env, told = RealEnv(3), list[str]()
            try:
                settings = Settings("example", folder / "state", folder, once=True, timeout=20.0)
                agent = Agent(env, graph, settings, Journal(told.append, env.clock))
                asyncio.run(asyncio.wait_for(agent.run(), 60))
            except PipeError as error:
                broken(f"the program ended with: {error.message} {error.help}".strip())
            except TimeoutError:
                broken("the program did not come to its end within a minute")
            finally:
                env.close()
        return told, dict(agent.report.counts)

    @property
    def endless(self) -> bool:
        """Whether an input of the program never ends, so that it cannot be run here."""
        return any(not stage.input.finite for stage in self.graph().sources if stage.input is not None)

    @cached_property
    def real(self) -> Batch | None:
        """Rows as they came to the plugin when the program ran, if any did."""
        if not self.endless and not self._seen:
            with suppress(BrokenError):  # the rule `runs` tells
                _ = self.ran
        batches = [found if isinstance(found, Batch) else Batch(found, {}) for found in self._seen]
        return next((each.with_frame(each.frame.head(MOST)) for each in batches if each.frame.height), None)

    @property
    def data(self) -> dict[str, Batch]:
        """What the plugin is tried on: real rows, odd ones, nulls, none. Frames of its own for each rule: a plugin may change
        them, which one of the rules forbids."""
        return {what: batch.with_frame(batch.frame.clone()) for what, batch in self._data.items()}

    @cached_property
    def _data(self) -> dict[str, Batch]:
        real = self.real
        before = self.fresh().before
        found = {} if real is None else {"real rows": real}
        found["odd values"] = odd(before, like=real)
        found["nulls"] = odd(before, nulls=True, like=real)
        found["no rows"] = found["odd values"].with_frame(found["odd values"].frame.clear())
        return found

    @property
    def texts(self) -> dict[str, pl.Series]:
        """What a codec is tried on: texts as they came when the program ran, those cut short, odd ones, nulls, none."""
        if not self.endless and not self._read:
            with suppress(BrokenError):  # the rule `runs` tells
                _ = self.ran
        real = next((texts.head(MOST) for texts in self._read if texts.len()), None)
        found = (
            {} if real is None else {"real texts": real, "texts cut short": real.str.head(real.str.len_chars() // 2)}
        )
        found["odd texts"] = pl.Series(texts())
        found["nulls"] = pl.Series([None, None, None], dtype=pl.String)
        found["no texts"] = pl.Series([], dtype=pl.String)
        return {what: series.alias("text") for what, series in found.items()}

    def _record(self, plugin: AnyPlugin) -> None:
        """Keep what the plugin is given from now on."""
        match plugin:
            case Resolver():
                methods = ["keys"]
            case Filter():
                methods = ["split" if plugin.ports else "apply"]
            case Fold():
                methods = ["step"]
            case Window():
                methods = ["deltas"]
            case Output():
                methods = ["encode"]
            case Codec():
                methods = ["decode", "encode"]
            case _:
                methods = []
        for method in methods:
            setattr(plugin, method, self._recording(getattr(plugin, method)))

    def _recording(self, inner: Callable[..., object]) -> Callable[..., object]:
        def recording(*given: object) -> object:
            for each in given:
                # As it came: some change it.
                if isinstance(each, Batch):
                    self._seen.append(each.with_frame(each.frame.clone()))
                elif isinstance(each, pl.DataFrame):
                    self._seen.append(each.clone())
                elif isinstance(each, pl.Series) and each.dtype == pl.String:
                    self._read.append(each.clone())
            return inner(*given)

        return recording


def _uses(graph: Graph) -> Iterator[Made]:
    for stage in graph.stages.values():
        if stage.input is not None:
            yield from _with_codecs(Made(stage.input, stage, Columns({}), stage.columns[""]))
        columns = stage.incoming
        for step in stage.steps:
            yield from _with_codecs(Made(step.plugin, stage, columns, step.columns))
            columns = step.columns
        if stage.output is not None:
            yield from _with_codecs(Made(stage.output, stage, columns, columns))


def _with_codecs(made: Made) -> Iterator[Made]:
    yield made
    for _, value in made.plugin.options:
        if isinstance(value, Codec):
            yield replace(made, plugin=value)


def kind_of(plugin: type[AnyPlugin]) -> Kind:
    """The kind of a plugin class. Raises TypeError for what is none."""
    if issubclass(plugin, Input):
        return "inputs"
    if issubclass(plugin, (Filter, Fold, Window)):
        return "filters"
    if issubclass(plugin, Output):
        return "outputs"
    if issubclass(plugin, Codec):
        return "codecs"
    raise TypeError(f"{plugin.__name__} is no Input, Filter, Fold, Window, Output or Codec")
