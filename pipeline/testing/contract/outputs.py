"""Rules for outputs."""

from __future__ import annotations

import asyncio
import hashlib
import pickle
from typing import cast, get_args

from pipeline.api import Batch, Guarantee, Output, Segment
from pipeline.testing.contexts import FakeContext
from pipeline.testing.contract.cases import AnyPlugin, Case
from pipeline.testing.contract.every import AWAITS, EVERY, cancelled, lively, within
from pipeline.testing.contract.rules import Rule, broken, rule
from pipeline.testing.contract.world import Stepped

TRIES = 50
"""How often a segment is delivered until it is accepted."""


def of(case: Case) -> Output[object]:  # type: ignore[type-var]
    return cast("Output[object]", case.fresh().plugin)  # type: ignore[type-var]


@rule(
    "guarantee",
    "`guarantee` says what is promised, and why.",
    'Return `("exactly once", reason)` or `("at least once", reason)`: `pipe explain` shows both.',
)
def guarantee(case: Case) -> None:
    kind, reason = of(case).guarantee()
    if kind not in get_args(Guarantee) or not reason.strip():
        broken(f"it promises {kind!r}, because {reason!r}")


@rule(
    "encode",
    "Any rows become bytes: real and odd ones, nulls; none become no bytes; the frame is not changed.",
    "`encode` is pure: rows in, `bytes` out. Build the bytes by column operations on a new frame.",
)
def encode(case: Case) -> None:
    output = of(case)
    for what, batch in case.data.items():
        frame = batch.frame.clone()
        data = output.encode(batch.frame)
        if not isinstance(data, bytes):
            broken(f"`encode` of {what} gave {type(data).__name__}, not bytes")
        if what == "no rows" and data and not output.layout.whole:
            broken(f"`encode` of no rows gave {data[:50]!r}")
        if not batch.frame.equals(frame, null_equal=True) or batch.frame.columns != frame.columns:
            broken(f"`encode` of {what} changed the frame")


@rule(
    "cuts",
    "Bytes may be concatenated: two halves give what the whole gives.",
    "Headers, commas between rows and other state do not belong into `encode`; a file that is written whole is a `whole` layout.",
)
def cuts(case: Case) -> None:
    output = of(case)
    if output.layout.whole:
        return
    for what, batch in case.data.items():
        whole = output.encode(batch.frame)
        for cut in sorted({0, 1, batch.frame.height // 2}):
            if output.encode(batch.frame[:cut]) + output.encode(batch.frame[cut:]) != whole:
                broken(f"of {what}, cut after row {cut}: other bytes")


@rule(
    "copy",
    "A pickled copy encodes the same bytes.",
    "Whatever `encode` needs is made from the options or in `schema`, and is pickled along.",
)
def copy(case: Case) -> None:
    output = of(case)
    twin = pickle.loads(pickle.dumps(output))  # noqa: S301 — made here
    for what, batch in case.data.items():
        if not output.layout.whole and twin.encode(batch.frame) != output.encode(batch.frame):
            broken(f"of {what}: the copy gives other bytes")


def segment(case: Case) -> Segment:
    """A sealed segment of the real rows, or of odd ones."""
    output = of(case)
    batch: Batch = case.data.get("real rows", case.data["odd values"])
    rows = batch.frame.height
    data = output.encode(batch.frame)
    if output.layout.whole:
        data = b"".join(output.finish([data], output.layout.form))
    name = f"contract-{rows:06d}{output.layout.extension}"
    return Segment(
        "sink",
        1,
        name=name,
        rows=rows,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        ranges=(("p", 0, rows),),
        data=data,
    )


async def deliver(plugin: AnyPlugin, sealed: Segment) -> None:
    """Deliver as the engine does: again until it is accepted."""
    output = cast("Output[object]", plugin)  # type: ignore[type-var]
    for _ in range(TRIES):
        try:
            if (await output.deliver(sealed)).accepted:
                return
        except (OSError, TimeoutError):
            await asyncio.sleep(0.01)
    broken(f"a segment was not accepted in {TRIES} tries")


async def _use(case: Case, plugin: AnyPlugin) -> None:
    if not of(case).layout.in_place:
        await deliver(plugin, segment(case))


@rule(
    "loop",
    "Coroutines never block: the event loop answers while the plugin opens and delivers.",
    "Give blocking work to a thread, `await ctx.run(work, …)`, and wait with `await ctx.clock.sleep(…)`, not `time.sleep`.",
)
def loop(case: Case) -> None:
    lively(case, lambda plugin: _use(case, plugin))


@rule(
    "cancel",
    "Cancelled at any await and closed, it leaves no task, file, connection or thread.",
    "Use `try … finally` or `async with` around what `deliver` opens, and await in `close` the tasks that you cancel there.",
)
def cancel(case: Case) -> None:
    cancelled(case, lambda plugin: _use(case, plugin))


@rule(
    "twice",
    "A segment that is delivered twice, or cancelled at any await and delivered again, has the effect of once; or `guarantee` "
    "says `at least once`.",
    "Send it under `segment.name`, which is the same each time, so that the destination knows it; or promise `at least once`. "
    "`check(…, effect=…)` says what arrived at the destination, `reset=…` empties it.",
)
def twice(case: Case) -> None:
    output = of(case)
    kind, _ = output.guarantee()
    if kind != "exactly once" or output.layout.in_place:
        return
    if case.effect is None:
        broken("it promises `exactly once`, and nobody can see what arrives: give `check` an `effect`")

    async def once(times: int, cancel_at: int | None = None) -> tuple[object, int]:
        case.reset()
        sealed, steps = segment(case), 0
        for time in range(times):
            plugin = case.fresh().plugin
            with FakeContext() as ctx:
                try:
                    await plugin.open(ctx)
                    stepped = Stepped(deliver(plugin, sealed), cancel_at if time == 0 else None)
                    try:
                        await asyncio.ensure_future(_all(stepped))
                    except asyncio.CancelledError:
                        if cancel_at is None:
                            raise
                    steps = stepped.steps
                finally:
                    await plugin.close()
        return case.effect() if case.effect is not None else None, steps

    async def work() -> None:
        expected, steps = await once(1)
        found, _ = await once(2)
        if found != expected:
            broken(f"delivered twice, there is {found!r:.200}, not {expected!r:.200}")
        for step in range(1, min(steps, AWAITS) + 1):
            found, _ = await once(2, step)
            if found != expected:
                broken(
                    f"cancelled at await number {step} and delivered again, there is {found!r:.200}, not {expected!r:.200}"
                )

    within(work)


async def _all(stepped: Stepped[None]) -> None:
    await stepped


OUTPUT: tuple[Rule[Case], ...] = (*EVERY, guarantee, encode, cuts, copy, loop, cancel, twice)
