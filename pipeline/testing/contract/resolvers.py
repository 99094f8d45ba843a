"""Rules for resolvers, besides those for filters: their questions and answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import polars as pl

from pipeline.api import Batch, Resolver, dtype
from pipeline.api.resolvers import KEY
from pipeline.columns.panics import DEFECTS
from pipeline.plan.isolation import told
from pipeline.testing.contexts import FakeContext
from pipeline.testing.contract.cases import AnyPlugin, Case
from pipeline.testing.contract.every import cancelled, lively
from pipeline.testing.contract.filters import FILTER
from pipeline.testing.contract.rules import Rule, broken, rule

PATIENCE = 10.0
"""Seconds for the answers to a few keys."""


def _of(plugin: AnyPlugin) -> Resolver[Any]:
    if not isinstance(plugin, Resolver):
        raise TypeError(f"{plugin} is no resolver")
    return plugin


def _keys(resolver: Resolver[Any], batch: Batch) -> pl.Series:
    """What rows ask for. Raises BrokenError for what the engine cannot use."""
    keys = resolver.keys(batch.frame.clone())
    if not isinstance(keys, pl.Series) or keys.len() != batch.frame.height:
        broken("`keys` gave no series with a value for each row")
    if keys.dtype not in (pl.String, pl.Int64):
        broken(f"`keys` gave {keys.dtype}, not String or Int64")
    return keys


def _some(case: Case) -> pl.Series:
    """As many distinct keys as one `fetch` gets, of real rows where there are some. Runs the program, so not on a loop."""
    resolver = _of(case.fresh().plugin)
    for batch in case.data.values():
        keys = _keys(resolver, batch).drop_nulls().unique(maintain_order=True).head(max(1, resolver.at_once))
        if keys.len():
            return keys.alias(KEY)
    return broken("no row of the example asks for anything")


@rule(
    "keys",
    "Any rows can ask: real ones, odd ones, nulls, none. `keys` gives String or Int64 for each row, null for nothing, and the "
    "same for a row whatever stands beside it.",
    "Give null where a value is no key; work on columns, and row by row.",
)
def keys(case: Case) -> None:
    resolver = _of(case.fresh().plugin)
    for what, batch in case.data.items():
        try:
            whole = _keys(resolver, batch)
        except DEFECTS as error:
            broken(f"of {what}: {told(error, resolver)}")
        half = batch.frame.height // 2
        parts = [_keys(resolver, batch.with_frame(part)) for part in (batch.frame[:half], batch.frame[half:])]
        if not pl.concat([part.alias(KEY) for part in parts]).equals(whole.alias(KEY), null_equal=True):
            broken(f"of {what}, cut after row {half}: other keys")


@rule(
    "answers",
    "`fetch` gives a `key` and the columns of `adds`, with their types; a row for each key that was asked for at most, and none "
    "for others.",
    "Make the frame of the series that came (`pl.DataFrame([keys, …])`) and of columns with their dtypes, "
    "`pl.Series(name, values, dtype=api.dtype(api.STRING))`.",
)
def answers(case: Case) -> None:
    asked = _some(case)

    async def work() -> None:
        case.reset()
        resolver = _of(case.fresh().plugin)
        wanted = {name: dtype(kind) for name, kind in resolver.adds().items()}
        with FakeContext() as ctx:
            try:
                await resolver.open(ctx)
                found = await asyncio.wait_for(resolver.fetch(asked), PATIENCE)
            except TimeoutError:
                broken(
                    f"`fetch` did not answer within {PATIENCE:.0f} seconds: give `check` a program whose server answers"
                )
            finally:
                await resolver.close()
        if not isinstance(found, pl.DataFrame):
            broken(f"`fetch` gave {type(found).__name__}, not a DataFrame")
        if found.schema != {KEY: asked.dtype, **wanted}:
            broken(f"`fetch` gave {dict(found.schema)}, and `adds` promises {wanted} beside `{KEY}`")
        if strange := set(found[KEY]) - set(asked):
            broken(f"`fetch` gave an answer for {min(strange)!r}, which nobody asked for")
        if found[KEY].is_duplicated().any():
            broken("`fetch` gave two answers for one key")

    asyncio.run(work())


def _fetch(case: Case) -> Callable[[AnyPlugin], Awaitable[None]]:
    asked = _some(case)

    async def work(plugin: AnyPlugin) -> None:
        await _of(plugin).fetch(asked)

    return work


@rule(
    "fetch_loop",
    "The event loop answers while `fetch` asks.",
    "Use a client that is asynchronous, or give blocking work to a thread, `await ctx.run(work, …)`.",
)
def fetch_loop(case: Case) -> None:
    lively(case, _fetch(case))


@rule(
    "fetch_cancel",
    "A `fetch` that is cancelled at any await ends, and leaves no task, file, connection or thread after `close`.",
    "`async with` and `try … finally` around what is opened for a question; never swallow `CancelledError`.",
)
def fetch_cancel(case: Case) -> None:
    cancelled(case, _fetch(case))


RESOLVER: tuple[Rule[Case], ...] = (*FILTER, keys, answers, fetch_loop, fetch_cancel)
