"""Rules for inputs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import cast

from pipeline.api import CARRIED, REST, Batch, Input, Position, dtype
from pipeline.testing.contexts import FakeContext
from pipeline.testing.contract.cases import AnyPlugin, Case
from pipeline.testing.contract.every import EVERY, cancelled, lively, within
from pipeline.testing.contract.rules import Rule, broken, rule

BATCHES = 8
"""Batches that are read of an input."""

PATIENCE = 30.0
"""Seconds for reading them."""

Row = tuple[str, int, bytes]
Progress = dict[str, Position]


async def read(plugin: AnyPlugin, progress: Mapping[str, Position], most: int = BATCHES) -> tuple[list[Batch], bool]:
    """The first batches of an open input, and whether it ended."""
    found: list[Batch] = []
    stream = cast("Input[object]", plugin).read(progress)  # type: ignore[type-var]
    if not isinstance(stream, AsyncGenerator):
        broken("`read` is not an asynchronous generator: write `async def read` with `yield`")
    try:
        async with asyncio.timeout(PATIENCE), aclosing(stream):
            async for batch in stream:
                found.append(batch)
                if len(found) >= most:
                    return found, False
    except TimeoutError:
        return found, False
    return found, True


async def whole(case: Case, progress: Mapping[str, Position] | None = None) -> tuple[list[Batch], bool]:
    """What a new input reads from there on, with the outside world as it is."""
    plugin = case.fresh().plugin
    with FakeContext() as ctx:
        try:
            await plugin.open(ctx)
            return await read(plugin, progress or {})
        finally:
            await plugin.close()


@rule(
    "schema",
    "Every batch has the fields that `schema` promised, and no others, with their dtypes.",
    "Give each column its dtype (`api.dtype(type)`), also where a batch has no value for it; make batches with `api.lines`.",
)
def schema(case: Case) -> None:
    async def work() -> None:
        case.reset()
        made = case.fresh()
        promised = {name: dtype(kind) for name, kind in made.after.fields.items()}
        batches, _ = await whole(case)
        if not batches:
            broken("it read no batch: give `check` a program whose input has some")
        for batch in batches:
            schema = batch.frame.schema
            found = {name: kind for name, kind in schema.items() if not name.startswith("@") or name == REST}
            if dict(found) != promised:
                broken(f"a batch has the fields {dict(found)}, and `schema` promises {promised}")
            if lost := [name for name in ("@raw", "@offset", "@partition") if name not in schema]:
                broken(f"a batch lacks {', '.join(lost)}")
            if further := [name for name in schema if name.startswith("@") and name not in (*CARRIED, REST)]:
                broken(f"a batch has metadata of its own: {', '.join(further)}")
            if set(batch.frame["@partition"].unique()) - set(batch.span):
                broken("a batch has rows of a partition that its span does not name")

    within(work)


@rule(
    "spans",
    "Spans of a partition follow each other without gap, positions are JSON, and no `@offset` is there twice.",
    "`start` of a batch is the `end` of the one before it; the first is `progress.get(partition)`. `@offset` numbers the records.",
)
def spans(case: Case) -> None:
    async def work() -> None:
        case.reset()
        ends: Progress = {}
        seen: set[tuple[str, int]] = set()
        for batch in (await whole(case))[0]:
            for partition, span in batch.span.items():
                for position in (span.start, span.end):
                    if json.loads(json.dumps(position)) != position:
                        broken(f"the position {position!r} is not the same after a way through JSON")
                if span.start != ends.get(partition):
                    broken(
                        f"a span of {partition} starts at {span.start!r}, and the one before ended at {ends.get(partition)!r}"
                    )
                ends[partition] = span.end
            for key in batch.frame.select("@partition", "@offset").iter_rows():
                if key in seen:
                    broken(f"the row {key[0]}:{key[1]} is there twice")
                seen.add(key)

    within(work)


@rule(
    "end",
    "With `ctx.once` the input ends.",
    "Return from `read` when all is read that was there at the start, or say `finite = False`.",
)
def end(case: Case) -> None:
    async def work() -> None:
        case.reset()
        plugin = case.fresh().plugin
        if not cast("Input[object]", plugin).finite:  # type: ignore[type-var]
            return
        batches, ended = await whole(case)
        if not ended and len(batches) < BATCHES:
            broken(f"`read` goes on without a batch for {PATIENCE:.0f} seconds")

    within(work)


@rule(
    "resume",
    "Begun again at what was committed, it reads on there: every record once, under the same `@partition` and `@offset`.",
    "Take everything from `progress`: keep the place in the position, nothing in the object. Say `replayable = False` where the "
    "source cannot be read again.",
)
def resume(case: Case) -> None:
    async def work() -> None:
        plugin = cast("Input[object]", case.fresh().plugin)  # type: ignore[type-var]
        if not plugin.replayable:
            return
        case.reset()
        batches, ended = await whole(case)
        every = _rows(batches)
        for count in range(1, len(batches) + (1 if ended else 0)):
            progress: Progress = {}
            for batch in batches[:count]:
                progress |= {partition: span.end for partition, span in batch.span.items()}
            case.reset()
            further, _ = await whole(case, json.loads(json.dumps(progress)))
            rest = every[len(_rows(batches[:count])) :]
            found = _rows(further)
            shared = min(len(rest), len(found))
            if found[:shared] != rest[:shared] or (ended and len(found) < len(rest)):
                lost, twice = set(rest) - set(found), set(found) - set(rest)
                broken(
                    f"begun again after {count} of {len(batches)} batches, "
                    f"{len(lost)} records are missing and {len(twice)} are there that were committed before"
                )

    within(work)


def _rows(batches: list[Batch]) -> list[Row]:
    return [row for batch in batches for row in batch.frame.select("@partition", "@offset", "@raw").iter_rows()]


async def _use(plugin: AnyPlugin) -> None:
    await read(plugin, {}, 3)


@rule(
    "loop",
    "Coroutines never block: the event loop answers while the plugin opens and reads.",
    "Give blocking work to a thread, `await ctx.run(work, …)`, and wait with `await ctx.clock.sleep(…)`, not `time.sleep`.",
)
def loop(case: Case) -> None:
    lively(case, _use)


@rule(
    "cancel",
    "Cancelled at any await and closed, it leaves no task, file, connection or thread.",
    "Use `try … finally` or `async with` around what `read` opens, and await in `close` the tasks that you cancel there.",
)
def cancel(case: Case) -> None:
    cancelled(case, _use)


INPUT: tuple[Rule[Case], ...] = (*EVERY, loop, cancel, schema, spans, end, resume)
