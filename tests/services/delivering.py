"""An output between `open` and `close`, in the process of the test, with the segments that it is given."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline import api
from pipeline.agent.agent import Agent, Settings
from pipeline.agent.telemetry import Journal
from pipeline.env.real import RealEnv
from pipeline.lang import Source
from pipeline.plan.catalog import Catalog
from pipeline.plan.load import load
from pipeline.testing import FakeContext


def made(call: str) -> api.Output[Any]:
    """The output of a call, such as `http('http://…')`, as the checker makes it."""
    found = load(Source("p", f"source s = generate(count: 1)\nsink o = s -> {call}"), catalog=Catalog.installed())
    assert found.graph is not None, found.diagnostics
    output = found.graph.stages["o"].output
    assert output is not None
    return output


def segment(lines: Sequence[str], number: int = 1, form: str = "") -> api.Segment:
    data = "".join(f"{line}\n" for line in lines).encode()
    return api.Segment(
        "o",
        number,
        name=f"o-{number:06d}",
        rows=len(lines),
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        ranges=(),
        data=data,
        form=form,
    )


def numbered(count: int, first: int = 0) -> list[str]:
    return [f'{{"n":{number}}}' for number in range(first, first + count)]


def delivered(
    output: api.Output[Any], *segments: api.Segment, tries: int = 1, ctx: FakeContext | None = None
) -> list[api.Result]:
    """What became of each try of each segment: again until it is accepted, or `tries` is used up. A context's clock does not wait."""

    async def work(ctx: FakeContext) -> list[api.Result]:
        results: list[api.Result] = []
        await output.open(ctx)
        try:
            for each in segments:
                for _ in range(tries):
                    try:
                        results.append(await output.deliver(each))
                    except ValueError as error:
                        results.append(api.Result(accepted=False, reason=f"set aside: {error}"))
                    except OSError as error:
                        results.append(api.Result(accepted=False, reason=str(error)))
                    if results[-1].accepted:
                        break
            return results
        finally:
            await output.close()

    with ctx or FakeContext() as used:
        return asyncio.run(work(used))


def ran(program: str, folder: Path) -> list[str]:
    """Run a program to the end of its input, in a folder; what the agent had to say."""
    found = load(Source("p", program), catalog=Catalog.installed())
    assert found.graph is not None, found.diagnostics
    env, told = RealEnv(2), list[str]()
    try:
        settings = Settings("p", folder / "state", folder, once=True, timeout=30.0)
        asyncio.run(Agent(env, found.graph, settings, Journal(told.append, env.clock)).run())
    finally:
        env.close()
    return told
