"""`pipe why`: the lines that a fact is made of."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import click
import polars as pl

from pipeline.agent.assembly import Assembly
from pipeline.agent.context import NodeContext
from pipeline.agent.letters import MOST
from pipeline.agent.resolving import Askers
from pipeline.agent.telemetry import Journal, PluginMeter
from pipeline.api import Batch, Delta, lines
from pipeline.cli.failures import note
from pipeline.cli.parameters import TIME, settings_of, with_settings
from pipeline.cli.programs import checked, loaded, read
from pipeline.cli.states import asked, folder_of, with_state
from pipeline.cli.story import Story
from pipeline.env import Env
from pipeline.env.real import RealEnv
from pipeline.errors import StateError, UsageError
from pipeline.plan.graph import AnyFold, Graph, Step
from pipeline.plan.probe import Probe
from pipeline.plan.reentry import POISON
from pipeline.proof.records import Found, Lost, found
from pipeline.proof.sought import Ask, Fact, same, sought, window_of
from pipeline.store.trails import Known, Sent, Trail

Place = tuple[str, str, int]
"""Of a record: source, partition, offset."""


@click.command("why")
@click.argument("id")
@with_state
@click.option(
    "--at", type=TIME, metavar="TIME", help="The fact's window_start, for windows whose state is not kept any more."
)
@click.option("--limit", type=click.IntRange(0), default=20, show_default=True, help="How many lines to print.")
@with_settings
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(
    id: str,
    file: str | None,
    state: str | None,
    at: int | None,
    limit: int,
    settings: tuple[str, ...],
    form: str,
) -> int:
    """Go from a fact back to the lines that it is made of: ID is the `id` that it was published with.

    The batches that fed its window are read again, from their files, whatever they are called now, or else from the local files
    of `raw` outputs, and run through the program. Exits 1 when the lines do not give the fact's value."""
    if not re.fullmatch("[0-9a-f]{32}", id):
        raise UsageError(
            f"{id!r} is no id of a fact", "It has 32 characters of 0-9 and a-f: the `id` of a published fact."
        )
    folder = folder_of(file, state)

    def ask(request: Mapping[str, object]) -> dict[str, object]:
        return asked(folder, request)[0]

    known = cast("Known", ask({"ask": "windows"})["known"])
    program = Path(known["program"])
    if file is not None and Path(file).resolve() != program:
        raise StateError(
            f"the state in {folder} belongs to another program: {program}", "Name that program, or another --state."
        )
    graph = checked(loaded(read(str(program) if file is None else file), settings_of(settings)), quiet=True)
    env = RealEnv()
    try:
        search = Search(env, graph, ask, limit)
        story = search.story(sought(id, at, graph, known, ask, search.again))
    finally:
        env.close()
    click.echo(story.json() if form == "json" else story.text())
    story.complain()
    return 0 if story.agrees else 1


@dataclass
class Search:
    """Runs the batches of windows through the program once more. Every method blocks."""

    env: Env
    graph: Graph
    ask: Ask
    limit: int

    def again(self, sent: Sent) -> Sequence[Delta]:
        """The state of a window, from the records of its batches that are there."""
        window = window_of(self.graph, sent["stage"])
        deltas: list[Delta] = []

        def fold(_: Found, batch: Batch) -> None:
            own = window.deltas(batch)[1].get(sent["start"])
            if own is not None:
                deltas.append(own)

        self._run(sent, self._trail(sent), fold)
        return deltas

    def story(self, fact: Fact) -> Story:
        """Find the lines of a fact."""
        story = Story(fact, self._trail(fact.sent))
        deltas: list[Delta] = []

        def pick(part: Found, batch: Batch) -> None:
            mine = fact.window.members(batch, fact.sent["start"], fact.row)
            story.lines += mine.frame.height
            story.shown += _lines(part, mine.frame.head(self.limit - len(story.shown)))
            own = fact.window.deltas(mine)[1].get(fact.sent["start"]) if mine.frame.height else None
            if own is not None:
                deltas.append(own)

        for part in self._run(fact.sent, story.trail, pick):
            if isinstance(part, Found):
                story.found.append(part)
            else:
                story.lost.append(part)
        story.given = same(fact, deltas)
        return story

    def _trail(self, sent: Sent) -> Trail:
        request = {"ask": "trail", "stage": sent["stage"], "start": sent["start"], "part": sent["part"]}
        return cast("Trail", self.ask(request)["trail"])

    def _table(self, stage: str, step: Step) -> object:
        """What a table knows now."""
        fold = cast("AnyFold", step.plugin)
        found = cast("tuple[str, int] | None", self.ask({"ask": "table", "stage": stage, "fold": step.fold})["state"])
        try:
            return fold.empty() if found is None else fold.load(base64.b64decode(found[0]), found[1])
        except ValueError as error:
            told = f"the table of {fold.name} in {stage} cannot be read: {error}"
            raise StateError(told, "Run the version of the plugin that wrote it.") from error

    def _poison(self) -> frozenset[Place]:
        """The records that ended a process whenever they were computed, as far as their dead letters are kept."""
        letters = cast("list[dict[str, Any]]", self.ask({"ask": "dlq", "reason": POISON, "limit": MOST})["letters"])
        return frozenset(
            (letter["@source"], letter["@partition"], letter["@offset"])
            for letter in letters
            if letter["stage"] == letter["@source"]
        )

    def _run(self, sent: Sent, trail: Trail, arrived: Callable[[Found, Batch], None]) -> list[Found | Lost]:
        """Give the rows that come to the window of a stage to `arrived`."""
        probe = Probe(self.graph, self.env.host, sent["stage"], self._table)
        poison = self._poison()
        journal = Journal(note, self.env.clock)

        def context(stage: str, meter: PluginMeter) -> NodeContext:
            return NodeContext(self.env, stage, journal, once=True, metrics=meter)

        async def work() -> list[Found | Lost]:
            done: list[Found | Lost] = []
            askers = Askers()
            assembly = Assembly(probe.graph, self.env.host, askers)
            await assembly.open(context)
            try:
                for part in found(trail, self.graph, self.env.files):
                    if isinstance(part, Found):
                        source, received = part.batch["source"], part.batch["received"]
                        begin = partial(probe.arrivals, source, _batch(part, poison), received)
                        for batch in await askers.run(self.env.run, begin):
                            arrived(part, batch)
                        part = replace(part, raw=part.raw.clear(), offsets=part.offsets.clear())
                    done.append(part)
            finally:
                await assembly.close()
            return done

        try:
            return asyncio.run(work())
        finally:
            journal.close()


def _batch(part: Found, poison: Collection[Place]) -> Batch:
    """Its records but the poison: nobody has had that, and it would end this process, too."""
    batch = part.batch
    raw, offsets = part.raw, part.offsets
    # An archive that has only some records has none that nobody was given.
    if part.whole and poison:
        mine = [at for source, partition, at in poison if (source, partition) == (batch["source"], batch["partition"])]
        keep = ~offsets.is_in(mine)
        raw, offsets = raw.filter(keep), offsets.filter(keep)
    return lines(raw, offsets, partition=batch["partition"], start=None, end=None, path=batch["path"])


def _lines(part: Found, frame: pl.DataFrame) -> Iterator[dict[str, object]]:
    """Rows as lines: where they are, and their text, with base64 where it is none."""
    path = (part.batch["path"] or part.batch["source"]) if part.whole else part.place
    for raw, offset, item in frame.select("@raw", "@offset", "@item").iter_rows():
        text = raw.decode("utf-8", "replace")
        odd = {} if text.encode() == raw else {"raw_base64": base64.b64encode(raw).decode()}
        place, of = (f"{path}:{offset}", {}) if item is None else (f"{path}:{offset}#{item}", {"item": item})
        yield {"partition": part.batch["partition"], "place": place, "offset": offset, **of, "raw": text, **odd}
