"""Rules for every plugin that is a class: its docs, its example, and how it opens and closes."""

from __future__ import annotations

import asyncio
import pickle
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from pipeline.api import API, SUPPORTED
from pipeline.testing.contexts import FakeContext
from pipeline.testing.contract.cases import AnyPlugin, Case
from pipeline.testing.contract.rules import Rule, broken, rule
from pipeline.testing.contract.world import Stepped, Watchdog, left_open, open_things

T = TypeVar("T")

AWAITS = 40
"""Awaits at which a coroutine is cancelled, one after the other."""

PATIENCE = 20.0
"""Seconds for whatever a plugin does here."""

HOUSE = "pipeline_plugins"
"""The package of the house's own plugins."""

NAME = re.compile(r"[a-z][a-z0-9_]*")


@rule(
    "documented",
    "The class has a docstring, a name in snake case and `api = 1`; every option has a doc.",
    'They are the plugin\'s page (`pipe plugins NAME`): write the docstring, and `api.option("what it is", …)` for each option.',
)
def documented(case: Case) -> None:
    made = case.made
    if not (made.__doc__ or "").strip():
        broken("the class has no docstring")
    if not NAME.fullmatch(made.name):
        broken(f"the name {made.name!r} is not in snake case")
    check_api(ours=of_the_house(made), wrote=made.api)
    bare = [
        name
        for name, info in made.options_model.named().items()
        if name not in ("by", *made.options_model.defined()) and not (info.description or "").strip()
    ]
    if bare:
        broken(f"options without a doc: {', '.join(bare)}")


def of_the_house(made: type) -> bool:
    """Whether a class is one of our own plugins."""
    return made.__module__.partition(".")[0] == HOUSE


def check_api(*, ours: bool, wrote: int | None) -> None:
    """Raises BrokenError where a plugin of others does not say which contract it was written for, or it is another one."""
    if wrote is None and not ours:
        broken(f"it does not say which version of the plugin API it was written for: `api={API}`")
    if wrote is not None and wrote not in SUPPORTED:
        broken(f"it is written for version {wrote} of the plugin API, and this is version {API}")


@rule(
    "example",
    "The example is a program that names the plugin and has no errors.",
    "Put a whole program into `example`: sources, what the plugin is for, and a sink.",
)
def example(case: Case) -> None:
    Case(case.made, case.kind, case.name, case.made.example).fresh()
    case.fresh()


@rule(
    "runs",
    "The example runs to its end, nothing is logged, no row fails, and every row is accounted for.",
    "Run it with `pipe run -e '…' --once`. Where it needs a server, start one in the test and give `check` a program that names it.",
)
def runs(case: Case) -> None:
    if case.endless:
        return
    told, counts = case.ran
    if told:
        broken("the engine said: " + "; ".join(told))
    stage = case.fresh().stage.name
    if not any(rows for (name, _), rows in counts.items() if name == stage):
        broken(f"no row came to {stage}: a program without rows shows nothing")


@rule(
    "picklable",
    "A plugin can be pickled.",
    "Keep what cannot be pickled (connections, databases, locks) out of `__init__` and open it in `open`, or give the class a "
    "`__reduce__` that makes it from its options.",
)
def picklable(case: Case) -> None:
    plugin = case.fresh().plugin
    try:
        copy = pickle.loads(pickle.dumps(plugin))  # noqa: S301 — made here
    except Exception as error:  # noqa: BLE001 — whatever pickle meets
        broken(f"pickle says {type(error).__name__}: {error}")
    if type(copy) is not type(plugin) or type(copy.options) is not type(plugin.options):
        broken("the copy is of another class, or has options of another class")


@rule(
    "close",
    "`close` may be called twice, without `open`, and after an `open` that failed; it raises nothing.",
    "Set in `__init__` what `close` looks at, and forget in `close` what was closed: `pool, self._pool = self._pool, None`.",
)
def close(case: Case) -> None:
    async def closed(plugin: AnyPlugin, when: str) -> None:
        for time in ("", " the second time"):
            try:
                await plugin.close()
            except Exception as error:  # noqa: BLE001 — whatever it raises
                broken(f"`close` {when} raised{time} {type(error).__name__}: {error}")

    async def work() -> None:
        await closed(case.fresh().plugin, "without `open`")
        with FakeContext() as ctx:
            case.reset()
            plugin = case.fresh().plugin
            await plugin.open(ctx)
            await closed(plugin, "after `open`")
        for use in range(1, min(ctx.uses, AWAITS) + 1):
            with FakeContext(fails_at=use) as failing:
                case.reset()
                plugin = case.fresh().plugin
                with suppress(Exception):
                    await plugin.open(failing)
                await closed(plugin, "after an `open` that failed")

    within(work)


def within(work: Callable[[], Awaitable[None]]) -> None:
    """Run to the end in a loop of its own. Raises BrokenError when that takes too long."""

    async def limited() -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await work()
        except TimeoutError:
            broken(f"it did not come to its end within {PATIENCE:.0f} seconds")

    asyncio.run(limited())


def living(case: Case, plugin: AnyPlugin, work: Callable[[], T]) -> T:
    """Do something between `open` and `close` of the plugin."""

    async def whole() -> T:
        with FakeContext() as ctx:
            await plugin.open(ctx)
            try:
                return work()
            finally:
                await plugin.close()

    case.reset()
    return asyncio.run(whole())


def lively(case: Case, use: Callable[[AnyPlugin], Awaitable[None]]) -> None:
    """Use the plugin from open to close on a loop that is watched."""

    async def work() -> None:
        case.reset()
        plugin = case.fresh().plugin
        with FakeContext() as ctx:
            async with Watchdog() as dog:
                try:
                    await plugin.open(ctx)
                    await use(plugin)
                finally:
                    await plugin.close()
        if dog.stack:
            broken(f"the event loop stood still, here:\n{''.join(dog.stack[-2:]).rstrip()}")

    within(work)


def cancelled(case: Case, use: Callable[[AnyPlugin], Awaitable[None]]) -> None:
    """Use the plugin and cancel it at the first, the second, … await; close it; nothing may be left open."""

    async def once(cancel_at: int | None) -> int:
        before = open_things()
        case.reset()
        plugin = case.fresh().plugin

        async def whole(ctx: FakeContext) -> None:
            await plugin.open(ctx)
            await use(plugin)

        with FakeContext() as ctx:
            stepped = Stepped(whole(ctx), cancel_at)
            task = asyncio.ensure_future(_all(stepped))
            try:
                await task
            except asyncio.CancelledError:
                if cancel_at is None:
                    raise
            await plugin.close()
        left = await left_open(before)
        if left:
            when = "at its end" if cancel_at is None else f"when it is cancelled at its await number {cancel_at}"
            broken(f"{when}, this is left after `close`: {', '.join(left)}")
        return stepped.steps

    async def work() -> None:
        steps = await once(None)
        for step in range(1, min(steps, AWAITS) + 1):
            await once(step)

    within(work)


async def _all(work: Awaitable[None]) -> None:
    await work


async def nothing(plugin: AnyPlugin) -> None:
    """Use it for nothing: open and close."""


@rule(
    "loop",
    "Coroutines never block: the event loop answers while the plugin opens and works.",
    "Give blocking work to a thread, `await ctx.run(work, …)`, and wait with `ctx.clock.sleep`, not `time.sleep`.",
)
def loop(case: Case) -> None:
    lively(case, nothing)


@rule(
    "cancel",
    "Cancelled at any await and closed, it leaves no task, file, connection or thread.",
    "Close in `close` whatever was opened so far, and await the tasks that you cancel; `async with` and `try … finally` around what "
    "is opened between two awaits.",
)
def cancel(case: Case) -> None:
    cancelled(case, nothing)


EVERY: tuple[Rule[Case], ...] = (documented, example, runs, picklable, close)
